// What threads do, as text for people: threads with the same stack are one entry.
//
// Tested by tests/unit/interp/scheduler_test.cc and tests/std/io_test.py.
#pragma once

#include <span>
#include <string>

#include "interp/code.h"

namespace fble {

/// Returns the code of the source that a function leads to, through what it holds if it is a partial application; null
/// if there is none near.
const Code* source_of(Word function, int depth = 4);

/// A thread to be shown.
struct ThreadView {
  uint32_t id;
  const char* state;  ///< such as "runs" or "waits for a time"
  const uint32_t* pc;
  const Word* fp;
};

/// Returns an entry for each group of threads with the same state and the same innermost lines of their stacks, the
/// largest first: how many they are, what they do, and where. "in" is a frame, "then" a function that a chain of
/// actions continues with.
std::string threads_text(std::span<const ThreadView> threads);

}  // namespace fble
