// What is known of a code object's live slots: see liveness.cc.
//
// Tested by tests/unit/interp/liveness_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "interp/code.h"

namespace fble {

/// Sets of slots, as trees that share their equal parts.
class SharedSets {
 public:
  /// Names a set. Sets with the same name are equal.
  using Set = uint32_t;
  static constexpr Set kEmpty = 0;

  /// Makes sets of slots below `slots`.
  explicit SharedSets(uint32_t slots);

  /// Return the set with or without a slot, at the place of the old one unless that is frozen.
  Set with(Set set, uint32_t slot) { return change(set, slot, true, levels_); }
  Set without(Set set, uint32_t slot) { return change(set, slot, false, levels_); }
  /// Returns the union, at the place of `a` unless that is frozen. Requires: `b` is frozen.
  Set unite(Set a, Set b) { return unite(a, b, levels_); }
  /// Freezes all sets: they do not change any more.
  void freeze() {
    frozen_leaves_ = static_cast<Set>(leaves_.size());
    frozen_inner_ = static_cast<Set>(inner_.size());
  }

  /// Adds the members to a bit set of words() words.
  void copy(Set set, uint64_t* bits) const { copy(set, bits, levels_); }
  size_t words() const { return width(levels_) / kSlotsPerLeaf; }

  size_t bytes() const { return leaves_.size() * sizeof(uint64_t) + inner_.size() * sizeof(Inner); }
  void shrink_to_fit() {
    leaves_.shrink_to_fit();
    inner_.shrink_to_fit();
  }

 private:
  static constexpr uint32_t kSlotsPerLeaf = 64;
  static constexpr unsigned kFanOutBits = 2;
  static constexpr uint32_t kFanOut = 1 << kFanOutBits;
  using Inner = std::array<Set, kFanOut>;

  /// Returns the number of slots below a node of the level; leaves have level 0.
  static size_t width(unsigned level);
  Set put(uint64_t leaf, Set old);
  Set put(const Inner& inner, Set old);
  Set change(Set set, uint32_t slot, bool is_member, unsigned level);
  Set unite(Set a, Set b, unsigned level);
  void copy(Set set, uint64_t* bits, unsigned level) const;

  unsigned levels_ = 0;  ///< of inner nodes above the leaves
  // The first of each is the empty set.
  std::vector<uint64_t> leaves_{0};
  std::vector<Inner> inner_{Inner{}};
  Set frozen_leaves_ = 1;
  Set frozen_inner_ = 1;
};

/// The slots that are live at a position, ascending. Must not outlive the code.
class LiveSlots {
 public:
  using List = std::shared_ptr<const std::vector<uint32_t>>;
  /// A list that the code keeps. Counting references to it would cost more than most uses.
  explicit LiveSlots(const std::vector<uint32_t>& kept) : list_(&kept) {}
  explicit LiveSlots(List list) : list_(list.get()), owned_(std::move(list)) {}

  auto begin() const { return list_->begin(); }
  auto end() const { return list_->end(); }
  size_t size() const { return list_->size(); }

 private:
  const std::vector<uint32_t>* list_;
  List owned_;
};

/// The known live slots of a code object. Its memory is proportional to the code's.
struct Liveness {
  explicit Liveness(const Code& code);

  /// Returns the kept set of the offset, if there is one.
  std::optional<SharedSets::Set> kept_at(uint32_t offset) const;
  /// Returns the memory of all of this, in constant time.
  size_t bytes() const;

  struct Kept {
    uint32_t offset;
    SharedSets::Set set;
  };
  SharedSets sets;
  std::vector<Kept> kept;              ///< descending by offset
  std::vector<uint32_t> index;         ///< by word offset: 1 + index into `lists`, or 0
  std::vector<LiveSlots::List> lists;  ///< of requested positions
  size_t listed = 0;                   ///< the number of slots in `lists`; no larger than that of the code's words
  LiveSlots::List latest;              ///< a list that is too much for `lists`, of the position requested last
  uint32_t latest_offset = 0;
};

/// Returns the slots whose values are needed when the instruction at the position is about to run.
LiveSlots live_slots(Code& code, const uint32_t* position);

/// Computes what is known of large code before it runs, since the first collection would take long otherwise. Counts
/// that and all that is computed later in program.liveness_bytes.
void prepare_liveness(ProgramCode& program);

}  // namespace fble
