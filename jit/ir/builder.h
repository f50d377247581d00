// The door through which instructions enter a trace.
//
// The recorder appends instructions by this interface. Behind it stands a chain
// of forward passes (jit/opt/pipeline.h) that may answer with an earlier
// instruction instead (folding, common subexpressions, fields of objects made in
// the trace), or with nothing, when a guard is implied by what is known. Since
// calls end a trace and data never changes, whatever is known stays true to the
// trace's end.
#pragma once

#include "jit/ir/trace.h"

namespace fble {

class IrBuilder {
 public:
  virtual ~IrBuilder() = default;

  /// Appends the instruction or finds it unnecessary; the reference to use for its
  /// result, kNoRef for guards and others without one. A guard comes with
  /// `ins.snapshot` set (add_snapshot). A guard that cannot hold asserts: the
  /// recorder watches a run in which it held.
  virtual IrRef append(IrIns ins) = 0;

  /// Appends without looking for anything to simplify (objects of a group of
  /// recursive values, whose fields may refer forwards).
  virtual IrRef append_raw(IrIns ins) = 0;

  /// What is known of the instruction's result here.
  virtual Facts facts(IrRef ref) const = 0;
  /// Adds knowledge from elsewhere (a bridge's parent).
  virtual void assume(IrRef ref, const Facts& facts) = 0;

  virtual Trace& trace() = 0;

  uint32_t add_snapshot(Snapshot snapshot) {
    trace().snapshots.push_back(std::move(snapshot));
    return static_cast<uint32_t>(trace().snapshots.size() - 1);
  }
};

}  // namespace fble
