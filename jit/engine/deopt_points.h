// The deopt points (interp/deopt_point.h) of the engine: when each one's turn is, its effect, and the results
// of the recordings that passed it.
//
// Machine code decrements the countdowns and leaves, or shows its frames, when one is zero.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang/27-deopt-here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interp/machine_state.h"
#include "jit/abort_reasons.h"
#include "jit/ir/trace.h"

namespace fble {

/// The report about a deopt point.
struct DeoptPointReport {
  const DeoptPoint* point = nullptr;
  uint64_t interpreted = 0;  ///< passes in the interpreter
  uint64_t passes = 0;       ///< ... in machine code
  uint64_t hits = 0;         ///< number of these at which it was the deopt point's turn
  uint64_t forced = 0;       ///< number of these hits at which frames were forced
  std::string why_not;       ///< if there are no hits: the reason
};

class DeoptPoints {
 public:
  explicit DeoptPoints(const MachineState& machine);

  /// Return the arrays for machine code, by number of the deopt point: the remaining passes, and whether it has the
  /// option `force`.
  uint32_t* countdowns() { return countdowns_.data(); }
  const uint8_t* forcing() const { return forcing_.data(); }

  const DeoptPointOptions& options(uint32_t number) const { return machine_.program.deopt_points[number].options; }
  bool is_turn(uint32_t number) const { return countdowns_[number] == 0; }
  /// Notes that it was the deopt point's turn, and counts to the next one.
  void note_hit(uint32_t number);
  void note_forced(uint32_t number) { ++points_[number].forced; }
  /// Notes the end of a recording: compiled, or aborted.
  void note_recording(const Trace& trace, std::optional<AbortReason> abort);
  /// Returns the name in jit/engine/deopt_matrix.h of the reason to leave by an exit of this guard.
  const char* reason_to_leave(IrOp guard, int32_t n) const;

  std::string name(uint32_t number) const;
  /// Returns a line of comment for each deopt point in the trace, for dumps.
  std::string explain(const Trace& trace) const;
  /// Returns the reports of all deopt points of the program, in its order.
  std::vector<DeoptPointReport> reports() const;

  /// A pause of counting: while it exists, passes do not count.
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
    const Code* code = nullptr;  ///< the code with the deopt point
    uint64_t passes = 0;         ///< number of passes up to the last hit
    uint64_t hits = 0;
    uint32_t period = 0;                                ///< the value to which its countdown was last set
    uint32_t recordings = 0;                            ///< number of recordings that passed it
    uint32_t traces = 0;                                ///< number of compiled traces that contain it
    AbortReason abort = AbortReason::kNothingRecorded;  ///< the failure of the last recording that passed it and failed
    uint64_t forced = 0;
  };
  std::string why_not_hit(uint32_t number) const;

  const MachineState& machine_;
  std::vector<Point> points_;         ///< by number, as in ProgramCode::deopt_points
  std::vector<uint32_t> countdowns_;  ///< remaining passes
  std::vector<uint8_t> forcing_;
  /// The instruction before which a trace was last aborted, by function.
  std::map<const Code*, Op> ended_at_;
};

}  // namespace fble
