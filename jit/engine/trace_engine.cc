#include "jit/engine/trace_engine.h"

#include <algorithm>

#include "deopt/exit.h"
#include "deopt/force.h"
#include "gc/activity.h"
#include "gc/clock.h"
#include "gc/log.h"
#include "interp/bytecode.h"
#include "interp/carrier.h"
#include "interp/interpreter.h"
#include "interp/observer.h"
#include "interp/whereabouts.h"
#include "jit/engine/cells.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "jit/x64/cpu.h"
#include "jit/x64/jitdump.h"

namespace fble {

namespace {

void leave_trace(Carrier* carrier, const uint8_t* return_address, uint64_t pushes) {
  static_cast<TraceEngine*>(carrier->machine.engine)->leave(*carrier, return_address, pushes);
}

bool force_trace(Carrier* carrier, const uint8_t* return_address, uint32_t exit) {
  return static_cast<TraceEngine*>(carrier->machine.engine)->force(*carrier, return_address, exit);
}

void trace_entered(Carrier* carrier, uint32_t trace) {
  static_cast<TraceEngine*>(carrier->machine.engine)->entered(*carrier, trace);
}

/// The most forced frames that are compared.
constexpr size_t kFramesChecked = 128;

/// Shows the carrier's frames, which are the interpreter's, to its observer. Returns whether the observer has changed
/// anything.
bool show_frames(Carrier& carrier, const DeoptPoints& points, uint32_t number) {
  const std::string problem = frames_problem(carrier.pc, carrier.fp, kFramesChecked);
  if (!problem.empty()) {
    log_print("{}: {}\n", points.name(number), problem);
    FBLE_BUG("forced frames are not valid for the interpreter");
  }
  const MachineState& machine = carrier.machine;
  return machine.observer != nullptr && machine.observer->look(carrier, machine.program.deopt_points[number]);
}

/// Returns the link of the trace's return to the continuation that it leads to.
LinkEvent linked_return(const CompiledTraces& traces, const CompiledTrace& trace) {
  return LinkEvent{{trace.id, trace.exit_count - 1}, traces.continuation_of(trace), {}};
}

/// Evicts the trees that rely on the assumption. Returns whether there were any.
bool evict(Carrier& carrier, CompiledTraces& traces, EventSinks& sinks, CodeAssumption assumption, uint32_t number) {
  const std::vector<uint32_t> roots = traces.break_assumption(carrier, assumption, number);
  if (!roots.empty()) sinks.take(EvictEvent{roots, assumption, number});
  return !roots.empty();
}

/// Ends the run: C++ has raised an error.
void stop_run(Carrier& carrier) {
  carrier.pc = stop_position();
  carrier.fp = stop_frame();
}

}  // namespace

// ---- attaching --------------------------------------------------------------

TraceEngine::TraceEngine(Carrier& carrier, const JitOptions& options)
    : carrier_(carrier),
      options_(options),
      entries_(options_),
      traces_(options_, entries_, stats_),
      memos_(options_, traces_.cache(), runtime_, carrier.machine.counts != nullptr),
      policy_(options_.params, carrier.globals),
      points_(carrier.machine),
      log_(options_, points_, entries_.codes()) {
  usable_ = missing_cpu_extensions().empty() && traces_.cache().usable() && carrier.machine.steps == nullptr;
  if (!usable_) return;
  runtime_ = {checked_entry(), leave_trace, trace_entered, force_trace, options_.keep_code_maps};
  carrier.machine.engine = this;
  carrier.machine.positions = &traces_;
  carrier.exit_common = exit_common(traces_.cache());
  carrier.exit_fuel = options_.deopt_every;
  for (Code& code : carrier.machine.program.codes) entries_.adopt(code);
  const IoFunctions io = io_functions();
  for (Word function : {io.return_function, io.do_function, io.run_function}) {
    entries_.adopt(*closure_code(as_object(function)));
  }
  carrier.machine.glue.show_callable([this](Code& code) {
    if (code.native == nullptr || (code.is_pure && code.arity <= kMaxNativeArguments)) entries_.adopt(code);
  });
  matrix_ = DeoptMatrix::if_wanted();
  if (carrier.machine.counts != nullptr) counts_.emplace(*carrier.machine.counts, options_.params.max_traces);
  if (options_.deopt_sweep) rehearsal_.emplace(carrier, traces_, points_, matrix_.get(), stats_);
  if (options_.shadow_check) shadow_checks_.emplace(carrier, stats_);
  if (options_.chaos != 0) disturbances_.emplace(carrier, options_);
  if (log_.is_wanted()) sinks_.add(log_);
  if (options_.events == nullptr) return;
  sinks_.add(*options_.events);
  Heap& heap = carrier.machine.heap;
  heap.set_pause_listener(
      [this, &heap](uint64_t start_ns, uint64_t end_ns) { sinks_.take(CollectEvent{start_ns, end_ns, heap.stats()}); });
}

TraceEngine::~TraceEngine() {
  if (!usable_) return;
  on_run_end(carrier_);
  sinks_.take(EndEvent{traces_.record_bytes()});
  if (options_.events != nullptr) carrier_.machine.heap.set_pause_listener({});
  carrier_.machine.glue.show_callable(nullptr);
  carrier_.machine.engine = nullptr;
  carrier_.machine.positions = nullptr;
  carrier_.exit_common = nullptr;
}

// ---- the life of a trace ----------------------------------------------------

/// Takes a trace from one state to the next, until the interpreter or machine code has to run.
void TraceEngine::live(Carrier& carrier, TraceState state) {
  bool is_full = false;
  while (true) {
    switch (state) {
      // The interpreter counts calls and leave_exit counts exits. One that is hot sets up a recording.
      case TraceState::kCounting: return;

      // The interpreter shows each instruction to on_step before it runs.
      case TraceState::kHot:
        sinks_.take(RecordEvent{recording_->trace});
        carrier.table = &recording_handlers();
        return;

      case TraceState::kRecording:
        state = record_step(*recording_);
        if (state == TraceState::kRecording) return;
        break;

      case TraceState::kRecorded:
        stats_.record_ns += now_ns() - recording_->started_ns;
        state = compile(*recording_);
        break;

      // The trace runs until an assumption breaks (hit) or until all traces are forgotten.
      case TraceState::kLinked:
        points_.note_recording(recording_->trace, std::nullopt);
        is_full = traces_.size() >= options_.params.max_traces;
        state = TraceState::kEnded;
        break;

      // The place must be counted for longer before it is tried again. After some failures it is left to the
      // interpreter.
      case TraceState::kGivenUp:
        sinks_.take(AbortEvent{recording_->trace, *recording_->failure, false});
        if (recording_->function != nullptr) {
          entries_.back_off(*recording_->function);
        } else {
          traces_.back_off(recording_->from);
        }
        is_full = recording_->failure == AbortReason::kCodeCacheFull;
        state = TraceState::kInterrupted;
        break;

      case TraceState::kInterrupted:
        ++stats_.aborts[static_cast<size_t>(*recording_->failure)];
        points_.note_recording(recording_->trace, recording_->failure);
        state = TraceState::kEnded;
        break;

      case TraceState::kEnded:
        if (recording_->interpreted_once != nullptr) recording_->interpreted_once->entry = recording_->usual_entry;
        carrier.table = &usual_handlers(carrier.machine);
        carrier.request_what_was_put_off();
        recording_ = nullptr;
        state = is_full ? TraceState::kForgotten : TraceState::kCounting;
        break;

      case TraceState::kForgotten:
        sinks_.take(FlushEvent{traces_.size(), traces_.cache().used()});
        add_up_counts();
        if (counts_) counts_->forget_all();
        traces_.flush(carrier);
        memos_.forget_all(stats_);
        policy_.forget_sites();
        state = TraceState::kCounting;
        break;
    }
  }
}

void TraceEngine::on_hot_function(Carrier& carrier, Code& code) {
  const Doing doing(Activity::kRecord);
  entries_.count_anew(code);
  if (recording_ != nullptr || carrier.groups.any_open()) return;
  if (disturbances_ && !disturb(carrier)) return stop_run(carrier);
  // The values of globals become constants, so they must be in the old space.
  if (!carrier.machine.globals.dirty.empty() && !carrier.make_room(0)) return stop_run(carrier);
  policy_.look_for_recursion(code, carrier.fp);
  Recording& recording = set_up_recording(carrier, 1);
  recording.function = &code;
  if (rehearsal_) {
    recording.start = std::make_unique<StartState>(carrier.machine);
    recording.start->frames = take_frames(carrier, carrier.fp);
  }
  recording.recorder->start_function(code);
  live(carrier, TraceState::kHot);
}

void TraceEngine::record_from_exit(Carrier& carrier, ExitAddress from, const ExitEntry& entry,
                                   std::unique_ptr<StartState> start_state) {
  const CompiledTrace& parent = traces_[from.trace];
  const ExitSite& exit = traces_.exit(from).site;
  const CompiledTrace& root = traces_[parent.root];
  Recording& recording = set_up_recording(carrier, exit.is_return() ? 1 : parent.inlined_paths);
  recording.from = from;
  recording.trace.parent = from.trace;
  recording.trace.parent_exit = from.exit;
  recording.frames = entry.frames;
  if (rehearsal_) {
    recording.start = start_state != nullptr ? std::move(start_state) : std::make_unique<StartState>(carrier.machine);
    recording.start->frames = take_frames(carrier, carrier.fp - entry.frames.back().base);
  }
  BridgeStart start;
  start.root_extent = root.extent;
  start.root_code = root.code;
  start.mixed_signs = parent.mixed_signs;
  start.mixed_layouts = parent.mixed_layouts;
  if (exit.is_return()) {
    recording.recorder->start_continuation(entry, start);
  } else {
    // A guard that is forced to fail says nothing about the values.
    const bool may_be_forced = options_.counts_guards();
    start.guard = may_be_forced ? IrOp::kExit : exit.guard;
    start.operand = may_be_forced ? Location{} : exit.operand;
    start.n = exit.n;
    start.m = exit.m;
    recording.dispatch_scratch = CompiledTraces::scratch_for_dispatch(traces_.exit(from));
    start.may_dispatch = recording.dispatch_scratch >= 0 && !may_be_forced;
    recording.recorder->start_bridge(entry, start);
  }
  live(carrier, TraceState::kHot);
}

TraceEngine::Recording& TraceEngine::set_up_recording(Carrier& carrier, uint32_t inlined_paths) {
  recording_ = std::make_unique<Recording>();
  Recording& recording = *recording_;
  recording.started_ns = now_ns();
  recording.trace.id = traces_.next_trace();
  recording.builder = make_builder(recording.trace);
  RecorderLimits limits{options_.params.max_instructions, options_.params.max_snapshots, options_.params.max_depth};
  if (disturbances_) limits = disturbances_->limits(limits);
  policy_.begin(inlined_paths);
  recording.recorder = std::make_unique<Recorder>(carrier, *recording.builder, policy_, limits, &memos_);
  return recording;
}

void TraceEngine::on_step(Carrier& carrier) {
  const Doing doing(Activity::kRecord);
  live(carrier, TraceState::kRecording);
}

TraceState TraceEngine::record_step(Recording& recording) {
  if (recording.interpreted_once != nullptr) {
    recording.interpreted_once->entry = recording.usual_entry;
    recording.interpreted_once = nullptr;
  }
  if (disturbances_ && disturbances_->happens(ChaosKind::kAbort)) {
    recording.failure = AbortReason::kChaos;
    return TraceState::kGivenUp;
  }
  Recorder::Status status;
  do {
    status = recording.recorder->step();
  } while (status == Recorder::Status::kRecording && recording.recorder->has_moved());
  switch (status) {
    case Recorder::Status::kRecording: break;
    case Recorder::Status::kEnded: return TraceState::kRecorded;
    case Recorder::Status::kAborted:
      stats_.record_ns += now_ns() - recording.started_ns;
      recording.failure = recording.recorder->abort_reason();
      return TraceState::kGivenUp;
  }
  if (Code* entered = recording.recorder->entered(); entered != nullptr) {
    recording.interpreted_once = entered;
    recording.usual_entry = entered->entry;
    entered->entry = entry_by_table();
  }
  return TraceState::kRecording;
}

void TraceEngine::on_run_end(Carrier& carrier) {
  if (matrix_ != nullptr) matrix_->note_end(carrier.pc, carrier.fp, carrier.error);
  interrupt(carrier, AbortReason::kRunEnded);
  add_up_counts();
}

/// Adds what machine code has run to the counts of instructions, if they are counted.
void TraceEngine::add_up_counts() {
  if (!counts_) return;
  counts_->add_up();
  memos_.add_up(*carrier_.machine.counts);
}

/// Ends the recording that is under way, if there is one. The reason is not in the recorded code.
void TraceEngine::interrupt(Carrier& carrier, AbortReason reason) {
  if (recording_ == nullptr) return;
  recording_->failure = reason;
  sinks_.take(AbortEvent{recording_->trace, reason, true});
  live(carrier, TraceState::kInterrupted);
}

// ---- compiling --------------------------------------------------------------

/// Makes linked machine code of the recorded trace: optimises, assembles, rehearses, links, logs.
TraceState TraceEngine::compile(Recording& recording) {
  const Doing doing(Activity::kAssemble);
  Trace& trace = recording.trace;
  const Memo* const memo = memos_.prepare(trace, carrier_.machine);
  if (memo != nullptr) sinks_.take(MemoEvent{*memo});
  const size_t cache_used = traces_.cache().used();
  std::optional<Trace> recorded;
  if (rehearsal_) recorded = trace;

  optimize_trace(recording);
  sinks_.take(OptimizeEvent{trace});

  AssembledTrace assembled = assemble_trace(trace);
  recording.failure = assembled.failure;
  if (recording.failure) return TraceState::kGivenUp;
  sinks_.take(AssembleEvent{trace, assembled});
  if (counts_) counts_->note(trace, assembled.exits);
  std::unique_ptr<CompiledTrace> compiled =
      traces_.make(trace, std::move(assembled),
                   {policy_.inlined_paths(), recording.recorder->mixed_signs(), recording.recorder->mixed_layouts()});
  if (trace.kind == TraceKind::kContinuation) compiled->return_position = recording.frames.back().pc;

  if (rehearsal_ && !rehearse(recording, *compiled) && !recording.without_loop) {
    // Some guards are in a loop whose turns have not all taken the same path so far. In a trace without a loop they are
    // on the path that was taken.
    ++stats_.loops_given_up;
    traces_.take_back(*compiled, cache_used);
    trace = std::move(*recorded);
    recording.without_loop = true;
    return compile(recording);
  }

  sinks_.take(CompileEvent{trace, recording.recorder->link(), *compiled});
  link(recording, *compiled);
  traces_.add(std::move(compiled));
  return TraceState::kLinked;
}

/// Rehearses the exits of the trace. Returns whether all were reached.
bool TraceEngine::rehearse(const Recording& recording, CompiledTrace& compiled) {
  if (!counts_) return rehearsal_->rehearse(recording.trace, *recording.start, compiled);
  // What machine code runs during a rehearsal is no part of the program.
  memos_.add_up(*carrier_.machine.counts);
  const TraceCounts::Paused paused(*counts_);
  const bool all_reached = rehearsal_->rehearse(recording.trace, *recording.start, compiled);
  memos_.forget_hits_and_walks();
  return all_reached;
}

void TraceEngine::optimize_trace(Recording& recording) {
  const Doing doing(Activity::kOptimise);
  Trace& trace = recording.trace;
  const uint64_t start_ns = now_ns();
  if (trace.ins.back().op == IrOp::kTailCall && disturbances_ && disturbances_->happens(ChaosKind::kNoLoop)) {
    recording.without_loop = true;
  }
  PassListener listener;
  if (options_.events != nullptr) {
    listener = [this](const char* pass, const Trace& after) { sinks_.take(PassEvent{pass, after}); };
  }
  run_passes(trace, !recording.without_loop, listener);
  stats_.optimize_ns += now_ns() - start_ns;
#ifndef NDEBUG
  FBLE_ASSERT(verify_trace(trace).empty() && verify_arguments(trace).empty());
#endif
}

AssembledTrace TraceEngine::assemble_trace(const Trace& trace) {
  const uint64_t start_ns = now_ns();
  AssembleOptions assembling;
  assembling.count_guards = options_.counts_guards();
  if (disturbances_) assembling.spill = [this](uint32_t occupied) { return disturbances_->choose_spill(occupied); };
  assembling.deopt_point_countdowns = points_.countdowns();
  assembling.forcing_deopt_points = points_.forcing();
  assembling.keep_origins = options_.dump_asm || options_.events != nullptr;
  assembling.keep_code_map = options_.keep_code_maps || jitdump_wanted();
  assembling.exit_flags = options_.has_flags(trace.id);
  assembling.note_entry = options_.shadow_check;
  if (counts_) {
    assembling.passes = &counts_->counters(trace.id);
    assembling.tallies = counts_->new_tallies(trace.tally_groups);
  }
  assembling.call_target = memos_.target(trace);
  AssembledTrace assembled = assemble(trace, traces_.cache(), runtime_, assembling);
  stats_.assemble_ns += now_ns() - start_ns;
  return assembled;
}

/// Makes the link to the trace, and the link from its call if the target is known.
void TraceEngine::link(const Recording& recording, CompiledTrace& compiled) {
  const Trace& trace = recording.trace;
  const IrIns& last = trace.ins.back();
  if (last.op == IrOp::kCall && !traces_.is_pinned({compiled.id, compiled.exit_count - 1}, last.op) &&
      traces_.link_return(compiled, return_positions(trace.snapshots[last.snapshot].frames))) {
    sinks_.take(linked_return(traces_, compiled));
  }
  if (recording.function != nullptr) {
    entries_.install(*recording.function, compiled.door, compiled.start);
  } else {
    const Recorder::Tags tags = recording.recorder->tags();
    const std::optional<DispatchNode> dispatch =
        traces_.link_bridge(recording.from, tags, recording.dispatch_scratch, compiled.start);
    if (dispatch) sinks_.take(DispatchEvent{recording.from, *dispatch, traces_.exit(recording.from).site.m});
    if (!traces_.is_closed(recording.from)) sinks_.take(LinkEvent{recording.from, compiled.id, tags});
    if (trace.kind == TraceKind::kContinuation) {
      traces_.add_continuation(return_positions(recording.frames), compiled.start);
    } else {
      ++traces_.members(compiled);
    }
  }
  const IrOp start = trace.kind == TraceKind::kBridge ? traces_.exit(recording.from).site.guard : IrOp::kExit;
  for (const Memos::Reliance& reliance : memos_.note_use(trace, start)) {
    traces_.rely_on(reliance.assumption, reliance.memo, compiled);
  }
  for (const Code* code : recording.recorder->cell_makers()) {
    traces_.rely_on(CodeAssumption::kCellsMayFit, code->engine_index, compiled);
  }
  for (const IrIns& ins : trace.ins) {
    const auto number = static_cast<uint32_t>(ins.n);
    if (ins.op != IrOp::kDeoptPoint || !points_.options(number).invalidate) continue;
    traces_.rely_on(CodeAssumption::kDeoptPointIsNotHit, number, compiled);
  }
}

// ---- leaving ----------------------------------------------------------------

void TraceEngine::entered(Carrier& carrier, uint32_t trace) {
  if (rehearsal_ && rehearsal_->is_under_way()) return;
  shadow_checks_->note_entry(carrier, traces_[trace]);
}

void TraceEngine::leave(Carrier& carrier, const uint8_t* return_address, uint64_t pushes) {
  if (rehearsal_ && rehearsal_->is_under_way()) {
    AtMachineCode::end();
    return rehearsal_->leave(carrier, return_address, pushes);
  }
  leave_by(carrier, traces_.exit_at(return_address, pushes));
}

void TraceEngine::leave_by(Carrier& carrier, ExitAddress address) {
  const Doing doing(Activity::kExit);
  if (!leave_exit(carrier, address) || (disturbances_ && !disturb(carrier))) stop_run(carrier);
}

/// Leaves machine code by the exit. Returns false if the run has to stop.
bool TraceEngine::leave_exit(Carrier& carrier, ExitAddress address) {
  CompiledTrace& trace = traces_[address.trace];
  const auto& [exit, entry] = traces_.exit(address);
  const bool is_return = exit.is_return();
  // Until the exit has been left, the frames are those of the code map. The stub of a return begins in the callee's
  // frame.
  AtMachineCode at(options_.keep_code_maps ? exit.stub : nullptr, carrier.exit_state.fp() + (is_return ? exit.n : 0));

  // The exit is taken.
  if (options_.deopt_every != 0 && carrier.exit_fuel == 0) carrier.exit_fuel = options_.deopt_every;
  if (disturbances_) disturbances_->note_exit(address.trace, address.exit, exit.guard);
  ExitRecord& record = traces_.record(trace, address.exit, is_return);
  const bool is_pinned = traces_.is_pinned(address, exit.guard);
  const bool was_flagged = CompiledTraces::is_flagged(trace, address.exit);
  if (was_flagged && !is_pinned) traces_.set_flag(trace, address.exit, false);
  traces_.note_failure(record, exit);
  if (counts_) counts_->note_exit(address);
  if (matrix_ != nullptr) matrix_->note(entry, points_.reason_to_leave(exit.guard, exit.n));
  std::unique_ptr<StartState> start_state;
  if (rehearsal_ && record.countdown <= 1 && !is_return) start_state = GuardRehearsal::state_at_exit(carrier, entry);

  if (!leave_at(carrier, entry)) return false;
  at.end();

  // The exit has been left: the interpreter's state is complete.
  if (matrix_ != nullptr) matrix_->note_taken(carrier.pc, carrier.fp);
  if (shadow_checks_ && !is_return) shadow_checks_->check(carrier, trace, address.exit);
  if (exit.guard == IrOp::kDeoptPoint) {
    const auto number = static_cast<uint32_t>(exit.n);
    // If it is not the turn of this deopt point, --deopt-every has made the guard fail.
    const bool is_turn = points_.is_turn(number);
    ++(is_turn ? stats_.deopt_point_hits : stats_.yields);
    sinks_.take(ExitEvent{address, is_turn ? ExitKind::kDeoptPoint : ExitKind::kYield});
    hit(carrier, number);
    return true;
  }
  const bool is_yield = exit.is_yield();
  ++(is_return ? stats_.cold_returns : is_yield ? stats_.yields : stats_.exits);
  sinks_.take(ExitEvent{address, is_return ? ExitKind::kReturn : is_yield ? ExitKind::kYield : ExitKind::kGuard});

  if (recording_ == nullptr && evict_for_memos(carrier)) return true;

  // The exit may get a link to a continuation, or start a recording. A guard that was forced to fail gives no reason
  // for a bridge.
  if (is_yield || record.closed || record.linked || was_flagged || is_pinned) return true;
  if (is_return && traces_.link_return_if_new(trace, record, entry)) {
    sinks_.take(linked_return(traces_, trace));
    return true;
  }
  if (!CompiledTraces::count_down(record)) return true;
  if (traces_.members(trace) >= options_.params.max_bridges) {
    record.closed = true;
    return true;
  }
  traces_.count_anew(record, is_return);
  if (recording_ != nullptr || carrier.groups.any_open()) return true;
  if (Code* const maker = maker_of_both_cells(carrier.pc, carrier.fp, exit.guard)) {
    maker->cells.are_objects = true;
    evict(carrier, traces_, sinks_, CodeAssumption::kCellsMayFit, maker->engine_index);
    return true;
  }
  if (disturbances_ && disturbances_->happens(ChaosKind::kCold)) return true;
  record_from_exit(carrier, address, entry, std::move(start_state));
  return true;
}

/// Evicts the traces whose use of memos is no longer as it should be. Returns whether there were any.
bool TraceEngine::evict_for_memos(Carrier& carrier) {
  bool any = false;
  while (const std::optional<Memos::Reliance> broken = memos_.take_broken()) {
    any |= evict(carrier, traces_, sinks_, broken->assumption, broken->memo);
  }
  return any;
}

/// Handles a deopt point that machine code has passed; the interpreter's state is complete. Carries out the options
/// of the deopt point if it is its turn.
void TraceEngine::hit(Carrier& carrier, uint32_t number) {
  if (!points_.is_turn(number)) return;
  const DeoptPointOptions& options = points_.options(number);
  points_.note_hit(number);
  if (options.gc) {
    carrier.collect_all();
  }
  if (options.invalidate) {
    interrupt(carrier, AbortReason::kFlushed);
    evict(carrier, traces_, sinks_, CodeAssumption::kDeoptPointIsNotHit, number);
  }
  if (options.yield) carrier.request(Attention::kYield);
}

bool TraceEngine::force(Carrier& carrier, const uint8_t* return_address, uint32_t number_of_exit) {
  if (rehearsal_ && rehearsal_->is_under_way()) {
    AtMachineCode::end();
    rehearsal_->leave_by(carrier, number_of_exit);
    return false;
  }
  const CompiledTrace& trace = traces_.trace_at(return_address);
  const ExitAddress address = {trace.id, number_of_exit};
  const auto& [exit, entry] = traces_.exit(address);
  const uint32_t number = static_cast<uint32_t>(exit.n);
  const Doing doing(Activity::kExit);
  AtMachineCode at(options_.keep_code_maps ? exit.stub : nullptr, carrier.exit_state.fp());
  if (!ForcedFrames::possible(carrier, entry)) {
    leave_by(carrier, address);
    return false;
  }
  traces_.note_failure(traces_.record(trace, number_of_exit, false), exit);
  if (matrix_ != nullptr) matrix_->note(entry, "force");
  const DeoptPointOptions& options = points_.options(number);
  const uint64_t collections = carrier.machine.heap.stats().minor_collections;
  ForcedFrames forced(carrier, entry);
  at.end();  // the carrier has the position now, and what follows may forget machine code
  if (shadow_checks_) shadow_checks_->check(carrier, trace, number_of_exit);
  bool is_changed = show_frames(carrier, points_, number);
  points_.note_forced(number);
  hit(carrier, number);
  is_changed |= options.gc || options.invalidate || options.yield ||
                carrier.machine.heap.stats().minor_collections != collections;
  if (!is_changed) {
    ++stats_.forced;
    sinks_.take(ForceEvent{address, false});
    forced.take_back();
    return true;
  }
  // The state has changed, so machine code cannot continue. The interpreter continues after the deopt point; in a group
  // of recursive values it continues at the group's start, since they do not exist before their definition.
  ++stats_.forced_out;
  sinks_.take(ForceEvent{address, true});
  if (counts_) counts_->note_exit(address);
  if (static_cast<Op>(*carrier.pc) == Op::kDeoptPoint) {
    if (counts_) carrier.machine.counts->add(code_of_frame(carrier.fp), carrier.pc, 1);
    carrier.pc += instruction_length(carrier.pc);
  }
  if (disturbances_ && !disturb(carrier)) stop_run(carrier);
  return false;
}

/// Disturbs the run, whose interpreter state is complete. Returns false if the run has to stop.
bool TraceEngine::disturb(Carrier& carrier) {
  if (recording_ == nullptr && disturbances_->happens(ChaosKind::kFlush)) live(carrier, TraceState::kForgotten);
  return disturbances_->disturb(carrier);
}

std::string TraceEngine::stats_text() const {
  JitStats stats = stats_;
  memos_.add_counts(stats);
  stats.record_bytes = traces_.record_bytes();
  return log_.stats_text(stats, disturbances_ ? &disturbances_->chaos() : nullptr);
}

}  // namespace fble
