// Checks an exit against the interpreter.
//
// Since Fble is pure, the interpreter can repeat what a trace has computed: from the
// state at the trace's entry it runs the same number of bytecode instructions
// (Snapshot::steps). Then its frames must be the rebuilt ones, slot by slot, with
// values compared by structure. No trace contains a call of a native with effects, so
// every exit can be checked.
//
// A replay runs while the carrier is stopped at an exit, in the same call frames: they
// are saved as a whole and restored afterwards. No collection may run meanwhile, so the
// caller provides room.
//
// Tested by tests/unit/deopt/shadow_check_test.cc, and by all programs run with
// --shadow-check or --deopt-sweep.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "interp/call_stack.h"
#include "interp/recursive_group.h"
#include "interp/run_error.h"
#include "interp/stepped_run.h"

namespace fble {

class FrameObserver;

/// The interpreter's state between two instructions, from a root frame up.
struct FramesState {
  struct Frame {
    Code* code = nullptr;
    const uint32_t* pc = nullptr;  ///< innermost: the next instruction; others: return position
    int32_t base = 0;              ///< slots above the root frame
    bool operator==(const Frame&) const = default;
  };
  Word* root = nullptr;           ///< slot 0 of the root frame
  uint64_t next_placeholder = 1;  ///< the counter of RecursiveGroups
  std::vector<Frame> frames;      ///< outermost first; empty if the carrier was not above the root
  /// The words of each frame: its closure, then its live slots in ascending order.
  std::vector<Word> words;
};

/// Returns the state of the carrier's pc, fp and frames.
FramesState take_frames(const Carrier& carrier, Word* root);
/// Takes them into a state whose memory is reused.
void take_frames(const Carrier& carrier, Word* root, FramesState& state);

/// Restores the state of the carrier. Return addresses above the root frame become the
/// interpreter's.
void put_frames(Carrier& carrier, const FramesState& state);

/// A trial run: while it exists, all code is interpreted, no attention is requested and no
/// collection runs. Afterwards all state is as before: frames from `root` up, allocation
/// pointer, open groups and error included.
class Rehearsal {
 public:
  Rehearsal(Carrier& carrier, Word* root);
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  /// Runs `steps` instructions from the state; those of a whole step count as one. `whole_steps` is ascending. Returns
  /// false if the interpreter stopped before, for an error or because there was no
  /// room.
  bool replay(const FramesState& from, uint32_t steps, std::span<const WholeStep> whole_steps);
  /// Returns whether the replay has reached an error, which it should not.
  bool failed() const;

 private:
  Carrier& carrier_;
  Word* root_;
  std::vector<Word> frames_;
  std::vector<std::pair<Code*, Handler>> entries_;
  const HandlerTable* table_;
  FrameObserver* observer_;
  const uint32_t* pc_;
  Word* fp_;
  Word* ap_;
  Word value_;
  RunError error_;
  RecursiveGroups groups_;
  Watermark watermark_;
};

/// Describes how the states differ; empty if they do not. Slots, counted from the root frame's
/// first one, may be left out.
std::string difference(const FramesState& expected, const FramesState& actual, std::span<const int32_t> left_out = {});

/// Returns the state as text for people.
std::string describe(const FramesState& state);

}  // namespace fble
