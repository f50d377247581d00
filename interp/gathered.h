// Items that a native gathers before it makes its result, in any number.
//
// Tested by tests/unit/interp/gathered_test.cc.
#pragma once

#include <cstdlib>
#include <span>
#include <type_traits>

#include "gc/old_space.h"
#include "interp/foreign.h"

namespace fble {

/// A growing array that is charged to the heap's limit before it grows, until the call ends. The first few items
/// take no memory.
template <typename T>
class Gathered {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit Gathered(NativeCall& call) : call_(call) {}
  ~Gathered() {
    if (items_ != some_) std::free(items_);
  }
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  size_t size() const { return size_; }
  T operator[](size_t index) const { return items_[index]; }
  std::span<const T> items() const { return {items_, size_}; }
  bool is_full() const { return size_ == capacity_; }

  /// Appends an item. Requires: !is_full().
  void push(T item) { items_[size_++] = item; }
  /// Doubles the room. May collect. Returns false, with an error, if memory has run out.
  [[nodiscard]] bool grow();
  /// Appends an item, and makes room if necessary. Returns false, with an error, if memory has run out.
  [[nodiscard]] bool add(T item) {
    if (is_full() && !grow()) return false;
    push(item);
    return true;
  }

 private:
  static constexpr size_t kSome = 512 / sizeof(T);

  NativeCall& call_;
  T* items_ = some_;
  size_t size_ = 0;
  size_t capacity_ = kSome;
  T some_[kSome];
};

template <typename T>
bool Gathered<T>::grow() {
  const size_t bytes = 2 * capacity_ * sizeof(T);
  // The present charge ends with the call, not with the memory.
  if (!call_.charge(items_ == some_ ? bytes : bytes / 2)) return false;
  T* items = static_cast<T*>(std::realloc(items_ == some_ ? nullptr : items_, bytes));
  if (items == nullptr) system_out_of_memory();
  if (items_ == some_) std::copy_n(some_, size_, items);
  items_ = items;
  capacity_ *= 2;
  return true;
}

}  // namespace fble
