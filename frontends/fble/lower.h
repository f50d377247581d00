// Typed core to bytecode.
#pragma once

#include <memory>
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

}  // namespace fble
