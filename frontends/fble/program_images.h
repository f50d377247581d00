// Makes images of the modules of a program, to be used instead of their sources (frontends/fble/image/module_image.h).
// Tested by tests/unit/frontends/fble/program_images_test.cc.
#pragma once

#include <map>
#include <string>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/program.h"
#include "frontends/fble/typecheck.h"
#include "interp/code.h"

namespace fble {

/// A module whose value is known to be a program.
struct ProgramMark {
  const Module* module;
  Digest type_module;  ///< interface of the module that exports the type
};

/// Returns the images, by their source keys, of all modules that were checked from their sources and have a key. `code`
/// is what lower_program made of the checked program, and `diagnostics` has the messages of loading and checking it.
/// `mark`, if not null, is written into the image of its module.
/// Modules that no image can hold, or that were not lowered, are left out; all are if there are some without a value.
std::map<Digest, std::string> make_images(const Program& program, const CheckedProgram& checked,
                                          const ProgramCode& code, const Diagnostics& diagnostics,
                                          const ProgramMark* mark = nullptr);

}  // namespace fble
