// Containers for the many short-lived small sets and lists of the checker. They
// allocate nothing, or one block.
//
// Tested by tests/unit/frontends/fble/small_test.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace fble {

/// A list that is an array while it has at most N items.
template <typename T, size_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SmallVector() = default;
  SmallVector(std::initializer_list<T> items) {
    for (const T& item : items) push_back(item);
  }
  SmallVector(const SmallVector&) = delete;
  SmallVector& operator=(const SmallVector&) = delete;

  void push_back(T item) {
    if (size_ == capacity_) grow();
    data_[size_++] = item;
  }
  void resize(size_t size) {
    while (size_ < size) push_back(T{});
    size_ = size;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& back() { return data_[size_ - 1]; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  operator std::span<const T>() const { return {data_, size_}; }

 private:
  void grow() {
    auto larger = std::make_unique_for_overwrite<T[]>(capacity_ * 2);
    std::copy_n(data_, size_, larger.get());
    large_ = std::move(larger);
    data_ = large_.get();
    capacity_ *= 2;
  }

  alignas(T) std::byte small_[N * sizeof(T)];
  std::unique_ptr<T[]> large_;
  T* data_ = reinterpret_cast<T*>(small_);
  size_t size_ = 0;
  size_t capacity_ = N;
};

/// A map from pointers, or other numbers that are not 0, with open addressing.
template <typename Value>
class PointerMap {
 public:
  /// Returns the value; null if there is none.
  Value* find(uintptr_t key) {
    if (slots_.empty()) return nullptr;
    Slot& slot = slot_of(key);
    return slot.key == key ? &slot.value : nullptr;
  }
  const Value* find(uintptr_t key) const { return const_cast<PointerMap*>(this)->find(key); }

  /// Returns the value, made if there is none. It is valid until the next one is made.
  Value& operator[](uintptr_t key) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slot_of(key);
    if (slot.key == 0) {
      slot.key = key;
      ++count_;
    }
    return slot.value;
  }

  size_t size() const { return count_; }

 private:
  struct Slot {
    uintptr_t key = 0;
    Value value{};
  };

  Slot& slot_of(uintptr_t key) {
    const size_t mask = slots_.size() - 1;
    size_t at = (key * 0x9E3779B97F4A7C15u) >> 32 & mask;
    while (slots_[at].key != key && slots_[at].key != 0) at = (at + 1) & mask;
    return slots_[at];
  }
  void grow() {
    std::vector<Slot> old(std::max<size_t>(16, slots_.size() * 2));
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != 0) slot_of(slot.key) = slot;
    }
  }

  std::vector<Slot> slots_;  ///< empty or a power of two, at most half of them taken
  size_t count_ = 0;
};

/// A set of pointers, or of other numbers that are not 0, that is usually small.
class PointerSet {
 public:
  /// Adds the key. Returns false if the set has it already.
  bool insert(uintptr_t key) {
    if (many_.size() > 0) {
      bool& there = many_[key];
      return !std::exchange(there, true);
    }
    if (std::find(few_.begin(), few_.end(), key) != few_.end()) return false;
    if (few_.size() < kFew) {
      few_.push_back(key);
      return true;
    }
    for (const uintptr_t old : few_) many_[old] = true;
    many_[key] = true;
    return true;
  }

 private:
  static constexpr size_t kFew = 8;
  SmallVector<uintptr_t, kFew> few_;
  PointerMap<bool> many_;
};

}  // namespace fble
