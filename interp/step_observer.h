// Observers of each instruction that the interpreter runs: a profile, a measurement of the stack.
//
// A run with an observer uses handlers that call `step` before each instruction; without one there is no cost.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/value.h"

namespace fble {

class StepObserver {
 public:
  virtual ~StepObserver() = default;

  /// A run begins, in the main thread, whose number is 0.
  virtual void begin_run() = 0;
  /// The instruction at the position is about to run in the frame. `slot` is the frame's, from the stack's base.
  virtual void step(const Word* globals, const uint32_t* pc, const Word* fp, size_t slot) = 0;

  /// A thread starts another one, or ends.
  virtual void start_thread(uint32_t starter, uint32_t thread) = 0;
  virtual void end_thread(uint32_t thread) = 0;
  /// The thread runs from now on.
  virtual void select_thread(uint32_t thread) = 0;
};

}  // namespace fble
