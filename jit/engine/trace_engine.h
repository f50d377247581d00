// The conductor: decides when to record, and calls the parts that do the work.
//
//   InlinePolicy      the calls that a trace follows          TraceLog       logs and dumps of traces
//   FunctionEntries   the targets of calls                    DeoptPoints    the places of `# deopt-here!`
//   CompiledTraces    machine code, its exits and links       Memos          results that are remembered
//   TraceCounts       instructions that machine code has run
//
// and for tests, called when a recording begins, a trace has been made, an exit is taken, an exit has been left:
//
//   GuardRehearsal    --deopt-sweep                           Disturbances   --chaos
//   ShadowChecks      --shadow-check                          DeoptMatrix    FBLE_DEOPT_MATRIX
//
// The life of a trace is TraceEngine::live, from top to bottom.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and all of tests/lang in JIT modes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interp/engine_hooks.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/deopt_points.h"
#include "jit/engine/disturbances.h"
#include "jit/engine/events.h"
#include "jit/engine/function_entries.h"
#include "jit/engine/inline_policy.h"
#include "jit/engine/memo.h"
#include "jit/engine/options.h"
#include "jit/engine/rehearsal.h"
#include "jit/engine/trace_counts.h"
#include "jit/engine/trace_log.h"

namespace fble {

/// The states in the life of a trace.
enum class TraceState : uint8_t {
  kCounting,     ///< there is none yet: calls, or an exit, are counted
  kHot,          ///< a counter has reached zero, and a recording is set up
  kRecording,    ///< the interpreter shows each instruction before it runs
  kRecorded,     ///< the recorder has come to an end
  kLinked,       ///< a call, an exit or a return leads to the machine code
  kGivenUp,      ///< Recording::failure has the reason
  kInterrupted,  ///< the same, but the place where the recording began is not the cause
  kEnded,        ///< compiled or not, the recording is no longer needed
  kForgotten,    ///< all machine code is evicted
};

class TraceEngine final : public EngineHooks {
 public:
  /// Attaches to the carrier. The destructor detaches.
  TraceEngine(Carrier& carrier, const JitOptions& options);
  ~TraceEngine() override;
  TraceEngine(const TraceEngine&) = delete;
  TraceEngine& operator=(const TraceEngine&) = delete;

  /// Returns false if the processor or the system does not support machine code: then all code is interpreted.
  bool usable() const { return usable_; }

  void on_hot_function(Carrier& carrier, Code& code) override;
  void on_step(Carrier& carrier) override;
  void on_run_end(Carrier& carrier) override;

  /// Leave machine code and force frames: see RuntimeEntries.
  void leave(Carrier& carrier, const uint8_t* return_address, uint64_t pushes);
  bool force(Carrier& carrier, const uint8_t* return_address, uint32_t exit);
  /// Notes that a trace was entered. Called by the trace with JitOptions::shadow_check.
  void entered(Carrier& carrier, uint32_t trace);

  const CompiledTraces& traces() const { return traces_; }
  const JitStats& stats() const { return stats_; }
  /// Returns the reports of all deopt points of the program, in its order; none if the engine is not usable.
  std::vector<DeoptPointReport> deopt_point_reports() const {
    return usable_ ? points_.reports() : std::vector<DeoptPointReport>();
  }
  /// Returns the text of --stats.
  std::string stats_text() const;

 private:
  /// A recording under way.
  struct Recording {
    Trace trace;
    std::unique_ptr<IrBuilder> builder;
    std::unique_ptr<Recorder> recorder;
    Code* function = nullptr;           ///< kFunction
    ExitAddress from{};                 ///< bridges, continuations
    std::vector<ExitFrame> frames;      ///< ... their frames
    Code* interpreted_once = nullptr;   ///< its entry is the interpreter's for one instruction
    Handler usual_entry = nullptr;      ///< of that code
    std::unique_ptr<StartState> start;  ///< if there are rehearsals
    int dispatch_scratch = -1;          ///< bridges: a register for a dispatch table, see install_dispatch
    bool without_loop = false;
    std::optional<AbortReason> failure;
    uint64_t started_ns = 0;
  };

  void live(Carrier& carrier, TraceState state);
  Recording& set_up_recording(Carrier& carrier, uint32_t inlined_paths);
  void record_from_exit(Carrier& carrier, ExitAddress from, const ExitEntry& entry, std::unique_ptr<StartState> start);
  TraceState record_step(Recording& recording);
  TraceState compile(Recording& recording);
  void optimize_trace(Recording& recording);
  bool rehearse(const Recording& recording, CompiledTrace& compiled);
  AssembledTrace assemble_trace(const Trace& trace);
  void link(const Recording& recording, CompiledTrace& compiled);
  void leave_by(Carrier& carrier, ExitAddress address);
  bool leave_exit(Carrier& carrier, ExitAddress address);
  bool evict_for_memos(Carrier& carrier);
  void hit(Carrier& carrier, uint32_t number);
  bool disturb(Carrier& carrier);
  void interrupt(Carrier& carrier, AbortReason reason);
  void add_up_counts();

  Carrier& carrier_;
  const JitOptions options_;
  JitStats stats_;
  FunctionEntries entries_;
  CompiledTraces traces_;
  Memos memos_;
  InlinePolicy policy_;
  DeoptPoints points_;
  TraceLog log_;
  std::optional<TraceCounts> counts_;  ///< if the machine counts instructions
  EventSinks sinks_;                   ///< the log, if it prints anything, and that of the options
  std::optional<GuardRehearsal> rehearsal_;
  std::optional<ShadowChecks> shadow_checks_;
  std::optional<Disturbances> disturbances_;
  std::unique_ptr<DeoptMatrix> matrix_;
  RuntimeEntries runtime_;
  std::unique_ptr<Recording> recording_;
  bool usable_ = false;
};

}  // namespace fble
