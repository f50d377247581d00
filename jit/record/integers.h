// Records operations on integers (interp/intrinsics.def).
//
// The word of a packed integer is a magnitude and a sign: 4 * |n| + 3 for n >= 0, 4 *
// |n| + 1 for n < 0 (gc/integer.h). There are three ways to record an operation:
//
//   naturals   Guards check that the operands are not negative. Then sum, difference, order and the
//              like are those of the words except for a constant, and the result's only
//              check is whether it is a natural that fits (`add`, `sub`, `less`, ...).
//   signed     `int_of` makes a signed number in two's complement, `int_add` and so on compute
//              with numbers, and `int_word` makes a word again and checks that it fits. The next
//              operation's `int_of` folds with that, so a chain of operations converts at its ends
//              only. Comparisons do not need numbers: `order_key` is a word with the same order.
//   in C++     `intrinsic` calls the function that the interpreter runs on packed words.
//
// Programs mostly count with naturals, and naturals are cheapest, so the recorder expects to see
// them again: operands that are naturals now get the guards. A program with numbers of both signs
// at a place would get a bridge for each sign there, and bridges from those for the next operation:
// the number doubles at each operation. So where such a guard has failed, and in all bridges that
// grow from there, signs are expected to be mixed (Recorder::mixed_signs): the signed form is used,
// which does not depend on signs.
//
// Integers that do not fit in a word are objects, which only the native itself handles: if an
// operand or the result is one, the trace calls the native, like other natives.
//
// Tested by tests/lang/30-programs/SignedIntegers.fble and tests/lang/40-regress in JIT modes; the rows of
// the IR by tests/unit/jit/x64/rows_test.cc.
#pragma once

#include "interp/intrinsics.h"
#include "jit/record/appender.h"

namespace fble {

/// Returns whether the operands and the result are packed words.
bool can_record_intrinsic(Intrinsic intrinsic, const Operands& args);

/// Records the operation, after guards that its operands have their present form. Returns its result. Requires
/// can_record_intrinsic.
IrRef record_intrinsic(Appender& trace, Intrinsic intrinsic, const Operands& args, bool mixed_signs);

/// Returns whether the failure of such a guard shows that signs are mixed.
inline bool shows_mixed_signs(IrOp guard) { return guard == IrOp::kIsNatural || guard == IrOp::kSub; }

}  // namespace fble
