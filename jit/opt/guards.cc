// Guard elimination: a guard that is implied by known facts is dropped.
//
// The facts about values are in a table (jit/ir/facts.h), to which each guard and
// each result of an instruction adds: the tag of a union made in the trace, the
// code of a constant closure, that a sum is a natural. Since data is immutable, a
// fact can never become false.
//
// This pass handles only guards on one value. Those that compare two are folded
// (fold.cc) or found to be repeated (cse.cc).
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/guards.
#include "jit/opt/forward.h"

namespace fble {

Answer drop_guard(Forward& forward, IrIns& ins) {
  if (!ir_is_guard(ins.op)) return {};
  if (ir_has_result(ins.op)) {
    // A result that always fits needs no check.
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
