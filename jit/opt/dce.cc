// Dead code elimination: removes instructions whose results are not needed.
//
// It takes one walk backwards: guards, stores and the end of the trace stay, and so do
// the instructions that they use, directly or through others. A snapshot's values are
// needed by the guards that use it. So a removed guard (an `add` whose sum is not used
// need not leave when the sum does not fit) also releases the values of its snapshot.
// Guards at which the program may fail stay (a quotient by zero is an error, whether the
// quotient is used or not).
//
// Two kinds of instructions refer forwards, so one pass does not decide them: the
// members of a group of recursive values, and the variables of a loop, whose next
// values come at its end. A work list handles all cases.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/dce.
#include "jit/opt/passes.h"

namespace fble {

namespace {

bool is_root(const Trace& trace, const IrIns& ins) {
  // Numbers computed from its operand rely on the operand being no larger than a word's.
  if (ins.op == IrOp::kIntWord) return !ins.fits;
  if (ir_has_effect(ins.op, 'p')) return !ir_has_result(ins.op) || may_be_error(trace, ins);
  return !ir_has_effect(ins.op, 'n') && ins.op != IrOp::kPhi;
}

}  // namespace

void eliminate_dead(Trace& trace) {
  const size_t count = trace.ins.size();
  std::vector<bool> live(count);
  size_t live_count = 0;
  std::vector<IrRef> work;
  work.reserve(count);
  auto need = [&](IrRef ref) {
    if (live[index_of(ref)]) return;
    live[index_of(ref)] = true;
    ++live_count;
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
    // Allocations may become the first after an alloc_check, which uses their snapshot.
    if (ins.snapshot != kNoSnapshot && (uses_snapshot(ins) || (ins.op == IrOp::kNew && !ins.sunk)) &&
        !snapshot_seen[ins.snapshot]) {
      snapshot_seen[ins.snapshot] = true;
      for_each_snapshot_ref(trace.snapshots[ins.snapshot], need);
    }
  }
  if (live_count == count) return;
  std::vector<IrRef> order;
  order.reserve(live_count);
  for (size_t i = 0; i < count; ++i) {
    if (live[i]) order.push_back(IrRef{static_cast<uint32_t>(i)});
  }
  for (IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kLoopStart) continue;
    // Unneeded variables are removed from both lists.
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
