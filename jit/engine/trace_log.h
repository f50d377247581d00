// Prints the engine's reports about traces: a line for each event, dumps of compiled code, statistics.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/unit/frontends/cli/run_test.cc.
#pragma once

#include <string>
#include <vector>

#include "jit/engine/chaos.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/deopt_points.h"
#include "jit/engine/options.h"

namespace fble {

class TraceLog {
 public:
  TraceLog(const JitOptions& options, const DeoptPoints& points) : options_(options), points_(points) {}

  // With --log=trace.
  void gave_up(const Trace& trace, AbortReason reason) const;
  void compiled(const Trace& trace, TraceLink link, const CompiledTrace& compiled) const;
  void evicted(size_t trees, CodeAssumption assumption, uint32_t number) const;
  void flushed(size_t traces, size_t bytes) const;

  // With --dump.
  /// Dumps the bytecode and IR of the trace, after the passes.
  void optimized(const Trace& trace) const;
  /// Dumps its machine code and side table, also for perf. `codes`: as in print_side_table.
  void assembled(const Trace& trace, const AssembledTrace& code, const std::vector<Code*>& codes) const;

  /// Returns the text of --stats. `chaos` is null without disturbances.
  std::string stats_text(const JitStats& stats, const Chaos* chaos) const;

 private:
  void event(const char* what, const Trace& trace, const std::string& detail) const;

  const JitOptions& options_;
  const DeoptPoints& points_;
};

}  // namespace fble
