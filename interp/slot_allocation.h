// Slot allocation: assigns a slot of the frame to each value of a function.
//
// Lowering gives every value a slot of its own. Here values that are not needed at the
// same time share a slot, and the frame of a callee starts right above the slots that are
// needed during the call: at each level, a recursion keeps only its live values and a
// header on the stack. It is a linear scan over live ranges (Poletto and Sarkar, Linear
// Scan Register Allocation, 1999): bytecode jumps forward only, so a value is needed at
// most from the first instruction that mentions its slot to the last.
//
// Tested by tests/unit/interp/slot_allocation_test.cc.
#pragma once

#include "interp/code.h"

namespace fble {

/// Renumbers the slots of `code`, whose arguments stay in slots 0..arity-1, and sets
/// `frame_slots` and the operand B of each call. A slot must not stand for two values
/// of which one is needed after the other has been written, but several writes of one on different paths are fine.
void allocate_slots(Code& code);

}  // namespace fble
