// A state of the thread, kept so that it can be put back while a trace is tried out.
#pragma once

#include <vector>

#include "deopt/shadow_check.h"
#include "deopt/side_table.h"
#include "interp/thread.h"

namespace fble {

/// What a trace starts from: the state as the interpreter has it, and of a bridge also as machine code
/// has it. Collections keep its words up to date.
struct StartState {
  explicit StartState(MachineState& machine) : frame_roots(machine, frames.words), roots(machine, words) {}

  FramesState frames;
  std::vector<Location> places;               ///< registers, spill slots, frame slots
  std::vector<Word> words;                    ///< what is there
  std::vector<std::pair<int32_t, Word>> raw;  ///< words of frame headers, by slot
  RootedWords frame_roots;
  RootedWords roots;
};

}  // namespace fble
