// Dead code: what nobody needs goes.
//
// One walk backwards: guards, stores and what ends the trace stay; of the rest,
// what they use stays, and what that uses. A snapshot's values are needed by those
// guards that use it, that is how dead guards (`add` whose sum is not used: there is
// no need to leave because it does not fit) take their snapshots' values with them.
// Guards at which the program may fail stay (a quotient by zero is an error, whether the
// quotient is used or not).
//
// Two things refer forwards and so are not settled by one look: the members of a group
// of recursive values, and the variables of a loop, whose next values come at its end.
// A list of work does it for all.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/dce.
#include "jit/opt/passes.h"

namespace fble {

namespace {

bool is_root(const Trace& trace, const IrIns& ins) {
  // Numbers that are made of its operand rely on its being no larger than a word's.
  if (ins.op == IrOp::kIntWord) return !ins.fits;
  if (ir_has_effect(ins.op, 'p')) return !ir_has_result(ins.op) || may_be_error(trace, ins);
  return !ir_has_effect(ins.op, 'n') && ins.op != IrOp::kPhi;
}

}  // namespace

void eliminate_dead(Trace& trace) {
  const size_t count = trace.ins.size();
  std::vector<bool> live(count);
  std::vector<IrRef> work;
  work.reserve(count);
  auto need = [&](IrRef ref) {
    if (live[index_of(ref)]) return;
    live[index_of(ref)] = true;
    work.push_back(ref);
  };
  const IrIns* loop_start = nullptr;
  const IrIns* loop_back = nullptr;
  for (size_t i = count; i-- > 0;) {
    const IrIns& ins = trace.ins[i];
    if (ins.op == IrOp::kLoopStart) loop_start = &ins;
    if (ins.op == IrOp::kLoopBack) loop_back = &ins;
    if (is_root(trace, ins)) need(IrRef{static_cast<uint32_t>(i)});
  }
  std::vector<bool> snapshot_seen(trace.snapshots.size());
  while (!work.empty()) {
    const IrIns& ins = trace.at(work.back());
    const IrRef ref = work.back();
    work.pop_back();
    // A variable of the loop needs its next value; the lists themselves need nothing.
    if (ins.op == IrOp::kPhi && loop_start != nullptr && loop_back != nullptr) {
      for (size_t i = 0; i < loop_start->list.size(); ++i) {
        if (loop_start->list[i] == ref) need(loop_back->list[i]);
      }
    }
    if (ins.op != IrOp::kLoopStart && ins.op != IrOp::kLoopBack) {
      for_each_ref(ins, need);
    }
    // Allocations may become the first behind an alloc_check, which takes their snapshot.
    if (ins.snapshot != kNoSnapshot && (uses_snapshot(ins) || (ins.op == IrOp::kNew && !ins.sunk)) &&
        !snapshot_seen[ins.snapshot]) {
      snapshot_seen[ins.snapshot] = true;
      for_each_snapshot_ref(trace.snapshots[ins.snapshot], need);
    }
  }
  std::vector<IrRef> order;
  order.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (live[i]) order.push_back(IrRef{static_cast<uint32_t>(i)});
  }
  if (order.size() == count) return;
  for (IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kLoopStart) continue;
    // Variables that nobody needs leave both lists.
    for (size_t i = ins.list.size(); i-- > 0;) {
      if (live[index_of(ins.list[i])]) continue;
      ins.list.erase(ins.list.begin() + static_cast<std::ptrdiff_t>(i));
      if (loop_back == nullptr) continue;
      auto& next = trace.ins[static_cast<size_t>(loop_back - trace.ins.data())].list;
      next.erase(next.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  reorder(trace, order);
}

}  // namespace fble
