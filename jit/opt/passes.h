// The passes over whole traces, in the order of pipeline.cc.
#pragma once

#include "jit/ir/trace.h"

namespace fble {

/// Removes instructions whose results nobody needs. Snapshots count as users.
void eliminate_dead(Trace& trace);

/// Makes allocations virtual or late.
void sink(Trace& trace);

/// Inserts the checks for room in front of allocations.
/// Requires: sink has run, so that all News are virtual or real.
void insert_alloc_checks(Trace& trace);

/// A tail call of the trace's own function becomes a loop. False if it stays as it is.
bool peel_loop(Trace& trace);

/// A new order of a trace's instructions: `order` lists old numbers; those missing are
/// removed, and nothing that stays may refer to them. Snapshots that are no longer
/// used are removed too.
void reorder(Trace& trace, const std::vector<IrRef>& order);

/// Each reference that the snapshot has, slots and closures.
template <typename S, typename Visit>
void for_each_snapshot_ref(S& snapshot, Visit&& visit) {
  for (auto& frame : snapshot.frames) {
    if (frame.closure != kNoRef) visit(frame.closure);
  }
  for (auto& slot : snapshot.slots) visit(slot.ref);
}

/// True if leaving here needs the snapshot. (That of a `new` is for the check that may be put in front.)
inline bool uses_snapshot(const IrIns& ins) { return ir_is_guard(ins.op) && !ins.fits; }

}  // namespace fble
