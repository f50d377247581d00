// S-expressions: the common notation of our textual dumps.
// Tested by tests/unit/frontends/fble/core_text_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/arena.h"
#include "frontends/fble/diagnostics.h"

namespace fble {

/// An atom (any bytes; printed in double quotes where needed) or a list.
struct Sexpr {
  bool is_list = false;
  uint32_t line = 0;  ///< where it was parsed from
  uint32_t column = 0;
  size_t width = 0;  ///< bytes when printed on one line
  std::string atom;
  std::vector<const Sexpr*> items;
};

const Sexpr* make_atom(Arena& arena, std::string text);
const Sexpr* make_list(Arena& arena, std::vector<const Sexpr*> items);

/// Prints the expression on one line if it fits; a longer list gets a line per
/// item. Nesting may be of any depth. Ends in a newline.
std::string print_sexpr(const Sexpr& sexpr);

/// Parses text that holds one S-expression; ';' begins a comment. On a mistake
/// reports it and returns null.
const Sexpr* parse_sexpr(std::string_view text, Symbol file, Arena& arena, Diagnostics& diagnostics);

}  // namespace fble
