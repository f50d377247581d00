// Recording operations on integers (interp/intrinsics.def).
//
// The word of a packed integer is a magnitude and a sign: 4 * |n| + 3 for n >= 0,
// 4 * |n| + 1 for n < 0 (gc/integer.h). There are three ways to write an operation down:
//
//   naturals   Guards say that the operands are from 0 up. Then sum, difference, order and the
//              like are those of the words but for a constant, and the result's only
//              check is whether it is a natural that fits (`add`, `sub`, `less`, ...).
//   signed     `int_of` makes a number in two's complement of either sign, `int_add` and so on compute
//              with numbers, and `int_word` makes a word again and checks that it fits. The next
//              operation's `int_of` folds with that, so a chain of operations converts at its ends
//              only. Comparisons do not need numbers: `order_key` is a word with the same order.
//   in C++     `intrinsic` calls the function that the interpreter runs on packed words.
//
// Programs count with naturals mostly, and naturals are cheapest, so what is seen is
// believed: operands that are naturals now get the guards. A program that has numbers of both signs
// at a place would grow a bridge for each of the signs there, and bridges from those for the
// next operation: twice as many for each. So where such a guard has failed, and in everything
// that grows from there, signs are expected to be mixed (Recorder::mixed_signs): the signed form
// is taken, in which nothing depends on the sign.
//
// Integers that do not fit in a word are objects, which are left to the native itself: where an
// operand or the result is one, the recorder makes the trace call it, like other natives.
//
// Tested by tests/lang/30-programs/SignedIntegers.fble and tests/lang/40-regress in JIT modes; the rows of
// the IR by tests/unit/jit/x64/rows_test.cc.
#pragma once

#include "interp/intrinsics.h"
#include "jit/record/appender.h"

namespace fble {

/// Whether the operands and the result are packed words.
bool can_record_intrinsic(Intrinsic intrinsic, const Operands& args);

/// The operation's result, behind guards that its operands are what they are now. Requires can_record_intrinsic.
IrRef record_intrinsic(Appender& trace, Intrinsic intrinsic, const Operands& args, bool mixed_signs);

/// Whether the failure of such a guard shows that signs are mixed.
inline bool shows_mixed_signs(IrOp guard) { return guard == IrOp::kIsNatural || guard == IrOp::kSub; }

}  // namespace fble
