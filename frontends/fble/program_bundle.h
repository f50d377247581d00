// Programs as bundles (frontends/fble/image/bundle.h): made when they were lowered, and run without their sources.
// Tested by tests/unit/frontends/fble/program_bundle_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "frontends/fble/program.h"
#include "frontends/fble/typecheck.h"
#include "interp/code.h"

namespace fble {

/// Returns a bundle of the lowered modules, in their order. It has what running them needs: bytecode, positions and
/// names, but no types and no warnings. `code` is what lower_program made of the checked program, whose modules were
/// all checked from their sources. Returns nothing if no image can hold a module, because it is too large.
std::optional<std::string> make_bundle(const Program& program, const CheckedProgram& checked, const ProgramCode& code);

/// Returns the code of the program in a bundle, which must begin at a multiple of eight bytes. Its module is the last.
/// Returns null and sets `problem` if the bundle cannot be used.
std::unique_ptr<ProgramCode> link_bundle(std::string_view bundle, std::string& problem);

}  // namespace fble
