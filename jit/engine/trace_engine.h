// The conductor: decides what is recorded when, runs the passes, installs machine
// code, and takes over when machine code is left.
//
//   cold   -> a counter at the function's entry, at an exit, or at a call's return runs out
//   record -> the interpreter runs with the table of recording handlers (jit/record)
//   compile-> jit/opt, then jit/x64; the result is linked by Code::entry or by patching a jump
//
// Machine code of one function and all that grew from its exits and returns is a
// trace tree. Trees know next to nothing of one another: calls go through the code's entry and
// returns through call frames. So to throw a tree away, or all of them, means to reset entries and
// to rewrite return addresses in call frames (eviction.cc).
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and all of tests/lang in JIT modes.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "deopt/shadow_check.h"
#include "interp/engine_hooks.h"
#include "interp/thread.h"
#include "jit/engine/chaos.h"
#include "jit/engine/deopt_matrix.h"
#include "jit/record/recorder.h"
#include "jit/x64/assemble.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// See jit/assumptions.def.
enum class CodeAssumption : uint8_t {
#define FBLE_CODE_ASSUMPTION(Name, text, doc) k##Name,
#include "jit/assumptions.def"
#undef FBLE_CODE_ASSUMPTION
};

struct JitParams {
#define FBLE_JIT_PARAM(name, value, doc) uint32_t name = value;
#include "jit/params.def"
#undef FBLE_JIT_PARAM
};
/// Sets a parameter; false if there is none of that name.
bool set_jit_param(JitParams& params, std::string_view name, uint32_t value);

struct JitOptions {
  JitParams params;
  /// Compile at the first opportunity.
  bool eager = false;
  /// Leave machine code at every n-th guard; 0 for off.
  uint32_t deopt_every = 0;
  /// Let each guard fail once, the first time it is passed, and rehearse it before.
  bool deopt_sweep = false;
  /// Let the exit fail whenever it is reached.
  struct ExitName {
    uint32_t trace;
    uint32_t exit;
  };
  std::optional<ExitName> deopt_at;
  /// Compare each exit with the interpreter.
  bool shadow_check = false;
  /// Disturb at random (jit/engine/chaos.h); 0 for off.
  uint64_t chaos = 0;
  uint64_t chaos_fuel = UINT64_MAX;
  bool log_chaos = false;
  bool log_traces = false;  ///< a line per event to standard error
  bool dump_ir = false;
  bool dump_asm = false;
  bool dump_side_table = false;
  bool dump_bytecode = false;
};

struct JitStats {
  uint64_t traces[3] = {0, 0, 0};  ///< by TraceKind
  uint64_t aborts[static_cast<size_t>(AbortReason::kCount)] = {};
  uint64_t dispatch_nodes = 0;
  uint64_t flushes = 0;
  uint64_t evictions = 0;  ///< of trees
  uint64_t guards = 0;
  uint64_t failed_guards = 0;     ///< those that have failed once, in the run or in a rehearsal
  uint64_t rehearsed_guards = 0;  ///< those that failed in a rehearsal
  uint64_t exits_checked = 0;     ///< by JitOptions::shadow_check
  uint64_t exits_unchecked = 0;   ///< there was no room for it
  uint64_t loops_given_up = 0;    ///< compiled without the loop: some of its guards could not be rehearsed
  uint64_t exits = 0;             ///< machine code was left at a guard
  uint64_t yields = 0;            ///< ... at a yield point
  uint64_t mark_hits = 0;         ///< ... at a mark whose turn it was
  uint64_t forced = 0;            ///< frames were forced at a mark, and machine code went on
  uint64_t forced_out = 0;        ///< ... and left, as something had changed
  uint64_t cold_returns = 0;      ///< a call returned to the interpreter
  uint64_t ir_instructions = 0;
  uint64_t code_bytes = 0;
  uint64_t side_table_bytes = 0;
  uint64_t record_ns = 0;
  uint64_t optimize_ns = 0;
  uint64_t assemble_ns = 0;
};

/// What has become of a mark.
struct MarkReport {
  const Mark* mark = nullptr;
  uint64_t interpreted = 0;  ///< passes in the interpreter
  uint64_t passes = 0;       ///< ... in machine code
  uint64_t hits = 0;         ///< of these, how often it was the mark's turn
  uint64_t forced = 0;       ///< and of these, how often frames were forced
  std::string why_not;       ///< if there are no hits: the reason
};

class TraceEngine final : public EngineHooks, public CallPolicy {
 public:
  /// Attaches to the thread; detached by the destructor.
  TraceEngine(Thread& thread, const JitOptions& options);
  ~TraceEngine() override;
  TraceEngine(const TraceEngine&) = delete;
  TraceEngine& operator=(const TraceEngine&) = delete;

  /// False if the processor or the system lacks what machine code needs: then all is interpreted.
  bool usable() const { return usable_; }

  void on_hot_function(Thread& thread, Code& code) override;
  void on_step(Thread& thread) override;
  void on_run_end(Thread& thread) override;

  bool may_inline(const Code& code, size_t depth) override;
  bool may_guard_site(const uint32_t* site, const Code& code) override;
  void note_recursive(const Code& code) override;

  /// Machine code was left by the exit; called by its stub.
  void leave(Thread& thread, uint32_t exit_id);
  /// Called by machine code at a mark with the option `force`; see RuntimeEntries::force.
  const void* force(Thread& thread, uint32_t exit_id);
  /// A trace was entered; called by it with JitOptions::shadow_check.
  void entered(Thread& thread, uint32_t trace);

  const JitStats& stats() const { return stats_; }
  /// All marks of the program, in its order.
  std::vector<MarkReport> mark_reports() const;
  /// What --stats prints.
  std::string stats_text() const;

 private:
  /// What is known of a function.
  struct FunctionInfo {
    Code* code = nullptr;
    bool recursive = false;
    bool has_entry = false;
    uint32_t failures = 0;
    uint32_t paths = 0;  ///< ways through its bytecode, at most kManyPaths
    uint32_t size = 0;   ///< instructions
    /// Of a function with marks: the instruction in front of which a trace last gave up.
    Op ended_at = Op::kMark;
  };
  /// A mark of the program, and what became of the recordings that passed it.
  struct MarkState {
    const Code* code = nullptr;  ///< where it is
    uint64_t passes = 0;         ///< up to the last hit
    uint64_t hits = 0;
    uint32_t period = 0;                                ///< what its countdown was last set to
    uint32_t recordings = 0;                            ///< that passed it
    uint32_t traces = 0;                                ///< compiled ones that contain it
    AbortReason abort = AbortReason::kNothingRecorded;  ///< of the last recording that passed it and failed
    uint64_t forced = 0;
  };
  /// An ExitSite, kept small: there are many.
  struct Exit {
    uint32_t first_jump = 0;  ///< into Fragment::jumps
    uint32_t stub = 0;        ///< distance from Fragment::start
    uint16_t jump_count = 0;
    uint16_t failures = 0;
    uint32_t countdown = 0;
    IrOp guard = IrOp::kExit;
    LocationKind operand_kind = LocationKind::kNone;
    bool is_return = false;
    bool is_yield = false;
    bool linked = false;
    bool closed = false;  ///< nothing will be recorded from here
    bool failed = false;
    bool pinned = false;   ///< JitOptions::deopt_at
    bool settled = false;  ///< see ExitSite
    uint32_t flag = 0;     ///< distance from Fragment::start; 0: none
    uint32_t steps = 0;    ///< see ExitSite
    uint32_t resume = 0;   ///< distance from Fragment::start, of marks; 0: none
    int32_t operand_index = 0;
    int32_t n = 0;
    uint32_t m = 0;
    const uint8_t* dispatch = nullptr;  ///< the table of the node that the guard's failing leads to
    uint32_t continuations_seen = 0;    ///< of a call: how many had been made when it was last looked for
  };
  struct Fragment {
    uint32_t id = 0;
    TraceKind kind = TraceKind::kFunction;
    uint32_t root = 0;  ///< id of the tree's root: a function's entry or a continuation
    Code* code = nullptr;
    uint32_t extent = 0;
    uint32_t callee_base = 0;   ///< kContinuation: see Trace
    uint32_t parent_steps = 0;  ///< kBridge: Exit::steps of the exit that it starts from
    uint32_t first_exit = 0;
    uint32_t members = 0;        ///< of the tree, at its root
    uint32_t inlined_paths = 1;  ///< see Recording
    bool mixed_signs = false;    ///< see Recorder
    bool evicted = false;        ///< nothing leads here any more
    const uint8_t* start = nullptr;
    size_t code_bytes = 0;
    SideTable side_table;
    std::vector<Exit> exits;
    std::vector<uint32_t> jumps;  ///< distances from `start`
  };
  struct ExitAddress {
    uint32_t fragment;
    uint32_t exit;
  };
  using ReturnPositions = std::vector<const uint32_t*>;
  /// What a recording starts from, kept for rehearsals: the state as the interpreter has it, and
  /// of a bridge also as machine code has it.
  struct StartState {
    explicit StartState(MachineState& machine) : frame_roots(machine, frames.words), roots(machine, words) {}
    FramesState frames;
    std::vector<Location> places;               ///< registers, spill slots, frame slots
    std::vector<Word> words;                    ///< what is there
    std::vector<std::pair<int32_t, Word>> raw;  ///< words of frame headers, by slot
    RootedWords frame_roots;
    RootedWords roots;
  };
  /// A recording under way.
  struct Recording {
    Trace trace;
    std::unique_ptr<IrBuilder> builder;
    std::unique_ptr<Recorder> recorder;
    Code* function = nullptr;       ///< kFunction
    ExitAddress from{};             ///< bridges, continuations
    std::vector<ExitFrame> frames;  ///< ... their frames
    Code* forced = nullptr;         ///< its entry is the interpreter's for one instruction
    Handler forced_entry = nullptr;
    uint64_t started_ns = 0;
    std::unique_ptr<StartState> start;  ///< if there are rehearsals
    int dispatch_scratch = -1;          ///< bridges: a register for a node, see install_dispatch
    bool without_loop = false;
    /// Product of the ways through the functions inlined since the tree's root: that many
    /// traces may grow from it, each for a tiny share of the calls, if data is random.
    uint32_t inlined_paths = 1;
  };

  FunctionInfo& info(const Code& code);
  void adopt(Code& code);
  void measure(FunctionInfo& function);
  uint32_t threshold(uint32_t normal) const { return options_.eager ? 1 : normal; }
  uint32_t exit_threshold(const Exit& exit) const {
    return threshold(exit.is_return ? options_.params.hot_returns : options_.params.hot_exits);
  }
  bool can_record(Thread& thread);
  Recording& begin_recording(Thread& thread);
  void end_recording(Thread& thread, Recorder::Status status);
  void stop_recording(Thread& thread);
  void fail(Recording& recording, AbortReason reason);
  bool compile(Recording& recording);
  void add_exit(Fragment& fragment, const ExitSite& site);
  void link(const Fragment& fragment, Exit& exit, const uint8_t* target);
  int scratch_for_dispatch(const Exit& exit, const ExitEntry& entry) const;
  void link_bridge(const Recording& recording, const Fragment& parent, Exit& exit, const uint8_t* target);
  void record_from_exit(Thread& thread, ExitAddress from, const ExitEntry& entry, std::unique_ptr<StartState> start);
  void flush(Thread& thread);
  void rely_on(CodeAssumption assumption, uint32_t number, const Fragment& fragment);
  void break_assumption(Thread& thread, CodeAssumption assumption, uint32_t number);
  void evict(Thread& thread, uint32_t root);
  void forget_entry(FunctionInfo& function);
  const ExitEntry& decoded(const Fragment& fragment, ExitAddress address, uint32_t exit_id);
  bool leave_exit(Thread& thread, uint32_t exit_id);
  bool disturb(ChaosKind kind);
  bool disturb_thread(Thread& thread);
  void arrange_exit();
  void log_chaos(ChaosKind kind, const std::string& detail);
  int choose_spill(uint32_t occupied);
  // rehearsal.cc
  bool rehearses() const { return options_.deopt_sweep; }
  void shadow_check(Thread& thread, ExitAddress address, const Exit& exit);
  bool uses_flags(uint32_t trace) const {
    return rehearses() || options_.shadow_check || (options_.deopt_at && options_.deopt_at->trace == trace);
  }
  std::unique_ptr<StartState> note_exit_state(Thread& thread, const ExitEntry& entry);
  bool rehearse(Recording& recording, Fragment& fragment);
  bool rehearse_exit(Recording& recording, Fragment& fragment, uint32_t index, Rehearsal& rehearsal);
  void leave_rehearsal(Thread& thread, uint32_t exit_id);
  bool flag_is_set(const Fragment& fragment, const Exit& exit) const;
  void set_flag(const Fragment& fragment, const Exit& exit, bool set);
  void note_failure(Exit& exit);
  void find_marks();
  void note_marks(const Recording& recording, std::optional<AbortReason> abort);
  const char* reason_to_leave(const Exit& exit) const;
  void hit_mark(Thread& thread, uint32_t mark);
  bool show_frames(Thread& thread, uint32_t mark);
  std::string why_not_hit(uint32_t mark) const;
  std::string mark_name(uint32_t mark) const;
  std::string explain_marks(const Trace& trace) const;
  void log(const char* event, const Recording& recording, const std::string& detail);

  Thread& thread_;
  JitOptions options_;
  bool usable_ = false;
  CodeCache cache_;
  size_t cache_start_ = 0;
  RuntimeEntries runtime_;
  std::vector<FunctionInfo> functions_;
  std::vector<std::unique_ptr<Fragment>> fragments_;
  std::vector<ExitAddress> exits_;
  std::unordered_map<const uint32_t*, std::vector<const Code*>> sites_;
  /// Machine code by the return positions of its frames: at a return all is in
  /// memory, so every call that returns there goes on with the same code.
  std::map<ReturnPositions, const uint8_t*> continuations_;
  uint32_t continuations_made_ = 0;
  /// Roots of the trees that rely on each.
  std::map<std::pair<CodeAssumption, uint32_t>, std::vector<uint32_t>> assumptions_;
  std::unique_ptr<Recording> recording_;
  std::optional<Chaos> chaos_;
  std::unique_ptr<DeoptMatrix> matrix_;  ///< for tests; null if nobody asks for it
  /// Entries decoded of late, by exit id: an exit that is taken often is so until it has a bridge.
  struct Decoded {
    uint32_t exit_id = 0xffffffff;
    ExitEntry entry;
  };
  static constexpr uint32_t kDecodedExits = 256;
  std::vector<Decoded> decoded_{kDecodedExits};
  /// With JitOptions::shadow_check: the state at the entry of the trace that runs, or of the one
  /// whose bridge does, and the instructions from there to the bridge.
  std::unique_ptr<StartState> shadow_start_;
  uint32_t shadow_steps_ = 0;
  /// The fragment that is rehearsed, and the exit that was taken.
  struct Rehearsed {
    const Fragment* fragment = nullptr;
    ExitEntry entry;
    uint32_t exit = 0;
    bool left = false;  ///< the frames are rebuilt
  } rehearsed_;
  std::vector<MarkState> marks_;           ///< by number, as in ProgramCode::marks
  std::vector<uint32_t> mark_countdowns_;  ///< passes to go; machine code counts them down
  std::vector<uint8_t> forcing_marks_;     ///< whether the mark has the option `force`
  JitStats stats_;
};

}  // namespace fble
