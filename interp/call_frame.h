// The call frame: the record of one call on the call stack.
//
// The call stack is one contiguous, growing area. Interpreter and machine code
// share its frame layout, slot for slot:
//
//            caller's slots ...
//   fp[-3]   closure that runs            (fp[-3] -> Code: the code of the frame)
//   fp[-2]   bytecode return position     the truth for collection, deopt and traces
//   fp[-1]   native return address        target of the jump on return, a Handler
//   fp[0]..  arguments, then locals, then the callee's header and arguments
//
// The instruction before the return position is the call; its last two words
// are the slot for the result and the distance between the two frames. So no
// slot holds a stack address, and a stack may be copied. The return position of
// the outermost frame is null.
//
// Tested by tests/unit/interp/call_frame_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/object.h"
#include "interp/code.h"

namespace fble {

inline constexpr int kHeaderSlots = 3;
inline constexpr int kClosureSlot = -3;
inline constexpr int kReturnPositionSlot = -2;
inline constexpr int kReturnAddressSlot = -1;

/// Returns the code that runs in the frame.
inline Code& code_of_frame(const Word* fp) { return *closure_code(as_object(fp[kClosureSlot])); }

/// Returns the position in the caller's code where it resumes; null for the outermost frame.
inline const uint32_t* return_position(const Word* fp) {
  return reinterpret_cast<const uint32_t*>(fp[kReturnPositionSlot]);
}

/// Returns the slot of the caller that gets the result, and the distance between the two frames in slots.
/// Requires: not the return position of the outermost frame.
inline uint32_t result_slot(const uint32_t* return_position) { return return_position[-2]; }
inline uint32_t frame_distance(const uint32_t* return_position) { return return_position[-1]; }

/// Returns the caller's frame. Requires: not the outermost frame.
inline const Word* caller_of(const Word* fp) { return fp - frame_distance(return_position(fp)); }
inline Word* caller_of(Word* fp) { return fp - frame_distance(return_position(fp)); }

/// Calls `visit(frame, position)` for the frame `fp`, whose position is `pc`, then for its callers, each
/// with its return position, until `visit` returns false or the outermost frame has been visited. `fp` may be null.
template <typename Slot, typename Visit>
void for_each_frame(const uint32_t* pc, Slot* fp, Visit&& visit) {
  while (fp != nullptr && visit(fp, pc)) {
    pc = return_position(fp);
    if (pc == nullptr) return;
    fp -= frame_distance(pc);
  }
}

}  // namespace fble
