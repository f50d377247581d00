// The values of an exit, as a trace that starts there sees them.
//
// The side table's entry says where each value is (deopt/side_table.h): a constant, a slot, a register or
// spill slot of the parent trace, or virtual: made of others. Plain values become constants, loads and
// `inherit` instructions, one for each place; virtual values are made from them again.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and all of tests/lang in JIT modes.
#pragma once

#include <utility>
#include <vector>

#include "deopt/side_table.h"
#include "jit/record/appender.h"

namespace fble {

class ExitValues {
 public:
  /// The virtual values by their index in the entry; kNoRef for one that is not made yet.
  using Refs = std::vector<IrRef>;

  /// Appends the plain values.
  ExitValues(Appender& appender, IrBuilder& builder, const ExitEntry& entry);

  /// Appends the virtual values that are packed words to the trace.
  Refs make_packed();
  /// Appends the objects among the virtual values that `refs` lacks. With `sunk` only snapshots mention them;
  /// otherwise they belong to the state of `snapshot`, from which they are made if machine code does not need them.
  void make_objects(Refs& refs, bool sunk, uint32_t snapshot);

  IrRef at(const Location& location, const Refs& virtuals) {
    return location.kind == LocationKind::kVirtual ? virtuals[static_cast<size_t>(location.index)] : plain(location);
  }
  /// Returns the plain value that the trace already has for this place; kNoRef if there is none.
  IrRef known(const Location& location) const;

 private:
  IrRef plain(const Location& location);

  Appender& appender_;
  IrBuilder& builder_;
  const ExitEntry& entry_;
  std::vector<std::pair<Location, IrRef>> known_;
};

}  // namespace fble
