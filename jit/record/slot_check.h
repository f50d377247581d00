// A check of debug builds: the recorder's shadow frames against the call frames that they stand for.
//
// A recorder that forgets to write a shadow slot, or writes the wrong one, makes a trace that computes something else.
// The check finds that before the next instruction is recorded, where the cause is still at hand. It knows three
// things of the value that a reference stands for: what guards and instructions say of it, its word if it is a
// constant, and the word that a slot held when the reference was first seen in it.
//
// Tested by tests/unit/jit/record/slot_check_test.cc.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "interp/machine_state.h"
#include "jit/ir/builder.h"
#include "jit/record/shadow_frame.h"

namespace fble {

/// The check of one recording: its state refers to the recording's references.
class SlotCheck {
 public:
  explicit SlotCheck(MachineState& machine) : roots_(machine, words_) {}

  /// Compares the shadow frames, outermost first, with the call frames from `root` on. The innermost frame is about to
  /// run the instruction at `pc`. Returns what differs first, or nothing.
  std::string problem(IrBuilder& builder, std::span<const ShadowFrame> frames, Word* root, const uint32_t* pc);

 private:
  std::string value_problem(IrBuilder& builder, IrRef ref, Word word);

  std::unordered_map<uint32_t, size_t> seen_;  ///< by number of the instruction: where its word is in `words_`
  std::vector<Word> words_;                    ///< roots, since collections move objects while a trace is recorded
  RootedWords roots_;
};

}  // namespace fble
