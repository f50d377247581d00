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

/// The place of an exit.
struct ExitAddress {
  uint32_t trace = 0;
  uint32_t exit = 0;
  bool operator==(const ExitAddress&) const = default;
};

/// The state of an exit that has been taken and is not linked. An exit without a record is as it was when its trace was
/// made.
struct ExitRecord {
  static constexpr uint16_t kNever = 0xffff;    ///< a countdown from a number that is too large for it
  static constexpr uint8_t kMostFailures = 31;  ///< with these, every countdown is kNever

  uint32_t place = 0;              ///< the offset of the exit's push (place_in_sled) in the code cache
  uint16_t countdown = 0;          ///< number of times it is taken until it is hot, or kNever
  uint8_t continuations_seen = 0;  ///< for a call: the last digits of the number of continuations at the last look-up
  uint8_t failures : 5 = 0;        ///< recordings from here that failed
  bool closed : 1 = false;         ///< no recording will start here
  bool failed : 1 = false;
  bool linked : 1 = false;  ///< only with JitOptions::tests_exits: linked exits may be taken
};
static_assert(sizeof(ExitRecord) == 8);

struct CompiledTrace {
  uint32_t id = 0;
  TraceKind kind = TraceKind::kFunction;
  uint32_t root = 0;  ///< id of the tree's root: a function's entry or a continuation
  Code* code = nullptr;
  uint32_t extent = 0;
  uint32_t callee_base = 0;                   ///< kContinuation: see Trace
  const uint32_t* return_position = nullptr;  ///< kContinuation: the position in its innermost frame
  uint32_t parent_steps = 0;                  ///< kBridge: ExitSite::steps of its start, with JitOptions::tests_exits
  uint32_t exit_count = 0;
  uint32_t members = 0;  ///< of the tree, at its root
  uint32_t ir_instructions = 0;
  uint32_t inlined_paths = 1;  ///< see InlinePolicy
  bool mixed_signs = false;    ///< see Recorder
  bool mixed_layouts = false;  ///< likewise
  bool evicted = false;        ///< no jump or entry leads here any more
  const uint8_t* start = nullptr;
  const uint8_t* door = nullptr;  ///< see AssembledTrace
  size_t code_bytes = 0;          ///< behind them are its exits: jit/x64/exit_site.h
  uint32_t side_table_bytes = 0;
  uint32_t exit_bytes = 0;                  ///< see AssembledTrace
  std::unique_ptr<const CodeMap> code_map;  ///< null unless JitOptions::keep_code_maps
  std::vector<ExitSite> exit_sites;         ///< all that is known of its exits, with JitOptions::tests_exits
  std::vector<WholeStep> whole_steps;       ///< see Trace

  TraceCode machine_code() const { return {start, code_bytes, exit_count, code}; }
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
  /// Returns the trace whose machine code has the address.
  const CompiledTrace& trace_at(const uint8_t* address) const;
  /// Returns the exit that came through the sled: see exit_number.
  ExitAddress exit_at(const uint8_t* return_address, uint64_t pushes) const;
  /// What is kept of an exit: its site and its entry in the side table.
  struct Exit {
    ExitSite site;
    ExitEntry entry;
  };
  /// Returns the exit; valid until the next call.
  const Exit& exit(ExitAddress address) {
    Decoded& slot = decoded_[(address.trace * kExitsOfATrace + address.exit) % kDecodedExits];
    if (slot.address != address) decode(address, slot);
    return slot.exit;
  }

  // ---- making a trace ----
  /// Returns the id of the next trace.
  uint32_t next_trace() const { return size(); }
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
  /// Links the last exit of the trace, the return of a call with frames at these positions, to the continuation for
  /// them. Returns false if there is none.
  bool link_return(const CompiledTrace& trace, const ReturnPositions& positions);
  /// Does the same if the last continuation was made after the last look-up, which the record knows.
  bool link_return_if_new(const CompiledTrace& trace, ExitRecord& record, const ExitEntry& entry);
  /// Returns the number of the trace that the linked return of the trace leads to.
  uint32_t continuation_of(const CompiledTrace& trace) const;
  /// Adds a continuation: from now on, returns to these positions are linked to the machine code.
  void add_continuation(const ReturnPositions& positions, const uint8_t* target);
  /// Returns a free register, if the exit's guard tests one of many tags, so that a dispatch table may replace it; else
  /// -1.
  static int scratch_for_dispatch(const Exit& exit);
  /// Links the exit to a bridge. If there are tags, links it for these only, through a dispatch table. Returns this
  /// table if it is new.
  std::optional<DispatchNode> link_bridge(ExitAddress from, const Recorder::Tags& tags, int dispatch_scratch,
                                          const uint8_t* target);
  uint32_t& members(const CompiledTrace& trace) { return traces_[trace.root]->members; }

  // ---- exits ----
  /// Returns the exit's record, a new one if it has none; valid until the next call, and until an exit is linked or
  /// traces are evicted.
  ExitRecord& record(const CompiledTrace& trace, uint32_t exit, bool is_return);
  /// Returns whether a bridge from the exit does not replace it.
  bool is_closed(ExitAddress address) const;
  /// Sets the number of times that the exit is taken until it is hot, which is doubled some times.
  void count_anew(ExitRecord& record, bool is_return, unsigned doublings = 0) const;
  /// Returns whether the exit is hot, now that it has been taken once more.
  static bool count_down(ExitRecord& record) {
    return record.countdown != ExitRecord::kNever && --record.countdown == 0;
  }
  /// Counts longer after each failed recording, and closes the exit after some.
  void back_off(ExitAddress address);
  void note_failure(ExitRecord& record, const ExitSite& site) {
    if (record.failed || site.is_return()) return;
    record.failed = true;
    ++stats_.failed_guards;
  }
  /// Returns whether the exit stays as it is, for tests: it is not linked, and a flag of it stays set.
  bool is_pinned(ExitAddress address, IrOp guard) const;
  /// Returns the flag of an exit that makes its guard fail, of a trace that is in the list or not; null if it has none.
  static const uint8_t* flag(const CompiledTrace& trace, uint32_t exit) {
    return trace.exit_sites.empty() ? nullptr : trace.exit_sites[exit].flag;
  }
  static bool is_flagged(const CompiledTrace& trace, uint32_t exit) {
    const uint8_t* const at = flag(trace, exit);
    return at != nullptr && *reinterpret_cast<const volatile uint32_t*>(at) != 0;
  }
  void set_flag(const CompiledTrace& trace, uint32_t exit, bool set);
  /// Returns the memory of exits besides that behind machine code, in bytes.
  size_t record_bytes() const { return records_.capacity() * sizeof(ExitRecord); }

  // ---- evicting traces ----
  void rely_on(CodeAssumption assumption, uint32_t number, const CompiledTrace& trace);
  /// Evicts the trees that rely on it. Returns their roots. Requires that no recording is under way.
  std::vector<uint32_t> break_assumption(Carrier& carrier, CodeAssumption assumption, uint32_t number);
  /// Evicts all machine code. Requires that no activation is in machine code; those
  /// that would return to it will return to the interpreter.
  void flush(Carrier& carrier);

 private:
  /// The exits decoded most recently: an exit that is taken often is taken often until it has a bridge.
  struct Decoded {
    ExitAddress address = kNoExit;
    Exit exit;
  };

  void decode(ExitAddress address, Decoded& slot) const;
  void set_first_flags(const CompiledTrace& trace);
  void link(const ExitSite& site, const uint8_t* target);
  void note_link(const CompiledTrace& trace, uint32_t exit, bool is_return);
  uint32_t place_of(const CompiledTrace& trace, uint32_t exit) const;
  std::vector<ExitRecord>::iterator insert_record(std::vector<ExitRecord>::iterator at, uint32_t place);
  /// Erases the records of exits `first` to `last` of the trace.
  void erase_records(const CompiledTrace& trace, uint32_t first, uint32_t last);
  void evict(Carrier& carrier, uint32_t root);

  const JitOptions& options_;
  FunctionEntries& entries_;
  JitStats& stats_;
  CodeCache cache_;
  size_t cache_start_ = 0;
  std::vector<std::unique_ptr<CompiledTrace>> traces_;
  std::vector<ExitRecord> records_;  ///< by place, ascending
  /// The continuations by the return positions of their frames: at a return all
  /// values are in memory, so every call that returns there continues with the
  /// same code.
  std::map<ReturnPositions, const uint8_t*> continuations_;
  uint8_t continuations_made_ = 0;  ///< the last digits: a look-up too few does no harm
  /// The machine code of dispatch tables, ascending, with the exits whose guards' failures lead there. The table
  /// follows the code.
  struct DispatchCode {
    const uint8_t* start;
    const uint8_t* table;
    ExitAddress exit;
  };
  std::vector<DispatchCode> dispatch_codes_;
  /// The roots of the trees that rely on each assumption.
  std::map<std::pair<CodeAssumption, uint32_t>, std::vector<uint32_t>> assumptions_;
  static constexpr uint32_t kDecodedExits = 256;
  static constexpr uint32_t kExitsOfATrace = 7;  ///< spreads the exits of short traces over the slots
  static constexpr ExitAddress kNoExit = {0xffffffff, 0xffffffff};
  std::vector<Decoded> decoded_{kDecodedExits};
};

}  // namespace fble
