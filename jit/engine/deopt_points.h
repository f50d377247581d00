// The places of `# deopt-here!` (interp/mark.h), as the engine sees them: when each one's turn is, what
// happens then, and what became of the recordings that passed it.
//
// Machine code counts the countdowns down and leaves, or shows its frames, when one is zero.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang/27-deopt-here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interp/thread.h"
#include "jit/abort_reasons.h"
#include "jit/ir/trace.h"

namespace fble {

/// What has become of a mark.
struct MarkReport {
  const Mark* mark = nullptr;
  uint64_t interpreted = 0;  ///< passes in the interpreter
  uint64_t passes = 0;       ///< ... in machine code
  uint64_t hits = 0;         ///< of these, how often it was the mark's turn
  uint64_t forced = 0;       ///< and of these, how often frames were forced
  std::string why_not;       ///< if there are no hits: the reason
};

class DeoptPoints {
 public:
  explicit DeoptPoints(const Thread& thread);

  /// For machine code, by number of the mark: passes to go, and whether it has the option `force`.
  uint32_t* countdowns() { return countdowns_.data(); }
  const uint8_t* forcing() const { return forcing_.data(); }

  const MarkOptions& options(uint32_t mark) const { return thread_.machine.program.marks[mark].options; }
  bool is_turn(uint32_t mark) const { return countdowns_[mark] == 0; }
  /// It was the mark's turn: counts to the next one.
  void note_hit(uint32_t mark);
  void note_forced(uint32_t mark) { ++points_[mark].forced; }
  /// A recording has ended: compiled, or given up.
  void note_recording(const Trace& trace, std::optional<AbortReason> abort);
  /// Shows the thread's frames, which are the interpreter's, to its observer. True if something has changed.
  bool show_frames(Thread& thread, uint32_t mark) const;
  /// What jit/engine/deopt_matrix.h calls the reason to leave by an exit of this guard.
  const char* reason_to_leave(IrOp guard, int32_t n) const;

  std::string name(uint32_t mark) const;
  /// For dumps: a line of comment for each mark in the trace.
  std::string explain(const Trace& trace) const;
  /// All marks of the program, in its order.
  std::vector<MarkReport> reports() const;

  /// While it exists, passes do not count.
  class Paused {
   public:
    explicit Paused(DeoptPoints& points);
    ~Paused();
    Paused(const Paused&) = delete;
    Paused& operator=(const Paused&) = delete;

   private:
    DeoptPoints& points_;
    std::vector<uint32_t> countdowns_;
  };

 private:
  struct Point {
    const Code* code = nullptr;  ///< where it is
    uint64_t passes = 0;         ///< up to the last hit
    uint64_t hits = 0;
    uint32_t period = 0;                                ///< what its countdown was last set to
    uint32_t recordings = 0;                            ///< that passed it
    uint32_t traces = 0;                                ///< compiled ones that contain it
    AbortReason abort = AbortReason::kNothingRecorded;  ///< of the last recording that passed it and failed
    uint64_t forced = 0;
  };
  std::string why_not_hit(uint32_t mark) const;

  const Thread& thread_;
  std::vector<Point> points_;         ///< by number, as in ProgramCode::marks
  std::vector<uint32_t> countdowns_;  ///< passes to go
  std::vector<uint8_t> forcing_;
  /// By function: the instruction before which a trace last gave up.
  std::map<const Code*, Op> ended_at_;
};

}  // namespace fble
