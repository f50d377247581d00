// The tables of memos (jit/engine/memo.h): calls of a function and their results.
//
// Machine code looks a call up in two places: in the code of the memo, which traces call in place of the function
// (jit/x64/memo_code.h), and in the row `recall` of a trace.
//
// Tested by tests/unit/jit/ir/memo_table_test.cc.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <span>

#include "gc/value.h"

namespace fble {

/// The number of arguments that a remembered call has at most.
inline constexpr uint32_t kMostMemoArguments = 3;

/// A call that is remembered: packed words. All 0 at first, which no packed word is.
struct MemoRow {
  Word arguments[kMostMemoArguments];
  Word result;
};
inline constexpr unsigned kMemoRowShift = 5;
/// A counter of a row is smaller by this many bits of its distance from the first.
inline constexpr unsigned kMemoCounterShift = kMemoRowShift - 3;
static_assert(sizeof(MemoRow) == size_t{1} << kMemoRowShift);

/// The part of a memo that machine code uses. It keeps its address while there is such code.
struct MemoTable {
  const void* target = nullptr;  ///< what traces call: probe or through
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint32_t index_bits = 0;          ///< the table has 2^index_bits rows
  std::unique_ptr<MemoRow[]> rows;  ///< null if calls are not remembered any more

  // While instructions are counted (jit/engine/trace_counts.h); otherwise null.
  std::unique_ptr<uint64_t[]> row_hits;  ///< by row: the hits that are not counted yet
  MemoRow* wanted = nullptr;             ///< the row for the call that a walk computes now

  /// Gives the table its rows, with counters if instructions are counted.
  void make_rows(uint32_t bits, bool counts) {
    index_bits = bits;
    rows = std::make_unique<MemoRow[]>(size_t{1} << bits);
    if (counts) row_hits = std::make_unique<uint64_t[]>(size_t{1} << bits);
  }

  /// 2^64 divided by the golden ratio: its products differ in the high bits.
  static constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15;

  /// Returns the row for a call with these packed words, whether or not it is the row of that call. Requires rows.
  MemoRow& row_for(std::span<const Word> arguments) const {
    uint64_t hash = 0;
    for (const Word argument : arguments) hash = (hash + argument) * kHashFactor;
    return rows[hash >> (64 - index_bits)];
  }

  /// Returns the result of the call; 0 if it is not remembered.
  Word find(std::span<const Word> arguments) const {
    if (rows == nullptr) return 0;
    const MemoRow& row = row_for(arguments);
    for (size_t k = 0; k < arguments.size(); ++k) {
      if (row.arguments[k] != arguments[k]) return 0;
    }
    return row.result;
  }

  /// Counts a hit of a call that is remembered, if hits are counted.
  void count_hit(std::span<const Word> arguments) const {
    if (row_hits != nullptr) ++row_hits[static_cast<size_t>(&row_for(arguments) - rows.get())];
  }
};

}  // namespace fble
