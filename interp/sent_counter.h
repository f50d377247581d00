// What promotion at each Send would cost, if carriers had a nursery each (docs/threads.md): the objects that the item
// reaches and that are new. Each counts once, as it would be old from then on.
//
// Tested by tests/unit/interp/scheduler_test.cc.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "gc/heap.h"

namespace fble {

class SentCounter {
 public:
  void note(const Heap& heap, Word item);

  uint64_t items() const { return items_; }
  uint64_t objects() const { return objects_; }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t items_ = 0;
  uint64_t objects_ = 0;
  uint64_t bytes_ = 0;
  uint64_t collections_ = 0;  ///< how many there had been when `counted_` was begun
  std::unordered_set<const Object*> counted_;
  std::vector<Object*> reached_;
};

}  // namespace fble
