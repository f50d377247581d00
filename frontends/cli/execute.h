// Running compiled modules: a machine set up by the options, and its errors told.
#pragma once

#include "frontends/cli/cli.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"

namespace fble {

/// The profile that the command line asks for, if it does.
class ProfileFile {
 public:
  ProfileFile(const Options& options, const ProgramCode& code, uint64_t sample_period);
  ~ProfileFile();

  Profile* profile() const { return profile_.get(); }
  /// Writes the file. That it cannot be written is told, but is no failure of the run.
  void write() const;

 private:
  std::string name_;
  uint64_t sample_period_;
  std::unique_ptr<Profile> profile_;  ///< null without --profile
};

/// The machine options that the command line asks for.
MachineOptions machine_options(const Options& options, Profile* profile);

/// The compiler that the command line asks for, attached to the machine, which must
/// outlive it. Null with --jit=off, while profiling, or where it cannot work.
std::unique_ptr<TraceEngine> attach_engine(const Options& options, Machine& machine);

/// Tells why the machine stopped, after the program's own output.
Status report_run_error(const Machine& machine);

/// For --stats.
void print_stats(const Machine& machine, const TraceEngine* engine);

}  // namespace fble
