// Boundaries: code whose frames end an unwinding, or clean up on the way.
//
// When a thread fails, or is asked to stop, its frames are cut off from the top. A frame of code with a boundary
// that waits in the guarded part of its code is kept: it resumes at the landing pad, which cleans up and raises again
// what was under way, or makes a value of it. Boundaries are found by walking along the frames, so they cost
// nothing until then.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#pragma once

#include <cstdint>

#include "interp/call_frame.h"
#include "interp/virtual_thread.h"

namespace fble {

/// Offsets are in words from the start of the code; ranges do not include their end.
struct Boundary {
  uint32_t guarded_from = 0;  ///< where instructions are guarded
  uint32_t guarded_to = 0;
  uint32_t landing_pad = 0;
  uint32_t shielded_from = 0;  ///< where nothing from outside ends a wait
  uint32_t shielded_to = 0;
  bool catches_errors_only = false;
};

/// Returns the innermost frame, from `fp` with position `pc`, at which the unwinding lands; null if there is none.
Word* find_boundary(const uint32_t* pc, Word* fp, const Unwinding& unwinding);

/// Returns whether a frame shields from what happens outside of it: one of those from `fp` down to `last`, or down to
/// the outermost one if that is null.
bool is_shielded(const uint32_t* pc, const Word* fp, const Word* last);

}  // namespace fble
