#include "interp/sent_counter.h"

#include <utility>

namespace fble {

void SentCounter::note(const Heap& heap, Word item) {
  ++items_;
  // After a collection the nursery is empty.
  if (std::exchange(collections_, heap.stats().minor_collections) != heap.stats().minor_collections) counted_.clear();
  const auto reach = [&](Word word) {
    if (is_pointer(word) && heap.in_nursery(as_object(word)) && counted_.insert(as_object(word)).second) {
      reached_.push_back(as_object(word));
    }
  };
  reach(item);
  while (!reached_.empty()) {
    Object* const object = reached_.back();
    reached_.pop_back();
    ++objects_;
    bytes_ += object->size_words() * sizeof(Word);
    visit_pointers(object, object->header, reach);
  }
}

}  // namespace fble
