// Which slots matter: dead slots are no roots, so nothing is retained by a
// variable that will not be used again, and slots need no initialisation.
//
// Bytecode jumps forward only, so one backward pass is exact. It is made once for
// a code object, and keeps the set of each jump target and of every sixteenth
// instruction: the set of any position is then at most fifteen steps back from a
// kept set. A set is a tree over words of 64 slots, and kept sets share the parts in
// which they do not differ (J. R. Driscoll et al., Making Data Structures Persistent,
// 1989). So each slot that an instruction mentions costs at most one path of the tree,
// however many slots are live. Requested lists are kept as well, while all of them
// together are not longer than the code. So a large function costs neither time nor
// memory per pair of position and slot.
//
// The pass is made when a collection first asks. For large code it would make that collection long, so it is
// made before the code runs.
//
// Tested by tests/unit/interp/liveness_test.cc.
#include "interp/liveness.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace fble {

namespace {

/// The distance, in instructions, between positions whose set of live slots is kept.
constexpr size_t kKeepEvery = 16;

/// Code with more words is prepared before it runs. Less takes a collection a fraction of a millisecond.
constexpr size_t kLargeCodeWords = 4096;

/// Applies the instruction's writes and reads to a set, backwards.
template <typename Set>
void step_back(const Code& code, const uint32_t* words, Set& live) {
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

/// Turns the set of slots live after the instruction into the set before it. `Set` has add, remove, clear, and merge
/// with the set of a jump target.
template <typename Set>
void step_over(const Code& code, uint32_t at, Set& live) {
  const uint32_t* words = &code.words[at];
  const Op op = static_cast<Op>(words[0]);
  if (op == Op::kJump) {
    live.clear();
    live.merge(at + words[1]);
  } else if (op == Op::kSelect || op == Op::kSelectArg) {
    live.clear();
    for (uint32_t distance : select_jumps(words)) live.merge(at + distance);
  } else if (op_ends_activation(op)) {
    live.clear();
  }
  step_back(code, words, live);
}

}  // namespace

// ---- sets that share --------------------------------------------------------

size_t SharedSets::width(unsigned level) { return size_t{kSlotsPerLeaf} << (kFanOutBits * level); }

SharedSets::SharedSets(uint32_t slots) {
  while (width(levels_) < slots) ++levels_;
}

/// Returns a node with these contents, at the place of `old` unless that is frozen.
SharedSets::Set SharedSets::put(uint64_t leaf, Set old) {
  if (old >= frozen_leaves_) {
    leaves_[old] = leaf;
    return old;
  }
  leaves_.push_back(leaf);
  return static_cast<Set>(leaves_.size() - 1);
}
SharedSets::Set SharedSets::put(const Inner& inner, Set old) {
  if (old >= frozen_inner_) {
    inner_[old] = inner;
    return old;
  }
  inner_.push_back(inner);
  return static_cast<Set>(inner_.size() - 1);
}

SharedSets::Set SharedSets::change(Set set, uint32_t slot, bool is_member, unsigned level) {
  if (set == kEmpty && !is_member) return kEmpty;
  if (level == 0) {
    const uint64_t bit = uint64_t{1} << slot;
    const uint64_t now = is_member ? leaves_[set] | bit : leaves_[set] & ~bit;
    return now == leaves_[set] ? set : now == 0 ? kEmpty : put(now, set);
  }
  Inner inner = inner_[set];
  const size_t below = width(level - 1);
  Set& part = inner[slot / below];
  const Set before = part;
  part = change(before, static_cast<uint32_t>(slot % below), is_member, level - 1);
  // A part that has changed in place has the same name.
  if (part == before) return set;
  return inner == Inner{} ? kEmpty : put(inner, set);
}

SharedSets::Set SharedSets::unite(Set a, Set b, unsigned level) {
  if (a == b || b == kEmpty) return a;
  if (a == kEmpty) return b;
  if (level == 0) {
    const uint64_t both = leaves_[a] | leaves_[b];
    return both == leaves_[b] ? b : both == leaves_[a] ? a : put(both, a);
  }
  Inner inner = inner_[a];
  for (uint32_t i = 0; i < kFanOut; ++i) inner[i] = unite(inner[i], inner_[b][i], level - 1);
  return inner == inner_[b] ? b : inner == inner_[a] ? a : put(inner, a);
}

void SharedSets::copy(Set set, uint64_t* bits, unsigned level) const {
  if (set == kEmpty) return;
  if (level == 0) {
    *bits |= leaves_[set];
    return;
  }
  for (uint32_t i = 0; i < kFanOut; ++i) {
    copy(inner_[set][i], bits + size_t{i} * (width(level - 1) / kSlotsPerLeaf), level - 1);
  }
}

// ---- the backward pass ------------------------------------------------------

namespace {

/// The set at a position of the backward pass.
class SetOfPass {
 public:
  explicit SetOfPass(Liveness& liveness) : liveness_(liveness) {}
  void add(uint32_t slot) { set_ = liveness_.sets.with(set_, slot); }
  void remove(uint32_t slot) { set_ = liveness_.sets.without(set_, slot); }
  void clear() { set_ = SharedSets::kEmpty; }
  void merge(uint32_t offset) { set_ = liveness_.sets.unite(set_, *liveness_.kept_at(offset)); }
  SharedSets::Set get() const { return set_; }

 private:
  Liveness& liveness_;
  SharedSets::Set set_ = SharedSets::kEmpty;
};

/// The set at one position, while list_at computes it.
class SetOfQuery {
 public:
  explicit SetOfQuery(const Liveness& liveness) : liveness_(liveness), bits_(liveness.sets.words()) {}
  void add(uint32_t slot) { bits_[slot / 64] |= uint64_t{1} << (slot % 64); }
  void remove(uint32_t slot) { bits_[slot / 64] &= ~(uint64_t{1} << (slot % 64)); }
  void clear() { std::fill(bits_.begin(), bits_.end(), 0); }
  void merge(uint32_t offset) { liveness_.sets.copy(*liveness_.kept_at(offset), bits_.data()); }
  std::vector<uint32_t> list() const {
    size_t count = 0;
    for (const uint64_t word : bits_) count += static_cast<size_t>(std::popcount(word));
    std::vector<uint32_t> result;
    result.reserve(count);
    for (size_t i = 0; i < bits_.size(); ++i) {
      for (uint64_t rest = bits_[i]; rest != 0; rest &= rest - 1) {
        result.push_back(static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
    return result;
  }

 private:
  const Liveness& liveness_;
  std::vector<uint64_t> bits_;
};

/// Returns the live slots at an offset: steps back from the next kept set.
std::vector<uint32_t> list_at(const Code& code, const Liveness& known, uint32_t offset) {
  std::vector<uint32_t> between;
  uint32_t at = offset;
  while (at < code.words.size() && !known.kept_at(at)) {
    between.push_back(at);
    at += instruction_length(&code.words[at]);
  }
  SetOfQuery live(known);
  if (at < code.words.size()) live.merge(at);
  for (auto start = between.rbegin(); start != between.rend(); ++start) step_over(code, *start, live);
  return live.list();
}

}  // namespace

Liveness::Liveness(const Code& code) : sets(code.frame_slots) {
  const uint32_t size = static_cast<uint32_t>(code.words.size());
  index.resize(size);
  std::vector<uint32_t> starts;
  std::vector<bool> is_target(size);
  for (uint32_t at = 0; at < size; at += instruction_length(&code.words[at])) {
    starts.push_back(at);
    const uint32_t* words = &code.words[at];
    if (static_cast<Op>(words[0]) == Op::kJump) is_target[at + words[1]] = true;
    for (uint32_t distance : select_jumps(words)) is_target[at + distance] = true;
  }
  SetOfPass live(*this);
  for (size_t i = starts.size(); i-- > 0;) {
    step_over(code, starts[i], live);
    if (i % kKeepEvery != 0 && !is_target[starts[i]]) continue;
    kept.push_back({starts[i], live.get()});
    sets.freeze();
  }
  kept.shrink_to_fit();
  sets.shrink_to_fit();
}

std::optional<SharedSets::Set> Liveness::kept_at(uint32_t offset) const {
  const auto found = std::ranges::lower_bound(kept, offset, std::greater<>(), &Kept::offset);
  if (found == kept.end() || found->offset != offset) return std::nullopt;
  return found->set;
}

size_t Liveness::bytes() const {
  return sets.bytes() + kept.size() * sizeof(Kept) + index.size() * sizeof(uint32_t) + listed * sizeof(uint32_t) +
         lists.capacity() * sizeof(lists[0]) + lists.size() * sizeof(std::vector<uint32_t>) +
         (latest == nullptr ? 0 : latest->size() * sizeof(uint32_t));
}

namespace {

Liveness& liveness_of(Code& code) {
  if (code.liveness == nullptr) {
    code.liveness = std::make_unique<Liveness>(code);
    if (code.liveness_bytes != nullptr) *code.liveness_bytes += code.liveness->bytes();
  }
  return *code.liveness;
}

}  // namespace

LiveSlots live_slots(Code& code, const uint32_t* position) {
  Liveness& known = liveness_of(code);
  const uint32_t offset = static_cast<uint32_t>(position - code.start);
  uint32_t& index = known.index[offset];
  if (index != 0) return LiveSlots(*known.lists[index - 1]);
  // A collection that begins a marking asks twice.
  if (known.latest != nullptr && known.latest_offset == offset) return LiveSlots(known.latest);
  auto list = std::make_shared<const std::vector<uint32_t>>(list_at(code, known, offset));
  const size_t before = known.bytes();
  if (known.listed + list->size() <= code.words.size()) {
    known.listed += list->size();
    known.lists.push_back(list);
    index = static_cast<uint32_t>(known.lists.size());
  } else {
    known.latest = list;
    known.latest_offset = offset;
  }
  if (code.liveness_bytes != nullptr) *code.liveness_bytes += known.bytes() - before;
  return LiveSlots(std::move(list));
}

void prepare_liveness(ProgramCode& program) {
  program.liveness_bytes = 0;
  for (Code& code : program.codes) {
    code.liveness_bytes = &program.liveness_bytes;
    if (code.liveness != nullptr) {
      program.liveness_bytes += code.liveness->bytes();
    } else if (code.words.size() > kLargeCodeWords) {
      liveness_of(code);
    }
  }
}

}  // namespace fble
