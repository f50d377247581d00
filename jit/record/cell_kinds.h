// Notes which kinds of cells a function makes (jit/engine/cells.h).
#pragma once

#include "gc/value.h"
#include "interp/code.h"

namespace fble {

/// Notes a union of the two fields that hot code makes.
inline void note_cell(Code& code, Word head, Word tail) {
  if (!is_packed(head)) return;
  (is_packed(tail) ? code.cells.had_word_tail : code.cells.had_object_tail) = true;
}

}  // namespace fble
