// Forcing: the frames that a trace keeps in registers are written out, looked at from outside,
// and taken back, and machine code goes on.
//
// The side table entry of an exit says what leaving there would write. Forcing writes just that,
// makes the virtual objects too, and lets somebody look; frames and heap are then the
// interpreter's, as after leaving. To go on, all of it is undone: a later exit may count on
// a slot in memory that still has its old value, and on the room behind the allocation
// pointer. Registers and spill slots are not touched, and the stub puts them back.
//
// Machine code cannot go on if anything has moved. So nothing is collected to make room for
// virtual objects: when there is too little, or when the observer says that something has changed,
// the trace is left.
//
// Tested by tests/unit/deopt/exit_test.cc and tests/unit/cli/marks_test.cc.
#pragma once

#include <vector>

#include "deopt/side_table.h"

namespace fble {

class ForcedFrames {
 public:
  /// Whether there is room for the entry's virtual objects.
  static bool possible(const Thread& thread, const ExitEntry& entry);

  /// Writes the frames of an exit that is not a return, with the state of the exit in
  /// thread.exit_state, as leave_at does. Requires: possible(thread, entry).
  ForcedFrames(Thread& thread, const ExitEntry& entry);
  ForcedFrames(const ForcedFrames&) = delete;
  ForcedFrames& operator=(const ForcedFrames&) = delete;

  /// Makes it unseen. Requires that nothing has moved.
  void take_back();

 private:
  Thread& thread_;
  Word* const start_;
  const uint32_t* const pc_;
  Word* const fp_;
  Word* const ap_;
  const Word value_;
  std::vector<Word> words_;  ///< of the stack, from start_ on, as they were
};

}  // namespace fble
