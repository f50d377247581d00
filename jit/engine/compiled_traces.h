// The compiled traces: their machine code, their exits, and the links between them.
//
// The machine code of one function and all traces that grew from its exits and returns is a trace tree. Trees
// are nearly independent: calls go through the code's entry and returns through call frames. So evicting a
// tree, or all of them, means resetting entries and rewriting return addresses in call frames.
//
// Eviction. A trace registers its assumptions when it is compiled (jit/assumptions.def). When one of them
// breaks, the trees that have traces with it are evicted: all ways to their code are redirected. There are
// three: the entries of functions, the jumps of return stubs in other trees, and return addresses in call
// frames. The first count calls anew, as before there was machine code; the others lead to the interpreter, at
// the exact position of the frame. So an activation of evicted code ends when its callee returns, and as no
// assumption breaks while machine code runs, there is no other activation. The memory is reused when all code
// is flushed.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang/27-deopt-here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "interp/machine_position.h"
#include "jit/engine/function_entries.h"
#include "jit/engine/options.h"
#include "jit/record/recorder.h"
#include "jit/x64/assemble.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// The assumptions of jit/assumptions.def.
enum class CodeAssumption : uint8_t {
#define FBLE_CODE_ASSUMPTION(Name, text, doc) k##Name,
#include "jit/assumptions.def"
#undef FBLE_CODE_ASSUMPTION
};

/// An ExitSite with its present state, kept small: there are many.
struct ExitRecord {
  uint32_t first_jump = 0;  ///< into CompiledTrace::jumps
  uint32_t stub = 0;        ///< distance from CompiledTrace::start
  uint16_t jump_count = 0;
  uint16_t failures = 0;   ///< recordings from here that failed
  uint32_t countdown = 0;  ///< number of times it is taken until it is hot
  IrOp guard = IrOp::kExit;
  LocationKind operand_kind = LocationKind::kNone;
  bool is_return = false;
  bool is_yield = false;
  bool linked = false;
  bool closed = false;  ///< no recording will start here
  bool failed = false;
  bool pinned = false;   ///< its flag stays set
  bool settled = false;  ///< see ExitSite
  uint32_t flag = 0;     ///< distance from CompiledTrace::start; 0: none
  uint32_t steps = 0;    ///< see ExitSite
  uint32_t resume = 0;   ///< distance from CompiledTrace::start, of deopt points; 0: none
  int32_t operand_index = 0;
  int32_t n = 0;
  uint32_t m = 0;
  const uint8_t* dispatch = nullptr;  ///< the dispatch table that the guard's failure leads to
  uint32_t continuations_seen = 0;    ///< for a call: the number of continuations at the last look-up
};

struct CompiledTrace {
  uint32_t id = 0;
  TraceKind kind = TraceKind::kFunction;
  uint32_t root = 0;  ///< id of the tree's root: a function's entry or a continuation
  Code* code = nullptr;
  uint32_t extent = 0;
  uint32_t callee_base = 0;                   ///< kContinuation: see Trace
  const uint32_t* return_position = nullptr;  ///< kContinuation: the position in its innermost frame
  uint32_t parent_steps = 0;                  ///< kBridge: ExitRecord::steps of the exit that it starts from
  uint32_t first_exit = 0;                    ///< id of its first exit
  uint32_t members = 0;                       ///< of the tree, at its root
  uint32_t ir_instructions = 0;
  uint32_t inlined_paths = 1;  ///< see InlinePolicy
  bool mixed_signs = false;    ///< see Recorder
  bool mixed_layouts = false;  ///< likewise
  bool evicted = false;        ///< no jump or entry leads here any more
  const uint8_t* start = nullptr;
  const uint8_t* door = nullptr;  ///< see AssembledTrace
  size_t code_bytes = 0;
  SideTable side_table;
  std::unique_ptr<const CodeMap> code_map;  ///< null unless JitOptions::keep_code_maps
  std::vector<ExitRecord> exits;
  std::vector<uint32_t> jumps;         ///< distances from `start`
  std::vector<WholeStep> whole_steps;  ///< see Trace
};

/// The place of an exit. Its id, which machine code uses, is one number for all traces.
struct ExitAddress {
  uint32_t trace = 0;
  uint32_t exit = 0;
};

using ReturnPositions = std::vector<const uint32_t*>;

template <typename Frames>
ReturnPositions return_positions(const Frames& frames) {
  ReturnPositions positions;
  for (const auto& frame : frames) positions.push_back(frame.pc);
  return positions;
}

class CompiledTraces final : public MachinePositions {
 public:
  CompiledTraces(const JitOptions& options, FunctionEntries& entries, JitStats& stats);
  ~CompiledTraces() override;
  CompiledTraces(const CompiledTraces&) = delete;

  CodeCache& cache() { return cache_; }
  bool is_machine_code(const void* address) const override { return cache_.contains(address); }
  bool find_position(const void* address, MachinePosition& position) const override;
  uint32_t size() const { return static_cast<uint32_t>(traces_.size()); }
  CompiledTrace& operator[](uint32_t id) { return *traces_[id]; }
  const CompiledTrace& operator[](uint32_t id) const { return *traces_[id]; }
  ExitRecord& exit(ExitAddress address) { return traces_[address.trace]->exits[address.exit]; }
  ExitAddress address(uint32_t exit_id) const { return exits_[exit_id]; }
  /// Returns the exit's entry in the side table; valid until the next call.
  const ExitEntry& entry(uint32_t exit_id) {
    Decoded& slot = decoded_[exit_id % kDecodedExits];
    if (slot.exit_id != exit_id) decode(exit_id, slot);
    return slot.entry;
  }

  // ---- making a trace ----
  /// Return the ids of the next trace and of its first exit.
  uint32_t next_trace() const { return size(); }
  uint32_t next_exit() const { return static_cast<uint32_t>(exits_.size()); }
  /// The data of the recorder and the policy about the trace.
  struct Origin {
    uint32_t inlined_paths = 1;
    bool mixed_signs = false;
    bool mixed_layouts = false;
  };
  std::unique_ptr<CompiledTrace> make(const Trace& trace, AssembledTrace&& assembled, const Origin& origin);
  /// Undoes `make` of the newest trace, whose machine code begins where the cache was used up to `cache_used`.
  void take_back(const CompiledTrace& trace, size_t cache_used);
  /// Adds a trace, which is linked and counted from now on.
  void add(std::unique_ptr<CompiledTrace> trace);

  // ---- linking ----
  /// Links the exit, the return of a call with frames at these positions, to the continuation for them.
  /// Returns false if there is none.
  bool link_return(const CompiledTrace& trace, ExitRecord& exit, const ReturnPositions& positions);
  /// Does the same if the last continuation was made after the exit's last look-up.
  bool link_return_if_new(const CompiledTrace& trace, ExitRecord& exit, const ExitEntry& entry);
  /// Returns the number of the trace that a linked return leads to.
  uint32_t continuation_of(const CompiledTrace& trace, const ExitRecord& exit) const;
  /// Adds a continuation: from now on, returns to these positions are linked to the machine code.
  void add_continuation(const ReturnPositions& positions, const uint8_t* target);
  /// Returns a free register, if the exit's guard tests one of many tags, so that a dispatch table may replace it; else
  /// -1.
  static int scratch_for_dispatch(const ExitRecord& exit, const ExitEntry& entry);
  /// Links the exit to a bridge. If there are tags, links it for these only, through a dispatch table. Returns this
  /// table if it is new.
  std::optional<DispatchNode> link_bridge(ExitAddress from, const Recorder::Tags& tags, int dispatch_scratch,
                                          const uint8_t* target);
  uint32_t& members(const CompiledTrace& trace) { return traces_[trace.root]->members; }

  // ---- exits ----
  /// Sets the number of times that the exit is taken until it is hot.
  void count_anew(ExitRecord& exit) const;
  /// Counts longer after each failed recording, and closes the exit after some.
  void back_off(ExitRecord& exit) const;
  void note_failure(ExitRecord& exit) {
    if (exit.failed || exit.is_return) return;
    exit.failed = true;
    ++stats_.failed_guards;
  }
  /// Returns whether the exit's guard is made to fail.
  static bool is_flagged(const CompiledTrace& trace, const ExitRecord& exit) {
    return exit.flag != 0 && *reinterpret_cast<const volatile uint32_t*>(trace.start + exit.flag) != 0;
  }
  void set_flag(const CompiledTrace& trace, const ExitRecord& exit, bool set);

  // ---- evicting traces ----
  void rely_on(CodeAssumption assumption, uint32_t number, const CompiledTrace& trace);
  /// Evicts the trees that rely on it. Returns their roots. Requires that no recording is under way.
  std::vector<uint32_t> break_assumption(Carrier& carrier, CodeAssumption assumption, uint32_t number);
  /// Evicts all machine code. Requires that no activation is in machine code; those
  /// that would return to it will return to the interpreter.
  void flush(Carrier& carrier);

 private:
  /// The entries decoded most recently, by exit id: an exit that is taken often is taken often until it has a bridge.
  struct Decoded {
    uint32_t exit_id = 0xffffffff;
    ExitEntry entry;
  };

  void decode(uint32_t exit_id, Decoded& slot) const;
  void add_exit(CompiledTrace& trace, const ExitSite& site);
  void link(const CompiledTrace& trace, ExitRecord& exit, const uint8_t* target);
  void evict(Carrier& carrier, uint32_t root);

  const JitOptions& options_;
  FunctionEntries& entries_;
  JitStats& stats_;
  CodeCache cache_;
  size_t cache_start_ = 0;
  std::vector<std::unique_ptr<CompiledTrace>> traces_;
  std::vector<ExitAddress> exits_;
  /// The continuations by the return positions of their frames: at a return all
  /// values are in memory, so every call that returns there continues with the
  /// same code.
  std::map<ReturnPositions, const uint8_t*> continuations_;
  uint32_t continuations_made_ = 0;
  /// The machine code of dispatch tables, ascending, with the exits that lead there.
  struct DispatchCode {
    const uint8_t* start;
    const uint8_t* end;
    ExitAddress exit;
  };
  std::vector<DispatchCode> dispatch_codes_;
  /// The roots of the trees that rely on each assumption.
  std::map<std::pair<CodeAssumption, uint32_t>, std::vector<uint32_t>> assumptions_;
  static constexpr uint32_t kDecodedExits = 256;
  std::vector<Decoded> decoded_{kDecodedExits};
};

}  // namespace fble
