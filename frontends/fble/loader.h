// Finds and reads the modules of a program (spec chapter 8).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/program.h"

namespace fble {

class ImageStore;

enum class LoadFor {
  kExecution,  ///< read the value of every module
  kModule,     ///< read the values of the main modules; of others only the header where there is one
};

struct LoadOptions {
  /// The folders that hold module files. They are searched in order; the first match per file wins.
  std::vector<std::string> roots;
  LoadFor purpose = LoadFor::kExecution;
  /// More main modules, which the first one need not mention. They are loaded even if others fail.
  std::vector<ModulePath> more_mains;
  /// The modules whose types the caller will ask for. Those that the program
  /// does not mention are loaded too, if there are files for them. They come
  /// after the main module, which does not need them.
  std::vector<ModulePath> types_of;
  /// If true, a program that failed to load is returned all the same, so that the caller can check the modules that did
  /// not fail.
  bool keep_failed = false;
  /// Where images of modules are, if not null; it outlives the program. A module is not parsed if there is an image of
  /// its sources; the checker decides whether it counts.
  ImageStore* images = nullptr;
};

/// Loads a program in two steps, of which the first needs no large stack.
class ProgramLoader {
 public:
  /// Options and diagnostics outlive the loader.
  ProgramLoader(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics);
  ~ProgramLoader();
  ProgramLoader(const ProgramLoader&) = delete;
  ProgramLoader& operator=(const ProgramLoader&) = delete;

  /// Loads modules as long as there are images of their sources. Returns whether these are all.
  bool load_images();
  /// Loads what is left and returns the program, which has modules that failed if there were errors. Parsing needs a
  /// large stack (big_stack.h).
  std::unique_ptr<Program> load_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Loads the module and all that it depends on, depth first in order of first
/// mention. Errors (unreadable or missing modules, syntax, cycles) are
/// reported at the reference or token concerned; then the result is null (or has
/// modules that failed, see keep_failed), but `files_read` still lists what was
/// opened. Runs on a large stack what needs one.
std::unique_ptr<Program> load_program(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics,
                                      std::vector<std::string>* files_read = nullptr);

/// Parses the sources of a module whose image does not fit what they mention. They were right when the image was made,
/// so there are no new messages, but for errors if the image was not theirs.
void parse_again(Module& module, Arena& arena, Diagnostics& diagnostics);

}  // namespace fble
