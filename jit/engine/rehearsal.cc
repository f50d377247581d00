#include "jit/engine/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "deopt/exit.h"
#include "deopt/rebuild.h"
#include "gc/log.h"
#include "interp/call_frame.h"
#include "interp/interpreter.h"
#include "interp/native_stack.h"

namespace fble {

namespace {

/// Estimates the room for the objects of machine code, exit and interpreter.
size_t words_for(const Trace& trace) {
  size_t words = 1024 + 4 * size_t{trace.steps};
  for (const IrIns& ins : trace.ins) {
    if (ins.op == IrOp::kNew) words += 4 * (2 + ins.list.size());
  }
  return words;
}

/// Returns the slots where a settled exit has facts that follow from its guard's failure.
std::vector<int32_t> settled_slots(const ExitEntry& entry) {
  std::vector<int32_t> slots;
  for (const ExitSlot& slot : entry.slots) {
    if (slot.location.kind == LocationKind::kConstant && is_packed(slot.location.word)) slots.push_back(slot.slot);
  }
  return slots;
}

[[noreturn]] void report_difference(const std::string& exit, const std::string& problem, const FramesState& expected,
                                    const FramesState& actual) {
  log_print("shadow check of exit {}: {}\nthe interpreter has\n{}the exit has\n{}", exit, problem, describe(expected),
            describe(actual));
  FBLE_BUG("the shadow check found a difference");
}

/// Makes room for `words` words without setting an error. Returns false if there is none.
bool find_room(Carrier& carrier, size_t words) {
  const Word* limit = carrier.machine.heap.limit();
  if (carrier.ap <= limit && static_cast<size_t>(limit - carrier.ap) >= words) return true;
  if (carrier.make_room(words)) return true;
  carrier.error = RunError{};
  return false;
}

std::string exit_name(const CompiledTrace& trace, uint32_t exit, const std::string& steps) {
  return fmt::format("{}/{} ({}, {} steps)", trace.id, exit, ir_op_info(trace.exit_sites[exit].guard).name, steps);
}

}  // namespace

std::unique_ptr<StartState> GuardRehearsal::state_at_exit(Carrier& carrier, const ExitEntry& entry) {
  auto state = std::make_unique<StartState>(carrier.machine);
  Word* root = carrier.exit_state.fp();
  const auto note = [&](const Location& location) {
    const bool is_place = location.kind == LocationKind::kRegister || location.kind == LocationKind::kSpill ||
                          location.kind == LocationKind::kSlot;
    if (!is_place) return;
    // A return address or position, which guards compare, is no value.
    if (std::find(state->places.begin(), state->places.end(), location) != state->places.end()) return;
    state->places.push_back(location);
    state->words.push_back(read_location(carrier.exit_state, root, location));
  };
  auto listed = entry.slots.begin();
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    const ExitFrame& frame = entry.frames[i];
    if (frame.in_memory) {
      note({LocationKind::kSlot, frame.base + kClosureSlot});
      if (i != 0) {
        for (const int32_t slot : {frame.base + kReturnPositionSlot, frame.base + kReturnAddressSlot}) {
          state->raw.emplace_back(slot, root[slot]);
        }
      }
    } else {
      note(frame.closure);
      // The return words of a frame that an inlined tail call has replaced may still be there.
    }
    for_each_live_slot(*frame.code, frame.pc, i + 1 < entry.frames.size(), [&](int32_t slot) {
      while (listed != entry.slots.end() && listed->slot < frame.base + slot) ++listed;
      const bool is_listed = listed != entry.slots.end() && listed->slot == frame.base + slot;
      note(is_listed ? listed->location : Location{LocationKind::kSlot, frame.base + slot});
    });
  }
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) note(field);
  }
  return state;
}

void GuardRehearsal::leave(Carrier& carrier, const uint8_t* return_address, uint64_t pushes) {
  leave_by(carrier, exit_number(trace_->machine_code(), return_address, pushes));
}

void GuardRehearsal::leave_by(Carrier& carrier, uint32_t exit) {
  exit_ = exit;
  if (exit_ >= trace_->exit_count) FBLE_BUG("a rehearsal has got into another trace");
  decode_exit(side_table_of(trace_->machine_code()), exit_, entry_);
  if (matrix_ != nullptr) matrix_->note(entry_, ir_op_info(trace_->exit_sites[exit_].guard).name);
  left_ = !entry_.is_return && leave_at(carrier, entry_);
  // The interpreter stops before its first instruction.
  carrier.stepped.steps_to_go = 0;
}

/// Restores the state of machine code. Sets `fp` to the frame with which the trace is entered.
void GuardRehearsal::put_machine_state(const StartState& start, TraceKind kind, Word*& fp) {
  Word* const root = start.frames.root;
  ExitState& state = carrier_.exit_state;
  std::fill(std::begin(state.registers), std::end(state.registers), kPoison);
  std::fill(std::begin(state.spill), std::end(state.spill), kPoison);
  put_frames(carrier_, start.frames);
  fp = root;
  switch (kind) {
    case TraceKind::kFunction:
      // As machine code calls it: the arguments in registers are not in their slots.
      for (uint32_t k = 0; k < arguments_in_registers(*start.frames.frames.front().code); ++k) {
        state.registers[kArgumentRegisters[k]] = std::exchange(root[k], kPoison);
      }
      break;
    case TraceKind::kContinuation: {
      const FramesState::Frame& innermost = start.frames.frames.back();
      Word& result = root[innermost.base + static_cast<int32_t>(result_slot(innermost.pc))];
      state.at(RegisterRole::kValue) = result;
      result = kPoison;
      fp = root + innermost.base + frame_distance(innermost.pc);
      break;
    }
    case TraceKind::kBridge:
      for (size_t i = 0; i < start.places.size(); ++i) {
        const Location& place = start.places[i];
        if (place.kind == LocationKind::kRegister) state.registers[place.index] = start.words[i];
        if (place.kind == LocationKind::kSpill) state.spill[place.index] = start.words[i];
        if (place.kind == LocationKind::kSlot) root[place.index] = start.words[i];
      }
      for (const auto& [slot, word] : start.raw) root[slot] = word;
      break;
  }
}

/// Runs the machine code from the start with the flag of this exit set. Returns false if the exit was not
/// reached; else the frames are rebuilt.
bool GuardRehearsal::run(const StartState& start, CompiledTrace& trace, uint32_t index) {
  const bool has_flag = CompiledTraces::flag(trace, index) != nullptr;
  Word* fp = nullptr;
  put_machine_state(start, trace.kind, fp);
  start.frames.root[kReturnAddressSlot] = reinterpret_cast<Word>(stepping_handlers().handlers[0]);
  const bool was_set = CompiledTraces::is_flagged(trace, index);
  std::vector<uint32_t> others;
  for (uint32_t other = 0; other < trace.exit_count; ++other) {
    if (CompiledTraces::is_flagged(trace, other)) others.push_back(other);
  }
  for (const uint32_t other : others) traces_.set_flag(trace, other, false);
  if (has_flag) traces_.set_flag(trace, index, true);
  trace_ = &trace;
  left_ = false;
  carrier_.table = &stepping_handlers();
  carrier_.stepped.steps_to_go = 0;
  enter_handler(trace_entry(traces_.cache()), reinterpret_cast<const uint32_t*>(trace.start), fp, carrier_, carrier_.ap,
                0);
  trace_ = nullptr;
  if (has_flag) traces_.set_flag(trace, index, was_set);
  for (const uint32_t other : others) traces_.set_flag(trace, other, true);
  return left_ && exit_ == index;
}

/// Rehearses an exit. Returns false if it was not reached.
bool GuardRehearsal::rehearse_exit(const StartState& start, CompiledTrace& trace, uint32_t index,
                                   Rehearsal& rehearsal) {
  const ExitSite& exit = trace.exit_sites[index];
  const Word value = carrier_.value;
  Word* const ap = carrier_.ap;
  const bool reached = run(start, trace, index);
  carrier_.value = value;
  carrier_.ap = ap;
  if (!reached) return false;
  const FramesState actual = take_frames(carrier_, start.frames.root);

  // The objects made at the exit must not be overwritten.
  carrier_.ap = carrier_.exit_state.ap();
  for (const VirtualValue& made : entry_.virtuals) {
    if (made.kind == VirtualValue::Kind::kObject) carrier_.ap += object_words(static_cast<uint32_t>(made.header >> 32));
  }
  const bool replayed = rehearsal.replay(start.frames, exit.steps, trace.whole_steps);
  if (!replayed) {
    carrier_.ap = ap;
    return false;
  }
  const FramesState expected = take_frames(carrier_, start.frames.root);
  carrier_.ap = ap;
  const std::string problem =
      difference(expected, actual, exit.settled ? settled_slots(entry_) : std::vector<int32_t>{});
  if (!problem.empty()) {
    report_difference(exit_name(trace, index, fmt::format("{}", exit.steps)), problem, expected, actual);
  }
  return true;
}

bool GuardRehearsal::rehearse(const Trace& recorded, const StartState& start, CompiledTrace& trace) {
  if (start.frames.frames.empty() || !find_room(carrier_, words_for(recorded))) return true;
  bool all_reached = true;
  const DeoptPoints::Paused paused(points_);
  Rehearsal rehearsal(carrier_, start.frames.root);
  for (uint32_t i = 0; i < trace.exit_count; ++i) {
    const ExitSite& exit = trace.exit_sites[i];
    if (exit.is_return()) continue;
    if (!rehearse_exit(start, trace, i, rehearsal)) {
      all_reached = false;
      continue;
    }
    traces_.note_failure(traces_.record(trace, i, false), exit);
    ++stats_.rehearsed_guards;
  }
  return all_reached;
}

// ---- shadow checks ----------------------------------------------------------

void ShadowChecks::note_entry(Carrier& carrier, const CompiledTrace& trace) {
  if (trace.kind == TraceKind::kBridge) {
    steps_ += trace.parent_steps;
    std::erase_if(whole_steps_, [&](const WholeStep& step) { return step.number >= steps_; });
    add_whole_steps(trace);
    return;
  }
  steps_ = 0;
  whole_steps_.clear();
  add_whole_steps(trace);
  Word* fp = carrier.exit_state.fp();
  Word* root = fp;
  carrier.pc = trace.code->start;
  carrier.fp = fp;
  if (trace.kind == TraceKind::kContinuation) {
    carrier.pc = trace.return_position;
    carrier.fp = fp - frame_distance(carrier.pc);
    carrier.fp[result_slot(carrier.pc)] = carrier.exit_state.value();
    root = fp - trace.callee_base;
  }
  const uint32_t in_registers = trace.kind == TraceKind::kFunction ? arguments_in_registers(*trace.code) : 0;
  for (uint32_t k = 0; k < in_registers; ++k) root[k] = carrier.exit_state.registers[kArgumentRegisters[k]];
  take_frames(carrier, root, start_.frames);
  // An exit that expects them in their slots is to be noticed.
  for (uint32_t k = 0; k < in_registers; ++k) root[k] = kPoison;
}

/// Adds the whole steps of the trace that runs now, counted from the entry at which start_ was noted.
void ShadowChecks::add_whole_steps(const CompiledTrace& trace) {
  for (const WholeStep& step : trace.whole_steps) whole_steps_.push_back({steps_ + step.number, step.end});
}

void ShadowChecks::check(Carrier& carrier, const CompiledTrace& trace, uint32_t exit) {
  const FramesState& start = start_.frames;
  const uint32_t steps_of_trace = trace.exit_sites[exit].steps;
  const uint32_t steps = steps_ + steps_of_trace;
  constexpr int kAttempts = 4;
  size_t words = 512 + 8 * size_t{steps};
  for (int attempt = 0; attempt < kAttempts; ++attempt, words *= 8) {
    if (!find_room(carrier, words)) break;
    const FramesState actual = take_frames(carrier, start.root);
    Rehearsal rehearsal(carrier, start.root);
    const bool arrived = rehearsal.replay(start, steps, whole_steps_);
    // A call that is remembered may need more of the call stack than there is without it.
    const auto is_call = [](const WholeStep& step) { return step.end == nullptr; };
    if (!arrived && (!rehearsal.failed() || std::ranges::any_of(whole_steps_, is_call))) continue;
    const FramesState expected = arrived ? take_frames(carrier, start.root) : FramesState{};
    const std::string problem = arrived ? difference(expected, actual) : "the interpreter fails before";
    if (!problem.empty()) {
      report_difference(exit_name(trace, exit, fmt::format("{} + {}", steps_, steps_of_trace)), problem, expected,
                        actual);
    }
    ++stats_.exits_checked;
    return;
  }
  ++stats_.exits_unchecked;
}

}  // namespace fble
