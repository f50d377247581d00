// Source text to syntax tree (spec chapter 12).
#pragma once

#include <string_view>
#include <vector>

#include "frontends/fble/ast.h"
#include "frontends/fble/diagnostics.h"

namespace fble {

/// A reference to another module, at the place of its first mention.
struct ModuleMention {
  ModulePath path;
  Loc loc;
};

/// Parses a whole file as one statement. On a syntax error reports it at the
/// first token that cannot continue a valid program, and returns null. Errors in
/// further statements are reported, too, if it is certain where those begin.
/// `mentions` receives the distinct modules in order of first mention.
const Expr* parse_source(std::string_view text, Symbol file, Arena& arena, Diagnostics& diagnostics,
                         std::vector<ModuleMention>& mentions);

}  // namespace fble
