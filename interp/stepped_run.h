// How a carrier runs for the rehearsal of an exit (deopt/shadow_check.h): a number of steps.
//
// Tested by tests/unit/deopt/shadow_check_test.cc and tests/unit/jit/engine/memo_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "gc/value.h"

namespace fble {

/// A step that is more than one instruction, since machine code does not do its instructions one by one.
struct WholeStep {
  uint32_t number = 0;
  /// Null if it is a call, with all that the callee does. Otherwise it is a select with its arms: it ends here, or
  /// where its frame is about to return.
  const uint32_t* end = nullptr;
};

struct SteppedRun {
  bool no_collections = false;             ///< make_room fails instead, without an error
  uint32_t steps_to_go = 0;                ///< of stepping_handlers
  std::span<const WholeStep> whole_steps;  ///< ascending by number
  uint32_t steps_done = 0;
  bool calls = false;             ///< the step under way is a whole call
  const Word* callee = nullptr;   ///< the frame of a whole call under way
  const Word* frame = nullptr;    ///< that of a select under way
  const uint32_t* end = nullptr;  ///< where that ends
};

}  // namespace fble
