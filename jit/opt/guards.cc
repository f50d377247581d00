// Guard elimination: a guard that is implied by what is known is dropped.
//
// What is known of values is in the table of facts (jit/ir/facts.h), which learns
// from each guard and from each instruction's result: the tag of a union made in
// the trace, the code of a constant closure, that a sum is a natural. Since data
// is immutable, the question is never whether something may have changed in
// between.
//
// Only guards on one value are looked at here. Those that compare two are folded
// (fold.cc) or found to be there already (cse.cc).
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/guards.
#include "jit/opt/forward.h"

namespace fble {

Answer drop_guard(Forward& forward, IrIns& ins) {
  if (!ir_is_guard(ins.op)) return {};
  if (ir_has_result(ins.op)) {
    // What cannot fail to fit needs no check.
    if (!ins.fits && result_fits(forward.table, ins)) ins.fits = true;
    return {};
  }
  if (ins.a == kNoRef) return {};
  switch (guard_truth(ins, forward.table[ins.a])) {
    case Truth::kTrue: return {Answer::kDrop};
    case Truth::kFalse: return {Answer::kFails};
    case Truth::kUnknown: break;
  }
  return {};
}

}  // namespace fble
