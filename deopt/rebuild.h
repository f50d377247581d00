// Writes the call frames of one exit.
//
// All values are read before the first one is written, since a slot may be both a
// source and a target. A virtual value, which does not exist yet, is written as the
// unit struct, or as a function of the frame's code without captures: so the frames are
// complete, and a collection may happen, before the virtuals are made
// (deopt/materialize.h).
//
// Tested by tests/unit/deopt/exit_test.cc.
#pragma once

#include "deopt/side_table.h"
#include "interp/carrier.h"

namespace fble {

/// Returns the word at a location that is no virtual. `root` is slot 0 of the root frame.
inline Word read_location(const ExitState& state, const Word* root, const Location& location) {
  switch (location.kind) {
    case LocationKind::kRegister: return state.registers[location.index];
    case LocationKind::kSpill: return state.spill[location.index];
    case LocationKind::kConstant: return location.word;
    case LocationKind::kSlot: return root[location.index];
    case LocationKind::kNone:
    case LocationKind::kVirtual: break;
  }
  FBLE_BUG("not the location of a word");
}

/// Writes slots and headers of an exit that is not a return, and sets the carrier's pc, fp
/// and ap to the innermost frame. The stack has room: the trace has checked its size.
void rebuild_frames(Carrier& carrier, const ExitEntry& entry, Word* root);

}  // namespace fble
