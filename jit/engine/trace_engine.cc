#include "jit/engine/trace_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "deopt/exit.h"
#include "deopt/force.h"
#include "deopt/side_table_text.h"
#include "gc/clock.h"
#include "gc/log.h"
#include "interp/bytecode_text.h"
#include "interp/interpreter.h"
#include "interp/native_stack.h"
#include "interp/observer.h"
#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "jit/x64/cpu.h"
#include "jit/x64/perf_map.h"

namespace fble {

namespace {

constexpr uint32_t kManyPaths = 1000;
constexpr uint32_t kMarkWord = static_cast<uint32_t>(Op::kMark);
/// Of forced frames, so many are looked at.
constexpr size_t kFramesChecked = 128;
/// Frames that are looked at for another activation of a function.
constexpr int kRecursionDepth = 32;

void leave_trace(Thread* thread, uint32_t exit_id) {
  static_cast<TraceEngine*>(thread->machine.engine)->leave(*thread, exit_id);
}

const void* force_trace(Thread* thread, uint32_t exit_id) {
  return static_cast<TraceEngine*>(thread->machine.engine)->force(*thread, exit_id);
}

void trace_entered(Thread* thread, uint32_t trace) {
  static_cast<TraceEngine*>(thread->machine.engine)->entered(*thread, trace);
}

/// The code's place in its source, for logs.
std::string place_of(const Code& code, const uint32_t* pc) {
  const Loc loc = pc == nullptr ? code.loc : code.loc_at(static_cast<uint32_t>(pc - code.start));
  return fmt::format("{} {}:{}", code.block.str(), loc.line, loc.column);
}

const char* kind_text(TraceKind kind) {
  switch (kind) {
    case TraceKind::kFunction: return "function";
    case TraceKind::kBridge: return "bridge";
    case TraceKind::kContinuation: return "continuation";
  }
  return "?";
}

/// The code of all frames that the trace passes through, once each.
std::string bytecode_text(const Trace& trace) {
  std::string text;
  std::vector<const Code*> seen;
  for (const Snapshot& snapshot : trace.snapshots) {
    for (const SnapshotFrame& frame : snapshot.frames) {
      if (std::find(seen.begin(), seen.end(), frame.code) != seen.end()) continue;
      seen.push_back(frame.code);
      text += fmt::format("; {}\n", place_of(*frame.code, nullptr));
      for (uint32_t at = 0; at < frame.code->words.size(); at += instruction_length(&frame.code->words[at])) {
        text += fmt::format(";   {:4} {}\n", at, print_instruction(*frame.code, at));
      }
    }
  }
  return text;
}

template <typename Frames>
std::vector<const uint32_t*> return_positions(const Frames& frames) {
  std::vector<const uint32_t*> positions;
  for (const auto& frame : frames) positions.push_back(frame.pc);
  return positions;
}

/// Ends the run: C++ has raised an error.
void stop_run(Thread& thread) {
  thread.pc = stop_position();
  thread.fp = stop_frame();
}

}  // namespace

bool set_jit_param(JitParams& params, std::string_view name, uint32_t value) {
#define FBLE_JIT_PARAM(row, default_value, doc) \
  if (name == #row) {                           \
    params.row = value;                         \
    return true;                                \
  }
#include "jit/params.def"
#undef FBLE_JIT_PARAM
  return false;
}

// ---- attaching --------------------------------------------------------------

TraceEngine::TraceEngine(Thread& thread, const JitOptions& options)
    : thread_(thread), options_(options), cache_(size_t{options.params.code_kbytes} * 1024) {
  usable_ = missing_cpu_extensions().empty() && cache_.usable() && thread.machine.profile == nullptr;
  if (!usable_) return;
  runtime_.checked_entry = checked_entry();
  runtime_.leave = leave_trace;
  runtime_.entered = trace_entered;
  runtime_.force = force_trace;
  if (options_.shadow_check) shadow_start_ = std::make_unique<StartState>(thread.machine);
  thread.machine.engine = this;
  thread.exit_fuel = options_.deopt_every;
  if (options_.chaos != 0) {
    chaos_.emplace(options_.chaos, options_.chaos_fuel);
    arrange_exit();
  }
  for (Code& code : thread.machine.program.codes) adopt(code);
  const IoFunctions io = io_functions();
  for (Word function : {io.return_function, io.do_function, io.run_function}) adopt(*closure_code(as_object(function)));
  cache_start_ = cache_.used();
  matrix_ = DeoptMatrix::if_wanted();
  find_marks();
}

TraceEngine::~TraceEngine() {
  if (!usable_) return;
  on_run_end(thread_);
  thread_.machine.engine = nullptr;
  for (FunctionInfo& function : functions_) {
    function.code->engine_index = 0;
    function.code->entry = handler_of(static_cast<Op>(function.code->words[0]));
    function.code->native_entry = reinterpret_cast<const void*>(&leave_by_call);
  }
}

void TraceEngine::adopt(Code& code) {
  functions_.push_back({.code = &code});
  code.engine_index = static_cast<uint32_t>(functions_.size());
  code.hotness = threshold(options_.params.hot_calls);
  code.entry = counted_entry();
}

TraceEngine::FunctionInfo& TraceEngine::info(const Code& code) { return functions_[code.engine_index - 1]; }

// ---- policy -----------------------------------------------------------------

/// Jumps go forward only, so one pass from the end counts the ways.
void TraceEngine::measure(FunctionInfo& function) {
  const Code& code = *function.code;
  std::vector<uint32_t> starts;
  for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) starts.push_back(at);
  std::vector<uint32_t> paths(code.words.size() + 1, 1);
  for (auto start = starts.rbegin(); start != starts.rend(); ++start) {
    const uint32_t* words = &code.words[*start];
    uint32_t count = 0;
    if (static_cast<Op>(*words) == Op::kJump) {
      count = paths[*start + words[1]];
    } else if (std::span<const uint32_t> jumps = select_jumps(words); !jumps.empty()) {
      std::vector<uint32_t> targets(jumps.begin(), jumps.end());
      std::sort(targets.begin(), targets.end());
      targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
      for (uint32_t target : targets) count += paths[*start + target];
    } else if (static_cast<Op>(*words) == Op::kChoose) {
      // In machine code it is a guard for each outcome.
      std::vector<uint32_t> outcomes(words + 5, words + 5 + words[4]);
      std::sort(outcomes.begin(), outcomes.end());
      outcomes.erase(std::unique(outcomes.begin(), outcomes.end()), outcomes.end());
      const uint64_t ways = uint64_t{outcomes.size()} * paths[*start + instruction_length(words)];
      count = static_cast<uint32_t>(std::min<uint64_t>(ways, kManyPaths));
    } else if (op_ends_activation(static_cast<Op>(*words))) {
      count = 1;
    } else {
      count = paths[*start + instruction_length(words)];
    }
    paths[*start] = std::min(count, kManyPaths);
  }
  function.paths = paths[0];
  // A mark shall not change what is inlined.
  const auto marks = std::ranges::count_if(starts, [&](uint32_t at) { return code.words[at] == kMarkWord; });
  function.size = static_cast<uint32_t>(starts.size() - static_cast<size_t>(marks));
}

bool TraceEngine::may_inline(const Code& code, size_t depth) {
  static_cast<void>(depth);
  if (code.engine_index == 0) return code.is_glue;
  if (code.is_glue) return true;
  FunctionInfo& function = info(code);
  if (function.recursive) return false;
  if (function.paths == 0) measure(function);
  if (function.paths > options_.params.inline_paths || function.size > options_.params.inline_size) return false;
  if (function.paths == 1) return true;
  uint32_t& product = recording_->inlined_paths;
  if (product * function.paths > options_.params.inline_product) return false;
  product *= function.paths;
  return true;
}

bool TraceEngine::may_guard_site(const uint32_t* site, const Code& code) {
  std::vector<const Code*>& seen = sites_[site];
  if (std::find(seen.begin(), seen.end(), &code) != seen.end()) return true;
  if (seen.size() >= options_.params.site_functions) return false;
  seen.push_back(&code);
  return true;
}

void TraceEngine::note_recursive(const Code& code) {
  if (code.engine_index != 0) info(code).recursive = true;
}

// ---- recording --------------------------------------------------------------

bool TraceEngine::can_record(Thread& thread) { return recording_ == nullptr && !thread.current->groups.any_open(); }

TraceEngine::Recording& TraceEngine::begin_recording(Thread& thread) {
  recording_ = std::make_unique<Recording>();
  Recording& recording = *recording_;
  recording.trace.id = static_cast<uint32_t>(fragments_.size());
  recording.builder = make_builder(recording.trace);
  RecorderLimits limits{options_.params.max_instructions, options_.params.max_snapshots, options_.params.max_depth};
  if (disturb(ChaosKind::kCut)) limits = {1 + chaos_->below(40), 1 + chaos_->below(8), 1 + chaos_->below(4)};
  recording.recorder = std::make_unique<Recorder>(thread, *recording.builder, *this, limits);
  recording.started_ns = now_ns();
  thread.table = &recording_handlers();
  return recording;
}

void TraceEngine::on_hot_function(Thread& thread, Code& code) {
  code.hotness = threshold(options_.params.hot_calls);
  if (!can_record(thread)) return;
  if (chaos_ && !disturb_thread(thread)) return stop_run(thread);
  // The values of globals become constants: they must be where they stay.
  if (!thread.machine.globals.dirty.empty() && !thread.make_room(0)) return stop_run(thread);
  FunctionInfo& function = info(code);
  const Word* frame = thread.fp;
  for (int i = 0; i < kRecursionDepth && !function.recursive && return_position(frame) != nullptr; ++i) {
    frame = caller_of(frame);
    function.recursive = &code_of_frame(frame) == &code;
  }
  Recording& recording = begin_recording(thread);
  recording.function = &code;
  if (rehearses()) {
    recording.start = std::make_unique<StartState>(thread.machine);
    recording.start->frames = take_frames(thread, thread.fp);
  }
  recording.recorder->start_function(code);
}

void TraceEngine::record_from_exit(Thread& thread, ExitAddress from, const ExitEntry& entry,
                                   std::unique_ptr<StartState> start_state) {
  const Fragment& fragment = *fragments_[from.fragment];
  const Exit& exit = fragment.exits[from.exit];
  Recording& recording = begin_recording(thread);
  recording.from = from;
  recording.trace.parent = from.fragment;
  recording.trace.parent_exit = from.exit;
  const Fragment& root = *fragments_[fragment.root];
  recording.frames = entry.frames;
  if (rehearses()) {
    recording.start = start_state != nullptr ? std::move(start_state) : std::make_unique<StartState>(thread.machine);
    recording.start->frames = take_frames(thread, thread.fp - entry.frames.back().base);
  }
  BridgeStart start;
  start.root_extent = root.extent;
  start.root_code = root.code;
  start.mixed_signs = fragment.mixed_signs;
  if (exit.is_return) {
    recording.recorder->start_continuation(entry, start);
  } else {
    recording.inlined_paths = fragment.inlined_paths;
    // Guards that are made to fail say nothing about the values.
    const bool may_be_forced = options_.deopt_every != 0 || chaos_;
    start.guard = may_be_forced ? IrOp::kExit : exit.guard;
    start.operand = {may_be_forced ? LocationKind::kNone : exit.operand_kind, exit.operand_index, 0};
    start.n = exit.n;
    start.m = exit.m;
    recording.dispatch_scratch = scratch_for_dispatch(exit, entry);
    start.may_dispatch = recording.dispatch_scratch >= 0 && !may_be_forced;
    recording.recorder->start_bridge(entry, start);
  }
}

void TraceEngine::on_step(Thread& thread) {
  Recording& recording = *recording_;
  if (recording.forced != nullptr) {
    recording.forced->entry = recording.forced_entry;
    recording.forced = nullptr;
  }
  if (disturb(ChaosKind::kAbort)) {
    fail(recording, AbortReason::kChaos);
    return stop_recording(thread);
  }
  const Recorder::Status status = recording.recorder->step();
  if (status != Recorder::Status::kRecording) return end_recording(thread, status);
  if (Code* entered = recording.recorder->entered(); entered != nullptr) {
    recording.forced = entered;
    recording.forced_entry = entered->entry;
    entered->entry = entry_by_table();
  }
}

void TraceEngine::stop_recording(Thread& thread) {
  if (recording_->forced != nullptr) recording_->forced->entry = recording_->forced_entry;
  thread.table = &plain_handlers();
  recording_ = nullptr;
}

void TraceEngine::on_run_end(Thread& thread) {
  if (matrix_ != nullptr) matrix_->note_end(thread);
  if (recording_ == nullptr) return;
  ++stats_.aborts[static_cast<size_t>(AbortReason::kRunEnded)];
  note_marks(*recording_, AbortReason::kRunEnded);
  stop_recording(thread);
}

void TraceEngine::end_recording(Thread& thread, Recorder::Status status) {
  Recording& recording = *recording_;
  stats_.record_ns += now_ns() - recording.started_ns;
  bool full = false;
  if (status == Recorder::Status::kAborted) {
    fail(recording, recording.recorder->abort_reason());
  } else {
    full = !compile(recording);
  }
  stop_recording(thread);
  if (full || fragments_.size() >= options_.params.max_traces) flush(thread);
}

/// Backs off: after some failures the place is left to the interpreter.
void TraceEngine::fail(Recording& recording, AbortReason reason) {
  ++stats_.aborts[static_cast<size_t>(reason)];
  note_marks(recording, reason);
  if (options_.log_traces) log("abort", recording, abort_reason_text(reason));
  if (recording.function != nullptr) {
    FunctionInfo& function = info(*recording.function);
    ++function.failures;
    recording.function->hotness = threshold(options_.params.hot_calls) << function.failures;
    if (function.failures >= options_.params.max_attempts) recording.function->entry = checked_entry();
    return;
  }
  Exit& exit = fragments_[recording.from.fragment]->exits[recording.from.exit];
  ++exit.failures;
  exit.countdown = exit_threshold(exit) << exit.failures;
  exit.closed = exit.failures >= options_.params.max_attempts;
}

// ---- compiling --------------------------------------------------------------

/// From the recorded trace to linked machine code. False when the code cache is full.
bool TraceEngine::compile(Recording& recording) {
  Trace& trace = recording.trace;
  const uint64_t start_ns = now_ns();
  std::optional<Trace> recorded;
  if (rehearses()) recorded = trace;
  const size_t cache_used = cache_.used();
  if (trace.ins.back().op == IrOp::kTailCall && disturb(ChaosKind::kNoLoop)) recording.without_loop = true;
  recording.without_loop ? optimize_without_loop(trace) : optimize(trace);
  const uint64_t optimized_ns = now_ns();
  stats_.optimize_ns += optimized_ns - start_ns;
#ifndef NDEBUG
  FBLE_ASSERT(verify_trace(trace).empty());
#endif
  if (options_.dump_bytecode) log_print("{}{}", explain_marks(trace), bytecode_text(trace));
  if (options_.dump_ir) log_print("{}{}", explain_marks(trace), to_text(trace));

  AssembleOptions assembling;
  assembling.first_exit_id = static_cast<uint32_t>(exits_.size());
  assembling.count_guards = options_.deopt_every != 0 || chaos_;
  if (chaos_) assembling.spill = [this](uint32_t occupied) { return choose_spill(occupied); };
  assembling.mark_countdowns = mark_countdowns_.data();
  assembling.forcing_marks = forcing_marks_.data();
  assembling.keep_origins = options_.dump_asm;
  assembling.exit_flags = uses_flags(trace.id);
  assembling.note_entry = options_.shadow_check;
  AssembledTrace assembled = assemble(trace, cache_, runtime_, assembling);
  stats_.assemble_ns += now_ns() - optimized_ns;
  if (assembled.failure) {
    fail(recording, *assembled.failure);
    return assembled.failure != AbortReason::kCodeCacheFull;
  }
  if (perf_map_wanted()) {
    perf_map_add(assembled.start, assembled.code_bytes, fmt::format("trace {} {}", trace.id, trace.code->block.str()));
  }
  if (options_.dump_asm) {
    log_print("{}{}", explain_marks(trace),
              disassemble(assembled.start, assembled.code_bytes, &trace, assembled.origins));
  }
  if (options_.dump_side_table) {
    std::vector<Code*> codes;
    for (const FunctionInfo& function : functions_) codes.push_back(function.code);
    for (size_t i = 0; i < assembled.exits.size(); ++i) {
      const ExitSite& site = assembled.exits[i];
      if (site.guard == IrOp::kMark) log_print("; exit {}: {}\n", i, mark_name(static_cast<uint32_t>(site.n)));
    }
    log_print("{}", print_side_table(assembled.side_table, codes));
  }

  auto fragment = std::make_unique<Fragment>();
  fragment->id = trace.id;
  fragment->kind = trace.kind;
  fragment->root = trace.kind != TraceKind::kBridge ? trace.id : fragments_[recording.from.fragment]->root;
  fragment->code = trace.code;
  fragment->extent = trace.extent;
  fragment->callee_base = trace.callee_base;
  if (trace.kind == TraceKind::kBridge) {
    fragment->parent_steps = fragments_[recording.from.fragment]->exits[recording.from.exit].steps;
  }
  fragment->inlined_paths = recording.inlined_paths;
  fragment->mixed_signs = recording.recorder->mixed_signs();
  fragment->first_exit = assembling.first_exit_id;
  fragment->start = assembled.start;
  fragment->code_bytes = assembled.code_bytes;
  fragment->side_table = std::move(assembled.side_table);
  fragment->exits.reserve(assembled.exits.size());
  for (const ExitSite& site : assembled.exits) add_exit(*fragment, site);
  fragment->jumps.shrink_to_fit();
  if (rehearses() && !rehearse(recording, *fragment) && !recording.without_loop) {
    // Guards in a loop whose turns so far did not all take one way. As a trace without loop they
    // are on the way that was taken.
    ++stats_.loops_given_up;
    for (const Exit& exit : fragment->exits) {
      stats_.guards -= exit.is_return ? 0 : 1;
      stats_.failed_guards -= exit.failed ? 1 : 0;
      stats_.rehearsed_guards -= exit.failed ? 1 : 0;
    }
    exits_.resize(assembling.first_exit_id);
    cache_.rewind(cache_used);
    trace = std::move(*recorded);
    recording.without_loop = true;
    return compile(recording);
  }
  const IrIns& last = trace.ins.back();
  if (last.op == IrOp::kCall) {
    const auto known = continuations_.find(return_positions(trace.snapshots[last.snapshot].frames));
    if (known != continuations_.end() && !fragment->exits.back().pinned) {
      link(*fragment, fragment->exits.back(), known->second);
    }
  }
  ++stats_.traces[static_cast<size_t>(trace.kind)];
  stats_.ir_instructions += trace.ins.size();
  stats_.code_bytes += assembled.code_bytes;
  stats_.side_table_bytes += fragment->side_table.byte_size();
  if (recording.function != nullptr) {
    recording.function->entry = reinterpret_cast<Handler>(const_cast<uint8_t*>(fragment->start));
    recording.function->native_entry = fragment->start;
    info(*recording.function).has_entry = true;
  } else {
    Fragment& parent = *fragments_[recording.from.fragment];
    link_bridge(recording, parent, parent.exits[recording.from.exit], fragment->start);
    if (trace.kind == TraceKind::kContinuation) {
      continuations_[return_positions(recording.frames)] = fragment->start;
      ++continuations_made_;
    } else {
      ++fragments_[fragment->root]->members;
    }
  }
  note_marks(recording, std::nullopt);
  if (options_.log_traces) {
    log("compiled", recording,
        fmt::format("-> {}, {} IR instructions, {} exits, {} bytes", trace_link_text(recording.recorder->link()),
                    trace.ins.size(), fragment->exits.size(), assembled.code_bytes));
  }
  for (const IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kMark || !thread_.machine.program.marks[static_cast<size_t>(ins.n)].options.invalidate)
      continue;
    rely_on(CodeAssumption::kMarkIsNotHit, static_cast<uint32_t>(ins.n), *fragment);
  }
  fragments_.push_back(std::move(fragment));
  return true;
}

void TraceEngine::add_exit(Fragment& fragment, const ExitSite& site) {
  const uint32_t index = static_cast<uint32_t>(fragment.exits.size());
  exits_.push_back({fragment.id, index});
  Exit& exit = fragment.exits.emplace_back();
  exit.first_jump = static_cast<uint32_t>(fragment.jumps.size());
  exit.jump_count = static_cast<uint16_t>(site.jumps.size());
  for (const uint8_t* jump : site.jumps) fragment.jumps.push_back(static_cast<uint32_t>(jump - fragment.start));
  exit.stub = static_cast<uint32_t>(site.stub - fragment.start);
  exit.guard = site.guard;
  exit.operand_kind = site.operand.kind;
  exit.operand_index = site.operand.index;
  exit.is_return = site.is_return;
  exit.countdown = exit_threshold(exit);
  exit.is_yield = exit.closed = site.is_yield;
  exit.n = site.n;
  exit.m = site.m;
  exit.settled = site.settled;
  exit.steps = site.steps;
  if (site.resume != nullptr) exit.resume = static_cast<uint32_t>(site.resume - fragment.start);
  if (site.flag != nullptr) exit.flag = static_cast<uint32_t>(site.flag - fragment.start);
  exit.pinned = options_.deopt_at && options_.deopt_at->trace == fragment.id && options_.deopt_at->exit == index;
  // A loop that is checked has two turns: how many there were is not known at its exits.
  if (options_.shadow_check && exit.guard == IrOp::kLoopBack) exit.pinned = true;
  // What a settled exit says would not be true.
  if (exit.flag != 0 && !exit.settled && (options_.deopt_sweep || exit.pinned)) set_flag(fragment, exit, true);
  if (!site.is_return) ++stats_.guards;
}

void TraceEngine::link(const Fragment& fragment, Exit& exit, const uint8_t* target) {
  ExitSite site;
  site.is_return = exit.is_return;
  for (uint32_t i = 0; i < exit.jump_count; ++i)
    site.jumps.push_back(fragment.start + fragment.jumps[exit.first_jump + i]);
  link_exit(cache_, site, target);
  exit.linked = true;
}

/// A free register, if the exit is of a guard on one of many tags that a node may lead on from; else -1.
int TraceEngine::scratch_for_dispatch(const Exit& exit, const ExitEntry& entry) const {
  constexpr uint32_t kLeastWidth = 3;
  constexpr uint32_t kMostWidth = 8;
  const bool on_tag = exit.guard == IrOp::kTagIs || exit.guard == IrOp::kTagFrom;
  if (!on_tag || exit.m < kLeastWidth || exit.m > kMostWidth) return -1;
  return exit.operand_kind == LocationKind::kRegister ? free_register(entry, exit.operand_index) : -1;
}

void TraceEngine::link_bridge(const Recording& recording, const Fragment& parent, Exit& exit, const uint8_t* target) {
  const Recorder::Tags tags = recording.recorder->tags();
  if (tags.first == tags.end) return link(parent, exit, target);
  if (exit.dispatch == nullptr) {
    const DispatchNode node =
        install_dispatch(cache_, exit.operand_index, recording.dispatch_scratch, exit.m, parent.start + exit.stub);
    // Nobody looks at the tag then: the bridge stays unused.
    if (node.start == nullptr) {
      exit.closed = true;
      return;
    }
    link(parent, exit, node.start);
    // Other tags still come by the stub, and may get bridges.
    exit.linked = false;
    exit.dispatch = node.table;
    ++stats_.dispatch_nodes;
  }
  for (uint32_t tag = tags.first; tag < tags.end; ++tag) set_dispatch_target(cache_, exit.dispatch, tag, target);
}

// ---- leaving ----------------------------------------------------------------

const ExitEntry& TraceEngine::decoded(const Fragment& fragment, ExitAddress address, uint32_t exit_id) {
  Decoded& slot = decoded_[exit_id % kDecodedExits];
  if (slot.exit_id != exit_id) {
    slot.exit_id = exit_id;
    decode_exit(fragment.side_table, address.exit, slot.entry);
  }
  return slot.entry;
}

void TraceEngine::leave(Thread& thread, uint32_t exit_id) {
  if (rehearsed_.fragment != nullptr) return leave_rehearsal(thread, exit_id);
  if (!leave_exit(thread, exit_id) || (chaos_ && !disturb_thread(thread))) stop_run(thread);
}

/// False if the run has to stop.
bool TraceEngine::leave_exit(Thread& thread, uint32_t exit_id) {
  const ExitAddress address = exits_[exit_id];
  Fragment& fragment = *fragments_[address.fragment];
  Exit& exit = fragment.exits[address.exit];
  if (options_.deopt_every != 0 && thread.exit_fuel == 0) thread.exit_fuel = options_.deopt_every;
  if (chaos_ && thread.exit_fuel == 0) {
    if (chaos_->spend(ChaosKind::kExit)) {
      log_chaos(ChaosKind::kExit,
                fmt::format(" {}/{} {}", address.fragment, address.exit, ir_op_info(exit.guard).name));
    }
    arrange_exit();
  }
  const ExitEntry& entry = decoded(fragment, address, exit_id);
  const bool forced = flag_is_set(fragment, exit);
  if (forced && !exit.pinned) set_flag(fragment, exit, false);
  note_failure(exit);
  if (matrix_ != nullptr) matrix_->note(entry, reason_to_leave(exit));
  std::unique_ptr<StartState> start_state;
  if (rehearses() && exit.countdown <= 1 && !exit.is_return) start_state = note_exit_state(thread, entry);
  if (!leave_at(thread, entry)) return false;
  if (matrix_ != nullptr) matrix_->note_taken(thread);
  if (options_.shadow_check && !exit.is_return) shadow_check(thread, address, exit);
  if (exit.guard == IrOp::kMark) {
    ++(mark_countdowns_[static_cast<uint32_t>(exit.n)] != 0 ? stats_.yields : stats_.mark_hits);
    hit_mark(thread, static_cast<uint32_t>(exit.n));
    return true;
  }
  if (exit.is_return) {
    ++stats_.cold_returns;
  } else if (exit.is_yield) {
    ++stats_.yields;
  } else {
    ++stats_.exits;
  }
  // Of a guard that was made to fail nothing is known for a bridge.
  if (exit.closed || exit.linked || forced || exit.pinned) return true;
  if (exit.is_return && exit.continuations_seen != continuations_made_) {
    exit.continuations_seen = continuations_made_;
    const auto known = continuations_.find(return_positions(entry.frames));
    if (known != continuations_.end()) {
      link(fragment, exit, known->second);
      return true;
    }
  }
  if (--exit.countdown > 0) return true;
  if (fragments_[fragment.root]->members >= options_.params.max_bridges) {
    exit.closed = true;
    return true;
  }
  exit.countdown = exit_threshold(exit);
  if (!can_record(thread) || disturb(ChaosKind::kCold)) return true;
  record_from_exit(thread, address, entry, std::move(start_state));
  return true;
}

// ---- chaos ------------------------------------------------------------------

bool TraceEngine::disturb(ChaosKind kind) {
  if (!chaos_ || !chaos_->decide(kind)) return false;
  log_chaos(kind, "");
  return true;
}

void TraceEngine::log_chaos(ChaosKind kind, const std::string& detail) {
  if (options_.log_chaos) log_print("[chaos {}: {}{}]\n", chaos_->count(), chaos_kind_text(kind), detail);
}

/// Draws the distance to the next guard that is made to fail.
void TraceEngine::arrange_exit() {
  constexpr uint32_t kRanges[] = {3, 20, 150, 2000};
  thread_.exit_fuel = UINT32_MAX;
  if (chaos_->has_fuel()) thread_.exit_fuel = 1 + chaos_->below(kRanges[chaos_->below(std::size(kRanges))]);
}

int TraceEngine::choose_spill(uint32_t occupied) {
  if (!disturb(ChaosKind::kSpill)) return -1;
  uint32_t skip = chaos_->below(static_cast<uint32_t>(std::popcount(occupied)));
  for (; skip > 0; --skip) occupied &= occupied - 1;
  return std::countr_zero(occupied);
}

/// Where the interpreter's state is whole. False if the run has to stop.
bool TraceEngine::disturb_thread(Thread& thread) {
  if (recording_ == nullptr && disturb(ChaosKind::kFlush)) flush(thread);
  // A collection that looks at much is to be rare: runs are to end.
  constexpr size_t kUsualBytes = 32 * 1024;
  const size_t bytes = thread.machine.heap.old_bytes() + thread.stack_bytes();
  if (bytes < kUsualBytes || chaos_->below(static_cast<uint32_t>(bytes / kUsualBytes)) == 0) {
    if (disturb(ChaosKind::kCollectAll)) {
      thread.collect_all();
    }
    if (disturb(ChaosKind::kCollect) && !thread.make_room(0)) return false;
  }
  // Nobody has asked for anything: whoever looks up finds nothing to do.
  if (disturb(ChaosKind::kAttend)) thread.alloc_limit = thread.stack_limit = thread.machine_stack_limit = nullptr;
  return true;
}

// ---- marks ------------------------------------------------------------------

void TraceEngine::find_marks() {
  const std::vector<Mark>& marks = thread_.machine.program.marks;
  marks_.resize(marks.size());
  mark_countdowns_.resize(marks.size());
  for (size_t i = 0; i < marks.size(); ++i) {
    marks_[i].period = marks[i].options.after + marks[i].options.every;
    mark_countdowns_[i] = marks_[i].period;
    forcing_marks_.push_back(marks[i].options.force ? 1 : 0);
  }
  if (marks.empty()) return;
  for (const Code& code : thread_.machine.program.codes) {
    for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
      if (code.words[at] == kMarkWord) marks_[code.words[at + 1]].code = &code;
    }
  }
}

/// A recording has ended: compiled, or given up.
void TraceEngine::note_marks(const Recording& recording, std::optional<AbortReason> abort) {
  if (marks_.empty()) return;
  const Trace& trace = recording.trace;
  std::vector<uint32_t> passed;
  for (const IrIns& ins : trace.ins) {
    const uint32_t mark = static_cast<uint32_t>(ins.n);
    // The body of a loop repeats what the way to it has passed.
    if (ins.op != IrOp::kMark || std::ranges::find(passed, mark) != passed.end()) continue;
    passed.push_back(mark);
    ++marks_[mark].recordings;
    if (abort) {
      marks_[mark].abort = *abort;
    } else {
      ++marks_[mark].traces;
    }
  }
  if (abort || trace.ins.back().op != IrOp::kExit) return;
  const SnapshotFrame& frame = trace.snapshots[trace.ins.back().snapshot].frames.back();
  if (frame.code->engine_index != 0) info(*frame.code).ended_at = static_cast<Op>(*frame.pc);
}

/// As jit/engine/deopt_matrix.h has it.
const char* TraceEngine::reason_to_leave(const Exit& exit) const {
  if (exit.guard != IrOp::kMark || mark_countdowns_[static_cast<uint32_t>(exit.n)] != 0)
    return ir_op_info(exit.guard).name;
  const MarkOptions& options = thread_.machine.program.marks[static_cast<uint32_t>(exit.n)].options;
  return options.invalidate ? "invalidate" : "mark";
}

/// Machine code was left at a mark, and all is as the interpreter wants it.
void TraceEngine::hit_mark(Thread& thread, uint32_t number) {
  if (mark_countdowns_[number] != 0) {
    // --deopt-every has made it fail.
    return;
  }
  const MarkOptions& options = thread.machine.program.marks[number].options;
  MarkState& mark = marks_[number];
  mark.passes += mark.period;
  mark.period = options.every;
  mark_countdowns_[number] = mark.period;
  ++mark.hits;
  if (options.gc) {
    thread.collect_all();
  }
  if (options.invalidate) {
    if (recording_ != nullptr) {
      ++stats_.aborts[static_cast<size_t>(AbortReason::kFlushed)];
      note_marks(*recording_, AbortReason::kFlushed);
      stop_recording(thread);
    }
    break_assumption(thread, CodeAssumption::kMarkIsNotHit, number);
  }
  if (options.yield) thread.request(Attention::kYield);
}

/// Lets whoever watches look at the frames, which are the interpreter's. True if something has changed.
bool TraceEngine::show_frames(Thread& thread, uint32_t number) {
  const std::string problem = frames_problem(thread.pc, thread.fp, kFramesChecked);
  if (!problem.empty()) {
    log_print("{}: {}\n", mark_name(number), problem);
    FBLE_BUG("forced frames are not as the interpreter wants them");
  }
  return thread.machine.observer != nullptr &&
         thread.machine.observer->look(thread, thread.machine.program.marks[number]);
}

const void* TraceEngine::force(Thread& thread, uint32_t exit_id) {
  const ExitAddress address = exits_[exit_id];
  Fragment& fragment = *fragments_[address.fragment];
  Exit& exit = fragment.exits[address.exit];
  const uint32_t number = static_cast<uint32_t>(exit.n);
  const ExitEntry& entry = decoded(fragment, address, exit_id);
  if (rehearsed_.fragment != nullptr || !ForcedFrames::possible(thread, entry)) {
    leave(thread, exit_id);
    return nullptr;
  }
  note_failure(exit);
  if (matrix_ != nullptr) matrix_->note(entry, "force");
  const void* resume = fragment.start + exit.resume;
  const MarkOptions& options = thread.machine.program.marks[number].options;
  const uint64_t collections = thread.machine.heap.stats().minor_collections;
  ForcedFrames forced(thread, entry);
  if (options_.shadow_check) shadow_check(thread, address, exit);
  bool is_changed = show_frames(thread, number);
  ++marks_[number].forced;
  hit_mark(thread, number);
  is_changed |=
      options.gc || options.invalidate || options.yield || thread.machine.heap.stats().minor_collections != collections;
  if (!is_changed) {
    ++stats_.forced;
    forced.take_back();
    return resume;
  }
  // Guard not forced. The mark has been passed: the interpreter goes on behind it. Or from the start of the
  // group of recursive values that it is in: of these there is nothing before their definition.
  ++stats_.forced_out;
  if (*thread.pc == kMarkWord) thread.pc += instruction_length(thread.pc);
  if (chaos_ && !disturb_thread(thread)) stop_run(thread);
  return nullptr;
}

std::string TraceEngine::mark_name(uint32_t number) const {
  const Mark& mark = thread_.machine.program.marks[number];
  return fmt::format("mark {}, deopt-here!{} at {}:{}:{}", number, mark_options_text(mark.options), mark.loc.file.str(),
                     mark.loc.line, mark.loc.column);
}

/// For dumps: a line of comment for each mark in the trace.
std::string TraceEngine::explain_marks(const Trace& trace) const {
  std::string text;
  std::vector<int32_t> seen;
  for (const IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kMark || std::ranges::find(seen, ins.n) != seen.end()) continue;
    seen.push_back(ins.n);
    text += fmt::format("; {}\n", mark_name(static_cast<uint32_t>(ins.n)));
  }
  return text;
}

std::vector<MarkReport> TraceEngine::mark_reports() const {
  std::vector<MarkReport> reports;
  for (uint32_t i = 0; i < marks_.size(); ++i) {
    const MarkState& mark = marks_[i];
    MarkReport& report = reports.emplace_back();
    report.mark = &thread_.machine.program.marks[i];
    report.interpreted = thread_.machine.mark_passes[i];
    report.passes = mark.passes + mark.period - mark_countdowns_[i];
    report.hits = mark.hits;
    report.forced = mark.forced;
    if (mark.hits == 0) report.why_not = why_not_hit(i);
  }
  return reports;
}

std::string TraceEngine::why_not_hit(uint32_t number) const {
  const MarkState& mark = marks_[number];
  const uint64_t interpreted = thread_.machine.mark_passes[number];
  const uint32_t passes = mark.period - mark_countdowns_[number];
  if (passes != 0)
    return fmt::format("not its turn yet: passed {} times in machine code, hit at pass {}", passes, mark.period);
  if (mark.traces != 0)
    return fmt::format("machine code contains it, but was always left before; interpreted {} times", interpreted);
  if (mark.recordings != 0) return fmt::format("trace aborted: {}", abort_reason_text(mark.abort));
  if (interpreted == 0) return "never reached";
  const FunctionInfo& function = functions_[mark.code->engine_index - 1];
  if (function.ended_at != Op::kMark) {
    return fmt::format("no trace gets there: its function's end in front of '{}'; interpreted {} times",
                       op_info(function.ended_at).name, interpreted);
  }
  return fmt::format("never hot: interpreted {} times", interpreted);
}

// ---- seeing it --------------------------------------------------------------

void TraceEngine::log(const char* event, const Recording& recording, const std::string& detail) {
  const Trace& trace = recording.trace;
  std::string origin;
  if (recording.function == nullptr) origin = fmt::format(" ({}/{})", trace.parent, trace.parent_exit);
  const uint32_t* pc = trace.snapshots.empty() ? nullptr : trace.snapshots.front().frames.back().pc;
  const Code* code = trace.snapshots.empty() ? trace.code : trace.snapshots.front().frames.back().code;
  log_print("[trace {}{} {} {}: {} {}]\n", trace.id, origin, kind_text(trace.kind), place_of(*code, pc), event, detail);
}

std::string TraceEngine::stats_text() const {
  std::string text = fmt::format(
      "traces:      {} functions, {} bridges, {} continuations, {} dispatch nodes, {} flushes, {} evictions\n"
      "machine code: {} bytes for {} IR instructions\n"
      "side tables: {} bytes for {} guards, {} of which never failed\n"
      "exits:       {} by guards, {} at yield points, {} returns to the interpreter, {} at marks\n"
      "forced:      {} times at marks, {} times more with a change that machine code was left for\n"
      "compiling:   {:.3f} ms recording, {:.3f} ms optimising, {:.3f} ms assembling\n",
      stats_.traces[0], stats_.traces[1], stats_.traces[2], stats_.dispatch_nodes, stats_.flushes, stats_.evictions,
      stats_.code_bytes, stats_.ir_instructions, stats_.side_table_bytes, stats_.guards,
      stats_.guards - stats_.failed_guards, stats_.exits, stats_.yields, stats_.cold_returns, stats_.mark_hits,
      stats_.forced, stats_.forced_out, static_cast<double>(stats_.record_ns) / 1e6,
      static_cast<double>(stats_.optimize_ns) / 1e6, static_cast<double>(stats_.assemble_ns) / 1e6);
  if (rehearses()) {
    text += fmt::format("rehearsals:  {} guards; {} loops given up\n", stats_.rehearsed_guards, stats_.loops_given_up);
  }
  if (options_.shadow_check) {
    text += fmt::format("shadow check: {} exits compared, {} skipped for want of room\n", stats_.exits_checked,
                        stats_.exits_unchecked);
  }
  if (chaos_) {
    text += fmt::format("chaos:       {} disturbances", chaos_->count());
    for (size_t i = 0; i < static_cast<size_t>(ChaosKind::kCount); ++i) {
      const auto kind = static_cast<ChaosKind>(i);
      text += fmt::format("{} {} {}", i == 0 ? ":" : ",", chaos_->count(kind), chaos_kind_text(kind));
    }
    text += "\n";
  }
  for (size_t i = 0; i < static_cast<size_t>(AbortReason::kCount); ++i) {
    if (stats_.aborts[i] == 0) continue;
    text += fmt::format("aborts:      {} {}\n", stats_.aborts[i], abort_reason_text(static_cast<AbortReason>(i)));
  }
  return text;
}

}  // namespace fble
