// What is in a folder. Uses libc: needs its stack.
#pragma once

#include <vector>

#include "tests/vale/node.h"

namespace vale {

struct Folder {
  std::vector<Node> nodes;  ///< in the order of their names, and only what can be searched
};

/// Reads a folder; notes a problem if that fails. The caller deletes the result.
Folder* read_folder(const Node& node, Context& context);

}  // namespace vale
