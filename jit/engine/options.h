// The options of the engine and its statistics.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "jit/abort_reasons.h"

namespace fble {

class EventSink;

struct JitParams {
#define FBLE_JIT_PARAM(name, value, doc) uint32_t name = value;
#include "jit/params.def"
#undef FBLE_JIT_PARAM
};
/// Sets a parameter. Returns false if there is none of that name.
bool set_jit_param(JitParams& params, std::string_view name, uint32_t value);
/// Returns whether 0 is a value of the parameter.
bool jit_param_may_be_none(std::string_view name);

struct JitOptions {
  JitParams params;
  /// If true, code is compiled at the first opportunity.
  bool eager = false;
  /// Machine code is left at every n-th guard; 0 for off.
  uint32_t deopt_every = 0;
  /// If true, each guard fails once, the first time it is passed, and is rehearsed before.
  bool deopt_sweep = false;
  /// The exit that is taken whenever it is reached.
  struct ExitName {
    uint32_t trace;
    uint32_t exit;
  };
  std::optional<ExitName> deopt_at;
  /// If true, each exit is compared with the interpreter.
  bool shadow_check = false;
  /// The seed of random disturbances (jit/engine/chaos.h); 0 for off.
  uint64_t chaos = 0;
  uint64_t chaos_fuel = UINT64_MAX;
  bool log_chaos = false;
  bool log_traces = false;  ///< a line per event to standard error
  bool dump_ir = false;
  bool dump_asm = false;
  bool dump_side_table = false;
  bool dump_bytecode = false;
  bool keep_code_maps = false;  ///< for a profiler: see MachinePositions
  /// Takes the engine's events (jit/engine/events.h) if not null, and outlives the engine.
  EventSink* events = nullptr;

  /// Returns the number of counts until a place is hot.
  uint32_t threshold(uint32_t normal) const { return eager ? 1 : normal; }
  /// Returns whether guards may fail although they hold, when Carrier::exit_fuel becomes 0.
  bool counts_guards() const { return deopt_every != 0 || chaos != 0; }
  /// Returns whether the exits of the trace have flags that make their guards fail.
  bool has_flags(uint32_t trace) const { return deopt_sweep || shadow_check || (deopt_at && deopt_at->trace == trace); }
  /// Returns whether exits are tested: all that is known of them is kept, and they may be taken although they are
  /// linked.
  bool tests_exits() const { return counts_guards() || deopt_sweep || shadow_check || deopt_at.has_value(); }
};

struct JitStats {
  uint64_t traces[3] = {0, 0, 0};  ///< by TraceKind
  uint64_t aborts[static_cast<size_t>(AbortReason::kCount)] = {};
  uint64_t dispatch_nodes = 0;
  uint64_t flushes = 0;
  uint64_t evictions = 0;  ///< of trees
  uint64_t guards = 0;
  uint64_t failed_guards = 0;     ///< guards that have failed once, in the run or in a rehearsal
  uint64_t rehearsed_guards = 0;  ///< those that failed in a rehearsal
  uint64_t exits_checked = 0;     ///< by JitOptions::shadow_check
  uint64_t exits_unchecked = 0;   ///< exits without room for the check
  uint64_t loops_given_up = 0;    ///< compiled without the loop: some of its guards could not be rehearsed
  uint64_t exits = 0;             ///< machine code was left at a guard
  uint64_t yields = 0;            ///< ... at a yield point
  uint64_t deopt_point_hits = 0;  ///< ... at a deopt point whose turn it was
  uint64_t forced = 0;            ///< frames were forced at a deopt point, and machine code continued
  uint64_t forced_out = 0;        ///< ... and left, as something had changed
  uint64_t cold_returns = 0;      ///< a call returned to the interpreter
  uint64_t ir_instructions = 0;
  uint64_t code_bytes = 0;
  uint64_t side_table_bytes = 0;
  uint64_t exit_bytes = 0;         ///< all that is behind machine code for exits, and their stubs in it
  uint64_t record_bytes = 0;       ///< the memory of records of exits, at the end
  uint64_t memos = 0;              ///< functions whose results were remembered
  uint64_t memos_given_up = 0;     ///< ... until there were too many unknown calls
  uint64_t memo_tables_freed = 0;  ///< ... and no trace looked in their tables any more
  uint64_t remembered_calls = 0;   ///< calls that were not made
  uint64_t unknown_calls = 0;      ///< ... that were made, since the result was not known
  uint64_t walked = 0;             ///< functions that were computed by strides
  uint64_t walked_given_up = 0;    ///< ... until that failed too often
  uint64_t walks = 0;              ///< calls that were computed so
  uint64_t failed_walks = 0;       ///< ... that were made after all
  uint64_t stride_rows = 0;        ///< rows that were worked out for that
  uint64_t record_ns = 0;
  uint64_t optimize_ns = 0;
  uint64_t assemble_ns = 0;
};

}  // namespace fble
