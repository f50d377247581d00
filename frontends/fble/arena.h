// Memory for objects that die together: the nodes of syntax trees, typed core and types.
//
// Tested by tests/unit/frontends/fble/arena_test.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace fble {

/// Owns objects that die together with a phase. `make` creates them; the arena destroys them in reverse order. They
/// lie side by side in a few large blocks; objects with a trivial destructor cost nothing else.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (size_t i = doomed_.size(); i-- > 0;) doomed_[i].destroy(doomed_[i].object);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    T* object = new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
    if constexpr (!std::is_trivially_destructible_v<T>) {
      doomed_.push_back({object, [](void* pointer) { static_cast<T*>(pointer)->~T(); }});
    }
    return object;
  }

 private:
  struct Doomed {
    void* object;
    void (*destroy)(void*);
  };

  void* allocate(size_t bytes, size_t alignment) {
    size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (blocks_.empty() || start + bytes > capacity_) {
      constexpr size_t kSmallest = size_t{1} << 12;
      constexpr size_t kLargest = size_t{1} << 18;
      capacity_ = std::max(bytes, std::clamp(capacity_ * 2, kSmallest, kLargest));
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(capacity_));
      start = 0;
    }
    used_ = start + bytes;
    return blocks_.back().get() + start;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  size_t used_ = 0;      ///< bytes of the last block
  size_t capacity_ = 0;  ///< of the last block
  std::vector<Doomed> doomed_;
};

}  // namespace fble
