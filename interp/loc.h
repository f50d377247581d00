// Source locations, from the first token to the last error trace.
#pragma once

#include <cstdint>

#include "interp/symbol.h"

namespace fble {

/// A position in a source file. Lines start at 1; columns start at 1 and count
/// bytes (a module's outermost block has line 1, column 0). Line 0: unknown.
struct Loc {
  Symbol file;
  uint32_t line = 0;
  uint32_t column = 0;

  friend bool operator==(const Loc& a, const Loc& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column;
  }
};

}  // namespace fble
