// Computes which slots are live. Dead slots are no roots, so a variable that
// will not be used again retains no object, and slots need no initialisation.
//
// Bytecode jumps forward only, so one backward pass is exact. It is made once for
// a code object, and keeps the set of each jump target and of every sixteenth
// instruction: the set of any position is then at most fifteen steps back from a
// kept set, so a large function costs neither time nor memory per pair of
// position and slot. The requested lists are kept as well.
//
// Tested by tests/unit/interp/liveness_test.cc.
#include "interp/liveness.h"

#include <algorithm>
#include <functional>

namespace fble {

namespace {

/// The distance, in instructions, between positions whose set of live slots is kept.
constexpr size_t kKeepEvery = 16;

/// A set of slots, in words that it does not own.
struct SlotSet {
  std::span<uint64_t> bits;

  void add(uint32_t slot) { bits[slot / 64] |= uint64_t{1} << (slot % 64); }
  void remove(uint32_t slot) { bits[slot / 64] &= ~(uint64_t{1} << (slot % 64)); }
  void merge(std::span<const uint64_t> other) {
    for (size_t i = 0; i < bits.size(); ++i) bits[i] |= other[i];
  }
  void clear() { std::fill(bits.begin(), bits.end(), 0); }
  std::vector<uint32_t> list() const {
    std::vector<uint32_t> result;
    for (size_t i = 0; i < bits.size(); ++i) {
      for (uint64_t rest = bits[i]; rest != 0; rest &= rest - 1) {
        result.push_back(static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
    return result;
  }
};

/// Applies the instruction's writes and reads, backwards.
void step_back(const Code& code, const uint32_t* words, SlotSet& live) {
  const Op op = static_cast<Op>(words[0]);
  for_each_slot(words, [&](uint32_t slot, bool is_write) {
    if (is_write) live.remove(slot);
  });
  for_each_slot(words, [&](uint32_t slot, bool is_write) {
    if (!is_write) live.add(slot);
  });
  if (op == Op::kApplyHeld || op == Op::kNativeBody) {
    for (uint32_t slot = 0; slot < code.arity; ++slot) live.add(slot);
  }
}

/// Turns the set of slots live after the instruction into the set before it.
void step_over(const Code& code, const Liveness& known, uint32_t at, SlotSet& live) {
  const uint32_t* words = &code.words[at];
  const Op op = static_cast<Op>(words[0]);
  if (op == Op::kJump) {
    live.clear();
    live.merge(known.set_at(at + words[1]));
  } else if (op == Op::kSelect || op == Op::kSelectArg) {
    live.clear();
    for (uint32_t distance : select_jumps(words)) live.merge(known.set_at(at + distance));
  } else if (op_ends_activation(op)) {
    live.clear();
  }
  step_back(code, words, live);
}

/// Makes the backward pass over the whole code.
std::unique_ptr<Liveness> compute(const Code& code) {
  auto known = std::make_unique<Liveness>();
  const uint32_t size = static_cast<uint32_t>(code.words.size());
  known->index.resize(size);
  known->set_words = code.frame_slots / 64 + 1;
  std::vector<uint32_t> starts;
  std::vector<bool> is_target(size);
  for (uint32_t at = 0; at < size; at += instruction_length(&code.words[at])) {
    starts.push_back(at);
    const uint32_t* words = &code.words[at];
    if (static_cast<Op>(words[0]) == Op::kJump) is_target[at + words[1]] = true;
    for (uint32_t distance : select_jumps(words)) is_target[at + distance] = true;
  }
  std::vector<uint64_t> bits(known->set_words);
  SlotSet live{bits};
  for (size_t i = starts.size(); i-- > 0;) {
    step_over(code, *known, starts[i], live);
    if (i % kKeepEvery != 0 && !is_target[starts[i]]) continue;
    known->kept.push_back(starts[i]);
    known->sets.insert(known->sets.end(), bits.begin(), bits.end());
  }
  known->kept.shrink_to_fit();
  known->sets.shrink_to_fit();
  return known;
}

/// Returns the live slots at an offset: steps back from the next kept set.
std::vector<uint32_t> list_at(const Code& code, const Liveness& known, uint32_t offset) {
  std::vector<uint32_t> between;
  uint32_t at = offset;
  while (at < code.words.size() && known.set_at(at).empty()) {
    between.push_back(at);
    at += instruction_length(&code.words[at]);
  }
  std::vector<uint64_t> bits(known.set_words);
  SlotSet live{bits};
  if (at < code.words.size()) live.merge(known.set_at(at));
  for (auto start = between.rbegin(); start != between.rend(); ++start) step_over(code, known, *start, live);
  return live.list();
}

}  // namespace

std::span<const uint64_t> Liveness::set_at(uint32_t offset) const {
  const auto found = std::lower_bound(kept.begin(), kept.end(), offset, std::greater<>());
  if (found == kept.end() || *found != offset) return {};
  return {sets.data() + static_cast<size_t>(found - kept.begin()) * set_words, set_words};
}

const std::vector<uint32_t>& live_slots(Code& code, const uint32_t* position) {
  if (code.liveness == nullptr) code.liveness = compute(code);
  Liveness& known = *code.liveness;
  const uint32_t offset = static_cast<uint32_t>(position - code.start);
  uint32_t& index = known.index[offset];
  if (index == 0) {
    known.live.push_back(list_at(code, known, offset));
    index = static_cast<uint32_t>(known.live.size());
  }
  return known.live[index - 1];
}

}  // namespace fble
