// The passes over whole traces. pipeline.cc has their order.
#pragma once

#include "jit/ir/trace.h"

namespace fble {

/// Removes instructions whose results are not needed. Snapshots count as users.
void eliminate_dead(Trace& trace);

/// Makes allocations virtual or late.
void sink(Trace& trace);

/// Inserts the checks for room before allocations.
/// Requires: sink has run, so that all News are virtual or real.
void insert_alloc_checks(Trace& trace);

/// Makes a loop of a tail call of the trace's own function. Returns false if the trace is unchanged.
bool peel_loop(Trace& trace);

/// Puts the operands of sums in the order that makes turns of the loop short.
void order_sums(Trace& trace);

/// Reorders a trace's instructions: `order` lists old numbers; missing ones are
/// removed, and no remaining instruction may refer to them. Snapshots that are no
/// longer used are removed too.
void reorder(Trace& trace, const std::vector<IrRef>& order);

/// Visits each reference of the snapshot, slots and closures.
template <typename S, typename Visit>
void for_each_snapshot_ref(S& snapshot, Visit&& visit) {
  for (auto& frame : snapshot.frames) {
    if (frame.closure != kNoRef) visit(frame.closure);
  }
  for (auto& slot : snapshot.slots) visit(slot.ref);
}

/// Returns whether leaving here needs the snapshot. (That of a `new` is for the check that may be inserted before it.)
inline bool uses_snapshot(const IrIns& ins) { return ir_is_guard(ins.op) && !ins.fits; }

}  // namespace fble
