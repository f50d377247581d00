// A virtual thread: what belongs to one thread of execution of a program, whichever carrier runs it.
#pragma once

#include "interp/call_stack.h"
#include "interp/recursive_group.h"
#include "interp/run_error.h"

namespace fble {

/// Nothing in it refers to the carrier, and nothing of the carrier but its position and its limits refers to it. While
/// the thread runs, its position (pc, fp, value) is in the carrier.
struct VirtualThread {
  VirtualThread(Mapping memory, bool poison) : stack(std::move(memory), poison) {}

  CallStack stack;
  RecursiveGroups groups;
  RunError error;  ///< of the last run; no lines if there was none
};

}  // namespace fble
