// Typed core to bytecode.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/fble/core.h"
#include "frontends/fble/typecheck.h"
#include "interp/code.h"

namespace fble {

/// Lowers the modules, which are in order of dependency, to one program. A
/// dependency without core (only its header was loaded) gets a global that
/// nothing defines, so the result can be printed but not run.
std::unique_ptr<ProgramCode> lower_program(const std::vector<CoreProgramModule>& modules);

inline std::unique_ptr<ProgramCode> lower_program(const CheckedProgram& checked) {
  return lower_program(checked.modules);
}

/// An image whose code cannot be used, and why.
struct BadImage {
  const ModuleImage* image = nullptr;
  std::string problem;
};

/// Does the same for modules of which some come from images. Returns null and sets `bad` if the code of one is not what
/// lowering makes.
std::unique_ptr<ProgramCode> lower_program(const std::vector<CoreProgramModule>& modules, BadImage& bad);

/// Lowers only the modules that come from their sources. The others have a global for their value, and no body.
std::unique_ptr<ProgramCode> lower_sources(const std::vector<CoreProgramModule>& modules);

}  // namespace fble
