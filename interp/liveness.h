// What is known of a code object's live slots: see liveness.cc.
//
// Tested by tests/unit/interp/liveness_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "interp/code.h"

namespace fble {

/// What is known of a code object's live slots (interp/liveness.cc).
struct Liveness {
  std::vector<uint32_t> index;             ///< by word offset: 1 + index into `live`, or 0
  std::deque<std::vector<uint32_t>> live;  ///< for each position asked for
  size_t set_words = 0;
  std::vector<uint32_t> kept;  ///< offsets whose sets are kept, descending
  std::vector<uint64_t> sets;  ///< `set_words` for each of `kept`

  /// The set that is kept for the offset; empty if none is.
  std::span<const uint64_t> set_at(uint32_t offset) const;
};

/// Slots whose values are needed when the instruction at the position is about to run.
const std::vector<uint32_t>& live_slots(Code& code, const uint32_t* position);

}  // namespace fble
