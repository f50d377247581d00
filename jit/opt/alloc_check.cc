// Allocation checks: one for all objects of a trace.
//
// Objects are allocated by moving a pointer. The trace checks for room once, before
// the first allocation, for all that follow: the only exits before the last one are
// guards, and leaving with unused room does no harm. A loop checks once per turn.
//
// The check is a yield point: if there is no room, the trace is left, and the
// interpreter continues and collects. So the check needs an earlier state, at or before
// the first allocation: the snapshot that the recorder has given to each `new`, which
// is the state before its bytecode instruction, or, if sink.cc has moved the
// allocation, the snapshot of a guard that it has moved past, unless that one is only
// true where the guard fails. Functions are pure, so a return to an earlier state is
// always correct, as long as no frame has been written since.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/alloc_check.
#include <utility>

#include "jit/opt/passes.h"

namespace fble {

void insert_alloc_checks(Trace& trace) {
  // A trace without loop is one part; with a loop, the preamble and the body are. Natives
  // take room, too, so the instructions after one are another part.
  struct Part {
    size_t first = 0;   ///< the first allocation
    int32_t words = 0;  ///< of all
  };
  std::vector<Part> parts(1);
  bool has_objects = false;
  for (size_t i = 0; i < trace.ins.size(); ++i) {
    const IrIns& ins = trace.ins[i];
    if (ins.op == IrOp::kLoopStart || ins.op == IrOp::kNative) parts.emplace_back();
    if (ins.op != IrOp::kNew) continue;
    has_objects = true;
    if (ins.sunk) continue;
    Part& part = parts.back();
    if (part.words == 0) part.first = i;
    part.words += static_cast<int32_t>(object_words(static_cast<uint32_t>(ins.x >> 32)));
  }
  if (!has_objects) return;
  std::vector<IrIns> old = std::exchange(trace.ins, {});
  trace.ins.reserve(old.size() + parts.size());
  std::vector<uint32_t> moved_by(old.size());
  auto part = parts.begin();
  for (size_t i = 0; i < old.size(); ++i) {
    while (part != parts.end() && part->words == 0) ++part;
    if (part != parts.end() && part->first == i) {
      IrIns& check = trace.ins.emplace_back();
      check.op = IrOp::kAllocCheck;
      check.n = part->words;
      check.snapshot = old[i].snapshot;
      check.pc = old[i].pc;
      check.site = old[i].site;
      ++part;
    }
    moved_by[i] = static_cast<uint32_t>(trace.ins.size() - i);
    IrIns& ins = trace.ins.emplace_back(std::move(old[i]));
    if (ins.op == IrOp::kNew) ins.snapshot = kNoSnapshot;
  }
  if (trace.ins.size() == old.size()) return;
  auto rename = [&](IrRef& ref) { ref = IrRef{index_of(ref) + moved_by[index_of(ref)]}; };
  for (IrIns& ins : trace.ins) for_each_ref(ins, rename);
  for (Snapshot& snapshot : trace.snapshots) for_each_snapshot_ref(snapshot, rename);
  for (Assumption& assumption : trace.assumptions) rename(assumption.ref);
}

}  // namespace fble
