// What `fble-jit test` asks of programs with marks (interp/mark.h): every mark is hit in
// machine code, and the result is the interpreter's.
//
// Tested by tests/unit/cli/marks_test.cc.
#pragma once

#include <string>

#include "gc/value.h"
#include "jit/engine/trace_engine.h"

namespace fble {

/// Where two values of the same program differ, such as ".0.2: 0x7 and 0xb": the fields on the
/// way, then what is there. Empty if they are the same: data to the last field, which machine code
/// and interpreter also represent alike, and functions of the same code with the same captured
/// values. Values may be circular; what is shared within them makes no difference.
std::string value_difference(Word a, Word b);

struct MarksText {
  std::string lines;  ///< one for each mark, with its place
  size_t missed = 0;
};
/// How often each mark was hit. `must_hit`: the line of one that was not is an error, with the reason.
MarksText marks_text(const TraceEngine& engine, bool must_hit);

}  // namespace fble
