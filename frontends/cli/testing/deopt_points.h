// The checks of `fble-jit test` for programs with deopt points (interp/deopt_point.h): every deopt point is
// hit in machine code, and the result is the interpreter's.
//
// Tested by tests/unit/frontends/cli/deopt_points_test.cc.
#pragma once

#include <string>

#include "gc/value.h"
#include "jit/engine/trace_engine.h"

namespace fble {

/// Returns where two values of the same program differ, such as ".0.2: 0x7 and 0xb": the path of
/// fields, then the two words. Returns an empty text if they are the same: data that is equal in
/// each field and that machine code and interpreter represent alike, and functions of the same
/// code with the same captured values. Values may be circular. Sharing within a value makes no
/// difference.
std::string value_difference(Word a, Word b);

struct DeoptPointsText {
  std::string lines;  ///< one for each deopt point, with its place
  size_t missed = 0;
};
/// Returns how often each deopt point was hit. With `must_hit`, the line of a deopt point that was not hit is an error,
/// with the reason.
DeoptPointsText deopt_points_text(const TraceEngine& engine, bool must_hit);

}  // namespace fble
