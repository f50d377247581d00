// A virtual thread: what belongs to one thread of execution of a program, whichever carrier runs it.
#pragma once

#include "interp/call_stack.h"
#include "interp/recursive_group.h"
#include "interp/run_error.h"

namespace fble {

/// Nothing in it refers to a carrier, and only the position and the limits of the carrier that runs it refer to its
/// stack. While the thread runs, its position (pc, fp, value) is in the carrier. Between runs the stack is empty.
struct VirtualThread {
  VirtualThread(Mapping memory, bool poison) : stack(std::move(memory), poison) {}

  CallStack stack;
  RecursiveGroups groups;  ///< those open where the thread stands
  RunError error;          ///< of the last run; no lines if there was none
};

}  // namespace fble
