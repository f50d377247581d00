// Inference of type arguments (spec 6.4).
// Tested by tests/unit/frontends/fble/typecheck_test.cc.
//
// Only the leading parameters of what is applied are inferred, and only from
// the arguments. The declared type of each argument is walked in parallel with
// the type that was found; the first type that stands opposite a parameter is
// its value. What disagrees with it is found afterwards, when the declared
// types with the values put in are compared with ordinary equality.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "frontends/fble/types.h"

namespace fble {

/// The normal form of the type below all its leading parameters, which are
/// added to `bindings`, outermost first. Null only if the type is vacuous.
Type* strip_params(TypeContext& types, Type* type, std::vector<TypeBinding>& bindings);

/// Gives values to parameters by comparing declared with found types, pairwise.
void infer(TypeContext& types, std::span<TypeBinding> bindings, std::span<Type* const> declared,
           std::span<Type* const> found);

/// Returns the message "unable to infer type for A@ in T from U".
std::string not_inferred_text(TypeContext& types, const TypeBinding& binding, std::span<Type* const> declared,
                              std::span<Type* const> found);

/// The lines that end a message about inferred arguments: a newline and
/// "Inferred types:" with a line for each parameter. Empty without parameters.
std::string inferred_types_text(TypeContext& types, std::span<const TypeBinding> bindings);

}  // namespace fble
