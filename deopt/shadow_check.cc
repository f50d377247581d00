#include "deopt/shadow_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "deopt/same_value.h"
#include "deopt/side_table.h"
#include "interp/carrier.h"
#include "interp/interpreter.h"
#include "interp/liveness.h"

namespace fble {

namespace {

/// The number of pieces of glue that there is room for from the start.
constexpr size_t kFewGlue = 32;

/// Calls `visit(slot)` for the live slots of a frame of the state, counted from its own first one.
template <typename Visit>
void for_each_slot(const FramesState& state, size_t index, Visit&& visit) {
  const FramesState::Frame& frame = state.frames[index];
  for_each_live_slot(*frame.code, frame.pc, index + 1 < state.frames.size(), visit);
}

/// Returns the text of a value, down to `depth` levels.
std::string print_word(Word word, int depth) {
  if (word == 0) return "nothing";
  if (is_packed(word)) return fmt::format("{:#x}", word);
  if (!is_pointer(word)) return fmt::format("placeholder {:#x}", word);
  const Object& object = *as_object(word);
  constexpr const char* kKinds[] = {"struct", "union", "closure"};
  const auto kind = static_cast<size_t>(object.kind());
  std::string text = kind < std::size(kKinds) ? kKinds[kind] : "object";
  if (object.kind() == ObjectKind::kClosure) text += " " + closure_code(&object)->block.str();
  if (object.tag() != 0) text += fmt::format(" tag {}", object.tag());
  if (depth == 0) return text;
  text += "(";
  for (uint32_t i = object.first_value(); i < object.count() && i < 8; ++i) {
    text += (i == object.first_value() ? "" : ", ") + print_word(object.fields[i], depth - 1);
  }
  return text + ")";
}

}  // namespace

FramesState take_frames(const Carrier& carrier, Word* root) {
  FramesState state;
  take_frames(carrier, root, state);
  return state;
}

void take_frames(const Carrier& carrier, Word* root, FramesState& state) {
  state.frames.clear();
  state.words.clear();
  state.root = root;
  state.next_placeholder = carrier.groups.next_placeholder;
  for_each_frame(carrier.pc, carrier.fp, [&](Word* fp, const uint32_t* pc) {
    if (fp < root) return false;
    state.frames.push_back({&code_of_frame(fp), pc, static_cast<int32_t>(fp - root)});
    return fp != root;
  });
  std::reverse(state.frames.begin(), state.frames.end());
  if (state.frames.empty() || state.frames.front().base != 0) {
    state.frames.clear();
    return;
  }
  size_t words = 0;
  for (size_t i = 0; i < state.frames.size(); ++i)
    words += 1 + live_slots(*state.frames[i].code, state.frames[i].pc).size();
  state.words.reserve(words);
  for (size_t i = 0; i < state.frames.size(); ++i) {
    const Word* frame = root + state.frames[i].base;
    state.words.push_back(frame[kClosureSlot]);
    for_each_slot(state, i, [&](int32_t slot) { state.words.push_back(frame[slot]); });
  }
}

void put_frames(Carrier& carrier, const FramesState& state) {
  const Word* word = state.words.data();
  for (size_t i = 0; i < state.frames.size(); ++i) {
    Word* frame = state.root + state.frames[i].base;
    frame[kClosureSlot] = *word++;
    for_each_slot(state, i, [&](int32_t slot) { frame[slot] = *word++; });
    if (i == 0) continue;
    frame[kReturnPositionSlot] = reinterpret_cast<Word>(state.frames[i - 1].pc);
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }
  carrier.groups.next_placeholder = state.next_placeholder;
  carrier.pc = state.frames.back().pc;
  carrier.fp = state.root + state.frames.back().base;
}

// ---- rehearsals -------------------------------------------------------------

Rehearsal::Rehearsal(Carrier& carrier, Word* root)
    : carrier_(carrier),
      root_(root),
      frames_(root - kHeaderSlots, carrier.fp + code_of_frame(carrier.fp).frame_slots),
      table_(carrier.table),
      observer_(carrier.machine.observer),
      pc_(carrier.pc),
      fp_(carrier.fp),
      ap_(carrier.ap),
      value_(carrier.value),
      error_(carrier.error),
      groups_(carrier.groups),
      watermark_(carrier.current->stack->watermark()) {
  entries_.reserve(carrier.machine.program.codes.size() + kFewGlue);
  carrier.machine.for_each_code([&](Code& code) {
    // Natives are entered in the same way as while recording (GlueCode::native), so that steps are counted alike.
    if (code.native != nullptr) return;
    entries_.emplace_back(&code, code.entry);
    code.entry = entry_by_table();
  });
  carrier.stepped.no_collections = true;
  carrier.machine.observer = nullptr;
  carrier.lift_limits();
}

Rehearsal::~Rehearsal() {
  for (const auto& [code, entry] : entries_) code->entry = entry;
  std::copy(frames_.begin(), frames_.end(), root_ - kHeaderSlots);
  carrier_.table = table_;
  carrier_.machine.observer = observer_;
  carrier_.pc = pc_;
  carrier_.fp = fp_;
  carrier_.ap = ap_;
  carrier_.value = value_;
  carrier_.error = std::move(error_);
  carrier_.groups = std::move(groups_);
  carrier_.current->stack->restore_watermark(watermark_);
  carrier_.stepped.no_collections = false;
  carrier_.request_what_was_put_off();
  carrier_.restore_limits();
}

bool Rehearsal::replay(const FramesState& from, uint32_t steps, std::span<const WholeStep> whole_steps) {
  carrier_.error = RunError{};
  put_frames(carrier_, from);
  SteppedRun& run = carrier_.stepped;
  run = {.no_collections = run.no_collections, .steps_to_go = steps, .whole_steps = whole_steps};
  run_steps(carrier_);
  const bool arrived = run.steps_to_go == UINT32_MAX;
  run = {.no_collections = run.no_collections};
  return arrived;
}

bool Rehearsal::failed() const { return !carrier_.error.lines.empty(); }

// ---- comparing --------------------------------------------------------------

std::string difference(const FramesState& expected, const FramesState& actual, std::span<const int32_t> left_out) {
  if (expected.frames != actual.frames) return "other frames";
  SameValue same([](const Code& a, const Code& b) { return &a == &b; });
  size_t at = 0;
  std::string text;
  for (size_t i = 0; i < expected.frames.size(); ++i) {
    const int32_t base = expected.frames[i].base;
    const auto differs = [&] { return text.empty() && !same(expected.words[at], actual.words[at]); };
    const auto describe_it = [&](const std::string& what) {
      text = fmt::format("{} of frame {}: {} where the interpreter has {}", what, i, print_word(actual.words[at], 2),
                         print_word(expected.words[at], 2));
    };
    if (differs()) describe_it("the closure");
    ++at;
    for_each_slot(expected, i, [&](int32_t slot) {
      if (std::find(left_out.begin(), left_out.end(), base + slot) == left_out.end() && differs()) {
        describe_it(fmt::format("slot {}", slot));
      }
      ++at;
    });
  }
  return text;
}

std::string describe(const FramesState& state) {
  std::string text;
  const Word* word = state.words.data();
  for (size_t i = 0; i < state.frames.size(); ++i) {
    const FramesState::Frame& frame = state.frames[i];
    text += fmt::format("  frame {}: {} at {}, base {}, closure {}\n", i, frame.code->block.str(),
                        frame.pc - frame.code->start, frame.base, print_word(*word++, 1));
    for_each_slot(state, i,
                  [&](int32_t slot) { text += fmt::format("    slot {}: {}\n", slot, print_word(*word++, 3)); });
  }
  return text.empty() ? "  no frames\n" : text;
}

}  // namespace fble
