// Prints the engine's reports about traces: a line for each event, dumps of compiled code, statistics.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/unit/frontends/cli/run_test.cc.
#pragma once

#include <string>
#include <vector>

#include "jit/engine/chaos.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/deopt_points.h"
#include "jit/engine/events.h"
#include "jit/engine/options.h"

namespace fble {

/// Returns the event's line of --log=trace; empty if it has none. The lines are about what was compiled or given up,
/// and what is evicted.
std::string log_line(const EngineEvent& event);

class TraceLog final : public EventSink {
 public:
  /// `codes` has numbers of code objects for print_side_table.
  TraceLog(const JitOptions& options, const DeoptPoints& points, const std::vector<Code*>& codes)
      : options_(options), points_(points), codes_(codes) {}

  /// Returns whether the options or the environment ask for anything that `take` prints.
  bool is_wanted() const;
  /// Prints what --log=trace and --dump ask for, and names machine code for perf.
  void take(const EngineEvent& event) override;

  /// Returns the text of --stats. `chaos` is null without disturbances.
  std::string stats_text(const JitStats& stats, const Chaos* chaos) const;

 private:
  void dump(const OptimizeEvent& event) const;
  void dump(const AssembleEvent& event) const;

  const JitOptions& options_;
  const DeoptPoints& points_;
  const std::vector<Code*>& codes_;
};

}  // namespace fble
