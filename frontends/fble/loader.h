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
  kModule,     ///< read the main module's value; of others only the header where there is one
};

struct LoadOptions {
  /// The folders that hold module files. They are searched in order; the first match per file wins.
  std::vector<std::string> roots;
  LoadFor purpose = LoadFor::kExecution;
  /// The modules whose types the caller will ask for. Those that the program
  /// does not mention are loaded too, if there are files for them. They come
  /// after the main module, which does not need them.
  std::vector<ModulePath> types_of;
  /// If true, a program that failed to load is returned all the same, so that the caller can check the modules that did
  /// not fail.
  bool keep_failed = false;
  /// Where images of modules are, if not null; it outlives the program. A module is not parsed if there is an image of
  /// its sources and of all that they mention.
  ImageStore* images = nullptr;
  /// If true, the program is loaded only if there is an image of each module. Otherwise the result is null, without a
  /// message. No large stack is needed then.
  bool only_images = false;
};

/// Loads the module and all that it depends on, depth first in order of first
/// mention. Errors (unreadable or missing modules, syntax, cycles) are
/// reported at the reference or token concerned; then the result is null (or has
/// modules that failed, see keep_failed), but `files_read` still lists what was
/// opened.
std::unique_ptr<Program> load_program(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics,
                                      std::vector<std::string>* files_read = nullptr);

}  // namespace fble
