// A state of the carrier, kept so that it can be restored while a trace is tried out.
#pragma once

#include <vector>

#include "deopt/shadow_check.h"
#include "deopt/side_table.h"
#include "interp/machine_state.h"

namespace fble {

/// The state in which a trace starts: that of the interpreter, and for a bridge also that of machine
/// code. Collections update its words.
struct StartState {
  explicit StartState(MachineState& machine) : frame_roots(machine, frames.words), roots(machine, words) {}

  FramesState frames;
  std::vector<Location> places;               ///< registers, spill slots, frame slots
  std::vector<Word> words;                    ///< the words in these places
  std::vector<std::pair<int32_t, Word>> raw;  ///< words of frame headers, by slot
  RootedWords frame_roots;
  RootedWords roots;
};

}  // namespace fble
