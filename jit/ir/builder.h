// The interface through which instructions are appended to a trace.
//
// The recorder appends instructions by this interface. It is implemented by a
// chain of forward passes (jit/opt/pipeline.h), which may return an earlier
// instruction instead (folding, common subexpressions, fields of objects made in
// the trace), or none, if the known facts imply a guard. Since calls end a trace
// and data never changes, facts stay true to the trace's end.
#pragma once

#include "jit/ir/trace.h"

namespace fble {

class IrBuilder {
 public:
  virtual ~IrBuilder() = default;

  /// Appends the instruction unless it is unnecessary. Returns the reference to
  /// its result, kNoRef for guards and others without one. Requires that
  /// `ins.snapshot` of a guard is set (add_snapshot). A guard that cannot hold
  /// fails an assertion: the recorder watches a run in which it held.
  virtual IrRef append(IrIns ins) = 0;

  /// Appends without simplification (objects of a group of recursive values,
  /// whose fields may refer forwards).
  virtual IrRef append_raw(IrIns ins) = 0;

  /// Returns the facts about the instruction's result here.
  virtual Facts facts(IrRef ref) const = 0;
  /// Adds facts from elsewhere (a bridge's parent).
  virtual void assume(IrRef ref, const Facts& facts) = 0;

  virtual Trace& trace() = 0;

  uint32_t add_snapshot(Snapshot snapshot) {
    trace().snapshots.push_back(std::move(snapshot));
    return static_cast<uint32_t>(trace().snapshots.size() - 1);
  }
};

}  // namespace fble
