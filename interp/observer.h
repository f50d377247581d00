// Observers of the call frames of a running thread: a debugger, a profiler, a test.
//
// An observer is called at each pass of a deopt point with the option `force` (interp/deopt_point.h), by the
// interpreter and by machine code. Machine code keeps frames in registers, or not at all; for an
// observer they are written to the stack through the side table (deopt/force.h). Afterwards
// machine code continues with its old state, unless the observer has changed something.
//
// Tested by tests/unit/deopt/exit_test.cc and tests/unit/frontends/cli/deopt_points_test.cc.
#pragma once

#include <cstddef>
#include <string>

#include "gc/value.h"
#include "interp/deopt_point.h"

namespace fble {

struct Carrier;

class FrameObserver {
 public:
  virtual ~FrameObserver() = default;

  /// Called with the carrier's pc, fp and ap and all frames as at a yield point of the interpreter. An
  /// observer may read all of it, and may do what is allowed at yield points (collect, request
  /// attention, evict machine code). It returns whether it has done so: then machine code must not
  /// continue, as the values in its registers may be stale.
  virtual bool look(Carrier& carrier, const DeoptPoint& point) = 0;
};

/// Returns the first problem of the innermost frames, `most` at most: closures that
/// are none, positions outside of their code, live slots without a value. Empty if
/// there is none.
std::string frames_problem(const uint32_t* pc, const Word* fp, size_t most);

}  // namespace fble
