// Somebody outside who wants to see the call frames of a thread that runs: a debugger, a
// profiler, a test.
//
// An observer is called at each pass of a mark with the option `force` (interp/mark.h), by the
// interpreter and by machine code. Machine code keeps frames in registers, or not at all; for an
// observer they are written to the stack through the side table (deopt/force.h), and afterwards
// machine code goes on as if nothing had happened, unless something has.
//
// Tested by tests/unit/deopt/exit_test.cc and tests/unit/cli/marks_test.cc.
#pragma once

#include <cstddef>
#include <string>

#include "gc/value.h"
#include "interp/mark.h"

namespace fble {

struct Thread;

class FrameObserver {
 public:
  virtual ~FrameObserver() = default;

  /// The thread's pc, fp and ap and all frames are what they are at a yield point of the interpreter.
  /// An observer may read everything, and may do what is done at yield points (collect, ask for
  /// attention, throw machine code away). It returns whether it has done so: machine code must
  /// not go on then, as what is in its registers may be stale.
  virtual bool look(Thread& thread, const Mark& mark) = 0;
};

/// What is wrong with the innermost frames, `most` at most: closures that are none,
/// positions outside of their code, live slots without a value. Empty if all is well.
std::string frames_problem(const uint32_t* pc, const Word* fp, size_t most);

}  // namespace fble
