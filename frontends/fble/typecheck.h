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

class ModuleInterfaces;
class TypeContext;

/// The result of checking: one core module per module of the program that has
/// a value, in the program's order. `types` keeps the types of all modules.
struct CheckedProgram {
  std::vector<CoreProgramModule> modules;
  std::shared_ptr<TypeContext> types;
  std::vector<MessageRange> messages;            ///< those from checking each module of the program
  std::shared_ptr<ModuleInterfaces> interfaces;  ///< null if no images are used
};

/// Checks all modules; of a module whose image counts (images_count), repeats the messages. Other images are taken from
/// the program, and their modules are parsed. The types of modules with images are made when they are needed, so
/// program and diagnostics must outlive the result if there are images. Errors and warnings are added to `diagnostics`.
/// Returns null after an error, or if a module of the program has failed to load.
///
/// Reports all errors that do not follow from another one, each once. The first is
/// the one where the reference stops; the others come module by module, in the order
/// of the source.
std::unique_ptr<CheckedProgram> typecheck(Program& program, Diagnostics& diagnostics);

/// Returns whether there is an image of each module that was made with the interfaces that the others have. Then
/// nothing is checked, and no large stack is needed.
bool images_count(const Program& program);

/// Returns the type of a module's value as messages show it; empty for an unknown module.
std::string module_type_text(const CheckedProgram& checked, const ModulePath& module);

/// Returns whether the value of `module` has the type that `type_module`
/// exports as `type_field` (a name without its '@'), as seen by a module that
/// belongs to no package. Returns nothing if a module or the field does not
/// exist.
std::optional<bool> module_has_type(const CheckedProgram& checked, const ModulePath& module,
                                    const ModulePath& type_module, Symbol type_field);

}  // namespace fble
