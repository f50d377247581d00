// Puts a trace's instructions into another order.
// Tested by tests/unit/jit/opt/passes_test.cc.
#include "jit/opt/passes.h"

namespace fble {

void reorder(Trace& trace, const std::vector<IrRef>& order) {
  std::vector<IrRef> renamed(trace.ins.size(), kNoRef);
  for (size_t i = 0; i < order.size(); ++i) renamed[index_of(order[i])] = IrRef{static_cast<uint32_t>(i)};
  auto rename = [&](IrRef& ref) {
    ref = renamed[index_of(ref)];
    FBLE_ASSERT(ref != kNoRef);
  };
  std::vector<uint32_t> snapshots(trace.snapshots.size(), kNoSnapshot);
  std::vector<Snapshot> kept;
  std::vector<IrIns> instructions;
  instructions.reserve(order.size());
  kept.reserve(trace.snapshots.size());
  for (const IrRef old : order) {
    IrIns& ins = instructions.emplace_back(std::move(trace.at(old)));
    for_each_ref(ins, rename);
    if (ins.snapshot == kNoSnapshot) continue;
    if (!uses_snapshot(ins) && (ins.op != IrOp::kNew || ins.sunk)) {
      ins.snapshot = kNoSnapshot;
      continue;
    }
    if (snapshots[ins.snapshot] == kNoSnapshot) {
      snapshots[ins.snapshot] = static_cast<uint32_t>(kept.size());
      Snapshot& snapshot = kept.emplace_back(std::move(trace.snapshots[ins.snapshot]));
      for_each_snapshot_ref(snapshot, rename);
    }
    ins.snapshot = snapshots[ins.snapshot];
  }
  std::erase_if(trace.assumptions, [&](Assumption& assumption) {
    assumption.ref = renamed[index_of(assumption.ref)];
    return assumption.ref == kNoRef;
  });
  trace.ins = std::move(instructions);
  trace.snapshots = std::move(kept);
}

}  // namespace fble
