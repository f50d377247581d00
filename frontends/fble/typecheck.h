// Checks a program and turns it into typed core (spec chapters 2 to 10).
// Tested by tests/unit/frontends/fble/typecheck_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontends/fble/core.h"
#include "frontends/fble/diagnostics.h"
#include "frontends/fble/program.h"

namespace fble {

class TypeContext;

/// The result of checking: one core module per module of the program that has
/// a value, in the program's order. `types` keeps the types of all modules.
struct CheckedProgram {
  std::vector<CoreProgramModule> modules;
  std::shared_ptr<TypeContext> types;
  std::vector<MessageRange> messages;  ///< those from checking each module of the program
};

/// Checks all modules; of a module with an image, repeats the messages. The types of such modules are made when they
/// are needed, so program and diagnostics must outlive the result if there are images. Errors and warnings are added to
/// `diagnostics`. Returns null after an error, or if a module of the program has failed to load.
///
/// Reports all errors that do not follow from another one, each once. The first is
/// the one where the reference stops; the others come module by module, in the order
/// of the source.
std::unique_ptr<CheckedProgram> typecheck(const Program& program, Diagnostics& diagnostics);

/// Returns the type of a module's value as messages show it; empty for an unknown module.
std::string module_type_text(const CheckedProgram& checked, const ModulePath& module);

/// Returns whether the value of `module` has the type that `type_module`
/// exports as `type_field` (a name without its '@'), as seen by a module that
/// belongs to no package. Returns nothing if a module or the field does not
/// exist.
std::optional<bool> module_has_type(const CheckedProgram& checked, const ModulePath& module,
                                    const ModulePath& type_module, Symbol type_field);

}  // namespace fble
