// Forcing: writes the frames that a trace keeps in registers, shows them to an observer,
// undoes the writes, and continues machine code.
//
// The side table entry of an exit describes the writes of leaving there. Forcing makes the same
// writes, makes the virtual objects too, and calls the observer; frames and heap are then the
// interpreter's, as after leaving. To continue, all of it is undone: a later exit may rely on a
// slot in memory that still has its old value, and on the room after the allocation pointer.
// Registers and spill slots are not changed, and the stub restores them.
//
// Machine code cannot continue if any object has moved. So no collection makes room for virtual
// objects: if there is too little, or if the observer reports a change, the trace is left.
//
// Tested by tests/unit/deopt/exit_test.cc and tests/unit/frontends/cli/deopt_points_test.cc.
#pragma once

#include <vector>

#include "deopt/side_table.h"

namespace fble {

class ForcedFrames {
 public:
  /// Returns whether there is room for the entry's virtual objects.
  static bool possible(const Carrier& carrier, const ExitEntry& entry);

  /// Writes the frames of an exit that is not a return, with the state of the exit in
  /// carrier.exit_state, as leave_at does. Requires: possible(carrier, entry).
  ForcedFrames(Carrier& carrier, const ExitEntry& entry);
  ForcedFrames(const ForcedFrames&) = delete;
  ForcedFrames& operator=(const ForcedFrames&) = delete;

  /// Undoes the writes. Requires that no object has moved.
  void take_back();

 private:
  Carrier& carrier_;
  Word* const start_;
  const uint32_t* const pc_;
  Word* const fp_;
  Word* const ap_;
  const Word value_;
  std::vector<Word> words_;  ///< the old words of the stack, from start_ on
};

}  // namespace fble
