// A readable dump of syntax trees.
// Tested by tests/unit/frontends/fble/parser_test.cc.
#pragma once

#include <string>

#include "frontends/fble/ast.h"

namespace fble {

/// Returns the tree as an S-expression, such as (apply f x). With `with_locs`
/// every node shows its "@line:column" and every name its own.
std::string print_ast(const Expr& expr, bool with_locs = false);

}  // namespace fble
