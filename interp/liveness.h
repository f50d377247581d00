// The live slots of a code object: see liveness.cc.
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

/// The known live slots of a code object (interp/liveness.cc).
struct Liveness {
  std::vector<uint32_t> index;             ///< by word offset: 1 + index into `live`, or 0
  std::deque<std::vector<uint32_t>> live;  ///< for each requested position
  size_t set_words = 0;
  std::vector<uint32_t> kept;  ///< offsets whose sets are kept, descending
  std::vector<uint64_t> sets;  ///< `set_words` for each of `kept`

  /// Returns the kept set of the offset; empty if there is none.
  std::span<const uint64_t> set_at(uint32_t offset) const;
};

/// Returns the slots whose values are needed when the instruction at the position is about to run.
const std::vector<uint32_t>& live_slots(Code& code, const uint32_t* position);

}  // namespace fble
