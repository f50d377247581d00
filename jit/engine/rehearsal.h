// Rehearsals: each guard of a new trace fails once before the trace is used.
//
// A run passes many guards that never fail in it, and many traces are compiled shortly
// before its end. So with --deopt-sweep the engine tries a trace out: for each exit it
// restores the state in which the recording began, runs the machine code with the exit's
// flag set, lets the side table rebuild the frames, and compares them with those that the
// interpreter reaches from the same state (deopt/shadow_check.h). The recording took this
// path, so all its guards are reached. Guards of a loop's body are reached if the second
// turn takes the same path as the first; if not, the trace is compiled without the loop.
//
// With --shadow-check the same comparison is made at each exit that a run takes, from the
// state at the entry of the trace, which is noted then. Natives with effects are no obstacle:
// a call of one ends the trace, and the code after it is another trace with an entry of its
// own.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang in mode deopt-sweep.
#pragma once

#include <memory>

#include "deopt/shadow_check.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/deopt_matrix.h"
#include "jit/engine/deopt_points.h"
#include "jit/engine/start_state.h"

namespace fble {

/// The rehearsals of --deopt-sweep.
class GuardRehearsal {
 public:
  /// Makes the rehearsals. `matrix` may be null.
  GuardRehearsal(Carrier& carrier, CompiledTraces& traces, DeoptPoints& points, DeoptMatrix* matrix, JitStats& stats)
      : carrier_(carrier), traces_(traces), points_(points), matrix_(matrix), stats_(stats) {}

  /// Returns the state of an exit that is about to be left, as the bridge will find it.
  static std::unique_ptr<StartState> state_at_exit(Carrier& carrier, const ExitEntry& entry);

  /// Rehearses all exits of the trace from the state in which its recording began. Returns false if some were not
  /// reached.
  bool rehearse(const Trace& recorded, const StartState& start, CompiledTrace& trace);

  /// Returns whether a trace is being tried out: then its exits come here.
  bool is_under_way() const { return trace_ != nullptr; }
  void leave(Carrier& carrier, const uint8_t* return_address, uint64_t pushes);
  void leave_by(Carrier& carrier, uint32_t exit);

 private:
  void put_machine_state(const StartState& start, TraceKind kind, Word*& fp);
  bool run(const StartState& start, CompiledTrace& trace, uint32_t index);
  bool rehearse_exit(const StartState& start, CompiledTrace& trace, uint32_t index, Rehearsal& rehearsal);

  Carrier& carrier_;
  CompiledTraces& traces_;
  DeoptPoints& points_;
  DeoptMatrix* matrix_;
  JitStats& stats_;
  // The trace that is tried out, and the exit that was taken.
  const CompiledTrace* trace_ = nullptr;
  ExitEntry entry_;
  uint32_t exit_ = 0;
  bool left_ = false;  ///< the frames are rebuilt
};

/// The checks of --shadow-check.
class ShadowChecks {
 public:
  ShadowChecks(Carrier& carrier, JitStats& stats) : start_(carrier.machine), stats_(stats) {}

  /// Notes that the trace was entered; its first instruction has not run.
  void note_entry(Carrier& carrier, const CompiledTrace& trace);
  /// Checks an exit that was taken: compares the rebuilt frames with the interpreter's.
  void check(Carrier& carrier, const CompiledTrace& trace, uint32_t exit);

 private:
  void add_whole_steps(const CompiledTrace& trace);

  /// The state at the entry of the trace that runs, or of the one whose bridge does, and the
  /// instructions from there to the bridge.
  StartState start_;
  uint32_t steps_ = 0;
  std::vector<WholeStep> whole_steps_;  ///< those of the path from there to the trace that runs
  JitStats& stats_;
};

}  // namespace fble
