// All the choices that a generator makes, from one source.
//
// A generator asks for numbers and makes its output from them. The numbers come from a
// seed, from a list of earlier choices, or from the bytes that libFuzzer mutates; so
// one generator serves a random search, a coverage-guided one and the minimiser, which
// shrinks the list of choices (fuzz/minimise.h). That works because 0 is always the
// simplest choice, and because all choices are 0 after the end of a list: generation
// ends soon after a list that was cut short.
//
// Tested by fuzz/tests/program_gen_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace fble {

class Choices {
 public:
  static Choices from_seed(uint64_t seed) {
    Choices choices;
    choices.random_ = true;
    choices.state_ = seed * 0x9e3779b97f4a7c15u + 0x243f6a8885a308d3u;
    return choices;
  }
  static Choices from_values(std::vector<uint32_t> values) {
    Choices choices;
    choices.given_ = std::move(values);
    return choices;
  }
  /// Takes choices from bytes: one byte for a small choice, two for a larger one.
  static Choices from_bytes(std::span<const uint8_t> bytes) {
    Choices choices;
    choices.bytes_ = bytes;
    return choices;
  }

  /// Chooses a number below `bound`, which is at least 1.
  uint32_t below(uint32_t bound) {
    if (bound <= 1) return 0;
    const uint32_t value = next(bound) % bound;
    taken_.push_back(value);
    return value;
  }
  /// Returns true with a probability of `percent` in a hundred.
  bool chance(uint32_t percent) { return below(100) >= 100 - percent; }

  template <typename Container>
  const auto& of(const Container& container) {
    return container[below(static_cast<uint32_t>(container.size()))];
  }
  /// Chooses an index with the probability of its weight. The first is the simplest.
  uint32_t weighted(std::span<const uint32_t> weights) {
    uint32_t sum = 0;
    for (const uint32_t weight : weights) sum += weight;
    uint32_t at = below(sum);
    uint32_t index = 0;
    while (at >= weights[index]) at -= weights[index++];
    return index;
  }

  /// Returns all choices so far. from_values of them repeats the generation.
  const std::vector<uint32_t>& taken() const { return taken_; }
  /// Returns whether the list or the bytes are used up.
  bool exhausted() const { return !random_ && position_ >= (given_.empty() ? bytes_.size() : given_.size()); }

 private:
  uint32_t next(uint32_t bound) {
    if (random_) {  // splitmix64
      uint64_t z = state_ += 0x9e3779b97f4a7c15u;
      z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
      z = (z ^ z >> 27) * 0x94d049bb133111ebu;
      return static_cast<uint32_t>((z ^ z >> 31) >> 16);
    }
    if (exhausted()) return 0;
    if (!given_.empty()) return given_[position_++];
    uint32_t value = bytes_[position_++];
    if (bound > 256 && !exhausted()) value |= static_cast<uint32_t>(bytes_[position_++]) << 8;
    return value;
  }

  bool random_ = false;
  uint64_t state_ = 0;
  std::vector<uint32_t> given_;
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
  std::vector<uint32_t> taken_;
};

}  // namespace fble
