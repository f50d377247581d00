// Runs compiled modules: sets up a machine by the options, and reports its errors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "frontends/cli/cli.h"
#include "interp/machine.h"
#include "interp/profile.h"
#include "jit/engine/trace_engine.h"

namespace fble {

/// The profile that the command line asks for, if any.
class ProfileFile {
 public:
  ProfileFile(const Options& options, const ProgramCode& code, uint64_t sample_period);
  ~ProfileFile();

  Profile* profile() const { return profile_.get(); }
  /// Writes the file. A failure to write it is reported, but is no failure of the run.
  void write() const;

 private:
  std::string name_;
  uint64_t sample_period_;
  std::unique_ptr<Profile> profile_;  ///< null without --profile
};

/// Writes the counts of the machine's run if the command line asks for them. Likewise.
void write_block_profile(const Options& options, Machine& machine);

/// Returns the machine options that the command line asks for.
MachineOptions machine_options(const Options& options, StepObserver* steps);

/// Makes the compiler that the command line asks for and attaches it to the
/// machine, which must outlive it. Returns null with --jit=off, while profiling, or
/// where the compiler cannot work.
std::unique_ptr<TraceEngine> attach_engine(const Options& options, Machine& machine);

/// Runs a program with the arguments of the command line, after `prepare(machine)` and before `finish(machine)`.
/// `steps` sees each instruction if it is not null, instead of a profile.
CommandEnding run_compiled(const Options& options, ProgramCode& code, const std::function<void(Machine&)>& prepare = {},
                           StepObserver* steps = nullptr, const std::function<void(Machine&)>& finish = {});

/// Reports why the machine stopped, after the program's own output.
Status report_run_error(const Machine& machine);

/// Prints the statistics of --stats.
void print_stats(const Machine& machine, const TraceEngine* engine);

}  // namespace fble
