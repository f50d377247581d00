// What the programs share: an arena, numbers and the command line.
//
// The numbers are those of tests/bench/programs/Bench/Num.fble, as pointers to nodes.
// Nothing collects garbage for these programs: nodes are made in an arena, and
// where few numbers are alive, a program moves them to a second arena and clears
// the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

class Arena {
 public:
  template <typename T>
  T* make(const T& value) {
    if (end_ - next_ < static_cast<ptrdiff_t>(sizeof(T))) add_chunk();
    T* place = new (next_) T(value);
    next_ += sizeof(T);
    return place;
  }
  void clear() {
    current_ = 0;
    if (!chunks_.empty()) use(0);
  }
  size_t used() const { return next_ == nullptr ? 0 : current_ * kChunk + (next_ - chunks_[current_].get()); }

 private:
  static constexpr size_t kChunk = size_t{1} << 20;
  void use(size_t chunk) {
    next_ = chunks_[chunk].get();
    end_ = next_ + kChunk;
  }
  void add_chunk() {
    if (next_ != nullptr) ++current_;
    if (current_ == chunks_.size()) chunks_.push_back(std::make_unique<char[]>(kChunk));
    use(current_);
  }
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t current_ = 0;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

enum Tag : uint64_t { kEnd, kEven, kOdd };
struct Node {
  Tag tag;
  const Node* rest;
};
using Num = const Node*;

inline Arena numbers;
inline Arena other_numbers;
inline constexpr Node kZeroNode{kEnd, nullptr};
inline constexpr Node kOneNode{kOdd, &kZeroNode};
inline constexpr Num kZero = &kZeroNode;
inline constexpr Num kOne = &kOneNode;

inline Num even(Num rest) { return numbers.make(Node{kEven, rest}); }
inline Num odd(Num rest) { return numbers.make(Node{kOdd, rest}); }
inline Num double_of(Num a) { return a->tag == kEnd ? a : even(a); }

inline Num incr(Num a) {
  switch (a->tag) {
    case kEnd: return kOne;
    case kEven: return odd(a->rest);
    default: return even(incr(a->rest));
  }
}

inline Num decr(Num a) {
  switch (a->tag) {
    case kEnd: return a;
    case kEven: return odd(decr(a->rest));
    default: return double_of(a->rest);
  }
}

inline Num add_carry(Num a, Num b);
inline Num add(Num a, Num b) {
  if (a->tag == kEnd) return b;
  if (b->tag == kEnd) return a;
  if (a->tag == kEven) return b->tag == kEven ? even(add(a->rest, b->rest)) : odd(add(a->rest, b->rest));
  return b->tag == kEven ? odd(add(a->rest, b->rest)) : even(add_carry(a->rest, b->rest));
}
inline Num add_carry(Num a, Num b) {
  if (a->tag == kEnd) return incr(b);
  if (a->tag == kEven) {
    if (b->tag == kEnd) return odd(a->rest);
    return b->tag == kEven ? odd(add(a->rest, b->rest)) : even(add_carry(a->rest, b->rest));
  }
  if (b->tag == kEnd) return even(incr(a->rest));
  return b->tag == kEven ? even(add_carry(a->rest, b->rest)) : odd(add_carry(a->rest, b->rest));
}

inline bool eq(Num a, Num b) {
  while (a->tag == b->tag) {
    if (a->tag == kEnd) return true;
    a = a->rest;
    b = b->rest;
  }
  return false;
}

inline Num low(Num digits, Num a) {
  if (digits->tag == kEnd) return kZero;
  switch (a->tag) {
    case kEnd: return a;
    case kEven: return double_of(low(digits->rest, a->rest));
    default: return odd(low(digits->rest, a->rest));
  }
}

inline Num copy(Num a) {
  if (a->tag == kEnd) return kZero;
  return numbers.make(Node{a->tag, copy(a->rest)});
}

/// To be called with all numbers that are alive.
template <typename... Numbers>
inline void clear_numbers_but(Numbers&... alive) {
  if (numbers.used() < size_t{256} * 1024) return;
  std::swap(numbers, other_numbers);
  ((alive = copy(alive)), ...);
  other_numbers.clear();
}

inline Num from_int(uint64_t n) {
  if (n == 0) return kZero;
  return n % 2 == 0 ? even(from_int(n / 2)) : odd(from_int(n / 2));
}
inline uint64_t to_int(Num a) {
  switch (a->tag) {
    case kEnd: return 0;
    case kEven: return 2 * to_int(a->rest);
    default: return 2 * to_int(a->rest) + 1;
  }
}
inline std::string show(Num a) { return std::to_string(to_int(a)); }

/// Prints what `work` gives for the size, as often as asked.
template <typename Work>
int program(int argc, char** argv, uint64_t size, Work work) {
  const uint64_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : size;
  const uint64_t repetitions = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  for (uint64_t i = 0; i < repetitions; ++i) {
    numbers.clear();
    std::printf("%s\n", work(from_int(n)).c_str());
    std::fflush(stdout);
  }
  return 0;
}
