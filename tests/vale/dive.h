// Nodes for measurements, which are no files.
#pragma once

#include <vector>

#include "tests/vale/node.h"
#include "tests/vale/runtime.h"

namespace vale {

/// A virtual call that calls itself, as deep as there are dives below, and waits at the bottom.
struct Dive : Node {
  Dive* below = nullptr;  ///< null: the bottom
  int64_t yields = 0;     ///< turns to leave to the other one of two dives
  int number = 0;         ///< 0 or 1, which of the two
  int descriptor = -1;    ///< to read from until its end; below 0: nothing
};

/// Dives that are searched at the same time: all, or as many as the system permits.
struct Crowd : Node {
  std::vector<Dive*> dives;
};

/// Begins the searches. Needs the stack of libc.
void fork_all(Crowd& crowd, Context& context, Join& join);

}  // namespace vale
