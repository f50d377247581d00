// What threads do, as text for people: threads with the same stack are one entry.
//
// Tested by tests/unit/interp/scheduler_test.cc and tests/std/Threads.
#pragma once

#include <span>
#include <string>

#include "interp/virtual_thread.h"

namespace fble {

/// Returns the code of the source that a function leads to, through what it holds if it is a partial application; null
/// if there is none near.
const Code* source_of(Word function, int depth = 4);

/// A line of a stack: a frame of the program, or the function that a chain of actions continues with.
struct StackLine {
  const Code* code = nullptr;          ///< null if there is none
  const uint32_t* position = nullptr;  ///< where the frame waits; null for a function that has not begun
  auto operator<=>(const StackLine&) const = default;
};

/// Returns the innermost line of the stack on which a native runs, in the frame `fp` with position `pc`.
StackLine innermost_line(const uint32_t* pc, const Word* fp);

/// What threads wait for, and where it was made.
struct MadeHere {
  StackLine made;
};

/// Returns what completes "2 threads wait ...".
const char* wait_text(Wait wait);

/// A thread to be shown.
struct ThreadView {
  const VirtualThread* thread;
  const char* state;  ///< such as "runs"; null if it waits
  const uint32_t* pc;
  const Word* fp;
};

/// Returns an entry for each group of threads with the same state and the same innermost lines of their stacks, the
/// largest first: how many they are, what they do and what they wait for, and where. "in" is a frame, "then" a function
/// that a chain of actions continues with.
std::string threads_text(std::span<const ThreadView> threads);

}  // namespace fble
