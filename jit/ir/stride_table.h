// Tables of strides (jit/engine/stride_rules.h): what a recursive function does with the lowest bits of its arguments.
//
// A stride is the lowest bits of a packed word. Where a row of the table covers the strides of all arguments, the
// function's calls on those bits need not be made: the row has the bits that they put before the result, the call that
// is left, and by how far each argument of that call has moved on.
//
// Machine code walks along the arguments in this way (jit/x64/stride_code.h): the arguments are in registers, each
// step looks up one row.
//
// Tested by tests/unit/jit/engine/stride_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "gc/value.h"

namespace fble {

/// The number of arguments that a walk has at most, each in a register of its own.
inline constexpr uint32_t kMostStrideArguments = 3;
/// The number of bits of a stride at most: with a bit for the end of the word and bit 0 it is a byte of the key.
inline constexpr unsigned kMostStrideBits = 6;
/// The number of bits before the rest of a result that a row has at most.
inline constexpr unsigned kMostRowBits = 31;

/// What StrideRow::next may be besides a state, whose number is in its highest byte. Result k: the rest is in register
/// k - 1, and the walk has ended.
enum StrideEnd : uint32_t { kStrideResult1 = 1, kStrideResult2, kStrideResult3, kStrideNone };
inline constexpr unsigned kStateShift = 24;

/// A step of a walk. The key's bytes are the strides of the registers, then the state. Register k becomes
/// `register k >> shifts[k] | constants[k]`.
struct StrideRow {
  uint32_t key = 0;   ///< 0 in a free row; others have bit 0 set
  uint32_t next = 0;  ///< a state, or a StrideEnd
  uint32_t constants[kMostStrideArguments] = {};
  uint8_t shifts[kMostStrideArguments] = {};
  uint8_t unused = 0;
  uint32_t bits = 0;   ///< before the rest of the result
  uint32_t width = 0;  ///< their number, and kStrideStep
};
inline constexpr unsigned kStrideRowShift = 5;
static_assert(sizeof(StrideRow) == size_t{1} << kStrideRowShift);
/// A counter of a row is smaller by this many bits of its distance from the first.
inline constexpr unsigned kStrideCounterShift = kStrideRowShift - 3;
/// Counts steps, so that all walks end: the sum of a walk's StrideRow::width has kStrideSteps of them at most.
inline constexpr uint32_t kStrideStep = 1u << 8;
inline constexpr uint32_t kStrideSteps = kStrideStep << 6;

/// The part of the strides of a function that machine code uses. It keeps its address while there is such code.
struct StrideTable {
  const void* target = nullptr;  ///< what machine code calls: the walk, or what leads to the function
  uint64_t walks = 0;            ///< calls whose result a walk has found
  uint64_t failures = 0;         ///< calls that it has left to the function
  uint64_t patience =
      kPatience;           ///< calls with arguments that are not packed until it is given up; each walk restores it
  unsigned bits = 0;       ///< of a stride
  uint32_t row_count = 0;  ///< rows in use; the others are free
  /// Adds the row with the key. Returns false if the table is full. Called by machine code that does not find it.
  bool (*fill)(StrideTable& table, uint32_t key) = nullptr;
  void* owner = nullptr;  ///< for `fill`

  static constexpr unsigned kIndexBits = 10;
  static constexpr uint32_t kMostRows = 512;
  static constexpr uint32_t kHashFactor = 0x9e3779b1;
  /// 2^kIndexBits rows by hash, and as many as may be in use, so that no search wraps around.
  static constexpr size_t kRowsInMemory = (size_t{1} << kIndexBits) + kMostRows + 1;
  /// The restored value of `patience`.
  static constexpr uint32_t kPatience = 1000;

  /// Free rows, for all tables of which no row has been asked for.
  static inline constinit StrideRow no_rows[kRowsInMemory] = {};
  const StrideRow* rows = no_rows;  ///< those of `own_rows` if there are some
  std::unique_ptr<StrideRow[]> own_rows;
  /// By row: how often walks have used it and that is not counted yet. Null unless instructions are counted.
  std::unique_ptr<uint64_t[]> uses;

  static uint32_t first_row(uint32_t key) { return (key * kHashFactor) >> (32 - kIndexBits); }

  void make_rows() { rows = (own_rows = std::make_unique<StrideRow[]>(kRowsInMemory)).get(); }
  /// Makes counters of uses. The rows keep their address from now on.
  void make_counters() {
    make_rows();
    uses = std::make_unique<uint64_t[]>(kRowsInMemory);
  }

  /// Adds a row with a key that no other row has, and returns its index. Requires: row_count < kMostRows.
  uint32_t add(const StrideRow& row) {
    if (own_rows == nullptr) make_rows();
    uint32_t at = first_row(row.key);
    while (own_rows[at].key != 0) ++at;
    own_rows[at] = row;
    ++row_count;
    return at;
  }

  /// Counts uses of the rows of a walk that has been made before. Requires `uses`.
  void count_walk(std::span<const Word> arguments, uint64_t times);
};

/// Returns the byte of the key for a packed word in a register: its stride with a bit above it if the word has more
/// than the stride, otherwise the word.
inline uint32_t stride_of(Word word, unsigned bits) {
  const Word longer = Word{2} << bits;
  return static_cast<uint32_t>(word < longer ? word : (word & (longer - 1)) | longer);
}

inline void StrideTable::count_walk(std::span<const Word> arguments, uint64_t times) {
  Word moving[kMostStrideArguments] = {kUnitWord, kUnitWord, kUnitWord};
  std::ranges::copy(arguments, moving);
  for (uint32_t next = 0; (next & ((1u << kStateShift) - 1)) == 0;) {
    uint32_t key = next;
    for (unsigned k = 0; k < kMostStrideArguments; ++k) key |= stride_of(moving[k], bits) << (8 * k);
    uint32_t at = first_row(key);
    while (rows[at].key != key) {
      FBLE_ASSERT(rows[at].key != 0);
      ++at;
    }
    uses[at] += times;
    for (unsigned k = 0; k < arguments.size(); ++k) moving[k] = moving[k] >> rows[at].shifts[k] | rows[at].constants[k];
    next = rows[at].next;
  }
}

}  // namespace fble
