// Rehearsals: each guard of a new trace fails once before the trace is used.
//
// A run passes many guards that never fail in it, and many traces are compiled shortly
// before its end. So with --deopt-sweep the engine tries a trace out: for each exit it
// puts back the state in which the recording began, runs the machine code with the exit's
// flag set, lets the side table rebuild the frames, and compares them with those that
// the interpreter gets to from the same state (deopt/shadow_check.h). The recording
// went this way, so all its guards are reached. Guards of a loop's body are reached if
// the second turn takes the same way as the first; if not the trace is compiled without
// the loop.
//
// With --shadow-check the same comparison is made at each exit that a run takes, from the
// state at the entry of the trace, which is noted then. Natives with effects are no obstacle:
// a call of one ends the trace, and what follows is another trace with an entry of its own.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang in mode deopt-sweep.
#include <fmt/format.h>

#include <algorithm>

#include "deopt/exit.h"
#include "deopt/rebuild.h"
#include "gc/log.h"
#include "interp/interpreter.h"
#include "interp/native_stack.h"
#include "jit/engine/trace_engine.h"

namespace fble {

namespace {

/// Room for what machine code, exit and interpreter may make, at a guess.
size_t words_for(const Trace& trace) {
  size_t words = 1024 + 4 * size_t{trace.steps};
  for (const IrIns& ins : trace.ins) {
    if (ins.op == IrOp::kNew) words += 4 * (2 + ins.list.size());
  }
  return words;
}

/// Slots where a settled exit says what follows from its guard's failing.
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

}  // namespace

bool TraceEngine::flag_is_set(const Fragment& fragment, const Exit& exit) const {
  return exit.flag != 0 && *reinterpret_cast<const volatile uint32_t*>(fragment.start + exit.flag) != 0;
}

void TraceEngine::set_flag(const Fragment& fragment, const Exit& exit, bool set) {
  cache_.patch32(fragment.start + exit.flag, set ? 1 : 0);
}

void TraceEngine::note_failure(Exit& exit) {
  if (exit.failed || exit.is_return) return;
  exit.failed = true;
  ++stats_.failed_guards;
}

/// The state of an exit that is about to be left, as the bridge will find it.
std::unique_ptr<TraceEngine::StartState> TraceEngine::note_exit_state(Thread& thread, const ExitEntry& entry) {
  auto state = std::make_unique<StartState>(thread.machine);
  Word* root = thread.exit_state.fp();
  const auto note = [&](const Location& location) {
    const bool is_place = location.kind == LocationKind::kRegister || location.kind == LocationKind::kSpill ||
                          location.kind == LocationKind::kSlot;
    if (!is_place) return;
    // A return address or position, looked at by guards, is no value.
    if (std::find(state->places.begin(), state->places.end(), location) != state->places.end()) return;
    state->places.push_back(location);
    state->words.push_back(read_location(thread.exit_state, root, location));
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
      // Of a frame that an inlined tail call has replaced the return words may still be there.
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

void TraceEngine::leave_rehearsal(Thread& thread, uint32_t exit_id) {
  const Fragment& fragment = *rehearsed_.fragment;
  rehearsed_.exit = exit_id - fragment.first_exit;
  if (rehearsed_.exit >= fragment.exits.size()) FBLE_BUG("a rehearsal has got into another trace");
  decode_exit(fragment.side_table, rehearsed_.exit, rehearsed_.entry);
  if (matrix_ != nullptr) matrix_->note(rehearsed_.entry, ir_op_info(fragment.exits[rehearsed_.exit].guard).name);
  rehearsed_.left = !rehearsed_.entry.is_return && leave_at(thread, rehearsed_.entry);
  // The interpreter stops in front of its first instruction.
  thread.steps_to_go = 0;
}

/// False if the exit was not reached.
bool TraceEngine::rehearse_exit(Recording& recording, Fragment& fragment, uint32_t index, Rehearsal& rehearsal) {
  const StartState& start = *recording.start;
  Exit& exit = fragment.exits[index];
  Word* const root = start.frames.root;
  const Word value = thread_.value;
  Word* const ap = thread_.ap;

  // As machine code has it.
  ExitState& state = thread_.exit_state;
  std::fill(std::begin(state.registers), std::end(state.registers), kPoison);
  std::fill(std::begin(state.spill), std::end(state.spill), kPoison);
  put_frames(thread_, start.frames);
  Word* fp = root;
  if (fragment.kind == TraceKind::kContinuation) {
    const FramesState::Frame& innermost = start.frames.frames.back();
    Word& result = root[innermost.base + static_cast<int32_t>(innermost.pc[-2])];
    state.at(RegisterRole::kValue) = result;
    result = kPoison;
    fp = root + innermost.base + innermost.pc[-1];
  } else if (fragment.kind == TraceKind::kBridge) {
    for (size_t i = 0; i < start.places.size(); ++i) {
      const Location& place = start.places[i];
      if (place.kind == LocationKind::kRegister) state.registers[place.index] = start.words[i];
      if (place.kind == LocationKind::kSpill) state.spill[place.index] = start.words[i];
      if (place.kind == LocationKind::kSlot) root[place.index] = start.words[i];
    }
    for (const auto& [slot, word] : start.raw) root[slot] = word;
  }
  const Handler stop = stepping_handlers().handlers[0];
  root[kReturnAddressSlot] = reinterpret_cast<Word>(stop);
  const bool was_set = flag_is_set(fragment, exit);
  std::vector<const Exit*> others;
  for (const Exit& other : fragment.exits) {
    if (flag_is_set(fragment, other)) others.push_back(&other);
  }
  for (const Exit* other : others) set_flag(fragment, *other, false);
  if (exit.flag != 0) set_flag(fragment, exit, true);
  rehearsed_.fragment = &fragment;
  rehearsed_.left = false;
  thread_.table = &stepping_handlers();
  thread_.steps_to_go = 0;
  enter_handler(trace_entry(cache_), reinterpret_cast<const uint32_t*>(fragment.start), fp, thread_, thread_.ap, 0);
  rehearsed_.fragment = nullptr;
  if (exit.flag != 0) set_flag(fragment, exit, was_set);
  for (const Exit* other : others) set_flag(fragment, *other, true);
  thread_.value = value;
  thread_.ap = ap;
  if (!rehearsed_.left || rehearsed_.exit != index) return false;
  const FramesState actual = take_frames(thread_, root);

  // What was made at the exit must not be overwritten.
  thread_.ap = state.ap();
  for (const VirtualValue& made : rehearsed_.entry.virtuals) {
    if (made.kind == VirtualValue::Kind::kObject) thread_.ap += object_words(static_cast<uint32_t>(made.header >> 32));
  }
  const bool replayed = rehearsal.replay(start.frames, exit.steps);
  if (!replayed) {
    thread_.ap = ap;
    return false;
  }
  const FramesState expected = take_frames(thread_, root);
  thread_.ap = ap;
  const std::string problem =
      difference(expected, actual, exit.settled ? settled_slots(rehearsed_.entry) : std::vector<int32_t>{});
  if (!problem.empty()) {
    report_difference(fmt::format("{}/{} ({}, {} steps)", fragment.id, index, ir_op_info(exit.guard).name, exit.steps),
                      problem, expected, actual);
  }
  return true;
}

/// False if there are exits that were not reached.
bool TraceEngine::rehearse(Recording& recording, Fragment& fragment) {
  if (recording.start == nullptr || recording.start->frames.frames.empty()) return true;
  bool all_reached = true;
  const size_t words = words_for(recording.trace);
  const Word* limit = thread_.machine.heap.limit();
  if (thread_.ap > limit || static_cast<size_t>(limit - thread_.ap) < words) {
    if (!thread_.make_room(words)) {
      thread_.current->error = RunError{};
      return true;
    }
  }
  // Passes of a rehearsal do not count for marks.
  const std::vector<uint32_t> countdowns = mark_countdowns_;
  std::ranges::fill(mark_countdowns_, UINT32_MAX);
  Rehearsal rehearsal(thread_, recording.start->frames.root);
  for (uint32_t i = 0; i < fragment.exits.size(); ++i) {
    Exit& exit = fragment.exits[i];
    if (exit.is_return) continue;
    if (!rehearse_exit(recording, fragment, i, rehearsal)) {
      all_reached = false;
      continue;
    }
    note_failure(exit);
    ++stats_.rehearsed_guards;
  }
  std::ranges::copy(countdowns, mark_countdowns_.begin());
  return all_reached;
}

// ---- shadow checks ----------------------------------------------------------

void TraceEngine::entered(Thread& thread, uint32_t trace) {
  if (rehearsed_.fragment != nullptr) return;
  const Fragment& fragment = *fragments_[trace];
  if (fragment.kind == TraceKind::kBridge) {
    shadow_steps_ += fragment.parent_steps;
    return;
  }
  shadow_steps_ = 0;
  Word* fp = thread.exit_state.fp();
  Word* root = fp;
  thread.pc = fragment.code->start;
  thread.fp = fp;
  if (fragment.kind == TraceKind::kContinuation) {
    thread.pc = return_position(fp);
    thread.fp = caller_of(fp);
    thread.fp[result_slot(thread.pc)] = thread.exit_state.value();
    root = fp - fragment.callee_base;
  }
  shadow_start_->frames = take_frames(thread, root);
}

/// The frames are rebuilt.
void TraceEngine::shadow_check(Thread& thread, ExitAddress address, const Exit& exit) {
  const FramesState& start = shadow_start_->frames;
  const uint32_t steps = shadow_steps_ + exit.steps;
  constexpr int kAttempts = 4;
  size_t words = 512 + 8 * size_t{steps};
  for (int attempt = 0; attempt < kAttempts; ++attempt, words *= 8) {
    const Word* limit = thread.machine.heap.limit();
    if (thread.ap > limit || static_cast<size_t>(limit - thread.ap) < words) {
      if (!thread.make_room(words)) {
        thread.current->error = RunError{};
        break;
      }
    }
    const FramesState actual = take_frames(thread, start.root);
    Rehearsal rehearsal(thread, start.root);
    const bool arrived = rehearsal.replay(start, steps);
    if (!arrived && !rehearsal.failed()) continue;
    const FramesState expected = arrived ? take_frames(thread, start.root) : FramesState{};
    const std::string problem = arrived ? difference(expected, actual) : "the interpreter fails before";
    if (!problem.empty()) {
      report_difference(fmt::format("{}/{} ({}, {} + {} steps)", address.fragment, address.exit,
                                    ir_op_info(exit.guard).name, shadow_steps_, exit.steps),
                        problem, expected, actual);
    }
    ++stats_.exits_checked;
    return;
  }
  ++stats_.exits_unchecked;
}

}  // namespace fble
