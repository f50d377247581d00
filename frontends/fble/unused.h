// Warnings about variables that nothing uses (spec 2.5, 5.2).
// Tested by tests/unit/frontends/fble/unused_test.cc.
#pragma once

#include "frontends/fble/ast.h"
#include "frontends/fble/diagnostics.h"

namespace fble {

/// Warns about let variables, imports, arguments and foreign values that the
/// expression defines and does not use. Names that begin with '_' are exempt.
/// What the definition of a let variable uses counts only if that variable is
/// itself used, so that dead recursive groups are found. The expression must
/// have been checked: names that are not defined are ignored.
void warn_unused(const Expr* expr, Diagnostics& diagnostics);

}  // namespace fble
