// What a search waits for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vale {

struct Context;
struct Folder;
struct Join;
struct Node;

struct Operation {
  enum class What : uint8_t {
    kOpen,   ///< the file whose path is `data`, once fewer files are open than may be
    kRead,   ///< `size` bytes of the descriptor into `data`
    kList,   ///< what is in a folder: a ListOperation
    kYield,  ///< a turn of the other one of two nodes; `descriptor` is the own number, 0 or 1
    kJoin,   ///< the end of all that `join` has
  };

  What what = What::kOpen;
  int descriptor = -1;
  char* data = nullptr;
  size_t size = 0;
  Join* join = nullptr;
  int64_t result = 0;      ///< the system's: a count, a descriptor, or an error below 0
  void* waiter = nullptr;  ///< what continues then: the runtime's business
};

struct ListOperation : Operation {
  Node* node = nullptr;
  Context* context = nullptr;
  Folder* folder = nullptr;  ///< what is found; its taker deletes it
};

/// Does a ListOperation while the OS thread waits.
void list_folder(Operation& operation);

}  // namespace vale
