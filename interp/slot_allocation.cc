#include "interp/slot_allocation.h"

#include <algorithm>
#include <functional>

#include "interp/call_frame.h"

namespace fble {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

// is_call and is_tail_call rely on the order of the rows in opcodes.def.
static_assert(static_cast<uint32_t>(Op::kCallGlobal3) - static_cast<uint32_t>(Op::kCall) == 7);
static_assert(static_cast<uint32_t>(Op::kTailCallGlobal3) - static_cast<uint32_t>(Op::kTailCall) == 7);

struct Value {
  uint32_t last = kNone;  ///< offset of the last instruction that mentions it
  uint32_t slot = kNone;  ///< from the first one on
};

/// The set of slots of a frame that are in use.
class FrameSlots {
 public:
  /// Takes `count` adjacent free slots and returns the first. A single one is the lowest free slot.
  uint32_t take(uint32_t count) {
    if (count == 1) {
      while (!released_.empty()) {
        std::pop_heap(released_.begin(), released_.end(), std::greater<>());
        const uint32_t slot = released_.back();
        released_.pop_back();
        if (slot >= top() || in_use_[slot]) continue;
        in_use_[slot] = true;
        return slot;
      }
    }
    const uint32_t slot = top();
    in_use_.resize(slot + count, true);
    reserve(top());
    return slot;
  }
  void release(uint32_t slot) {
    in_use_[slot] = false;
    released_.push_back(slot);
    std::push_heap(released_.begin(), released_.end(), std::greater<>());
    while (!in_use_.empty() && !in_use_.back()) in_use_.pop_back();
  }
  /// Returns the first slot above all that are in use.
  uint32_t top() const { return static_cast<uint32_t>(in_use_.size()); }
  /// Grows the frame to at least `slots` slots.
  void reserve(uint32_t slots) { most_ = std::max(most_, slots); }
  uint32_t most() const { return most_; }

 private:
  std::vector<uint8_t> in_use_;     ///< by slot, up to the highest in use
  std::vector<uint32_t> released_;  ///< a heap, the lowest first; some have come into use again, or are above the top
  uint32_t most_ = 0;
};

class SlotAllocation {
 public:
  explicit SlotAllocation(Code& code) : code_(code), values_(code.frame_slots) {}

  void run() {
    find_ends();
    frame_.take(code_.arity);
    for (uint32_t arg = 0; arg < code_.arity; ++arg) values_[arg].slot = arg;
    for (uint32_t arg = 0; arg < code_.arity; ++arg) {
      if (values_[arg].last == kNone) frame_.release(arg);
    }
    for (uint32_t start = 0, length = 0; start < code_.words.size(); start += length) {
      mentions_.clear();
      length =
          for_each_slot(words(start), [&](uint32_t value, bool is_write) { mentions_.push_back({value, is_write}); });
      const uint32_t top = frame_.top();
      // A call has read its arguments before its result is written.
      if (is_call(start)) release_ended(start, false);
      take_slots(start);
      rename(start, std::max(top, frame_.top()));
      release_ended(start, true);
    }
    code_.frame_slots = frame_.most();
  }

 private:
  uint32_t* words(uint32_t start) { return &code_.words[start]; }
  Op op(uint32_t start) const { return static_cast<Op>(code_.words[start]); }
  /// Returns whether the instruction pushes a frame and continues with a result.
  bool is_call(uint32_t start) const { return op(start) >= Op::kCall && op(start) <= Op::kCallGlobal3; }
  bool is_tail_call(uint32_t start) const { return op(start) >= Op::kTailCall && op(start) <= Op::kTailCallGlobal3; }

  void find_ends() {
    for (uint32_t start = 0; start < code_.words.size();) {
      start += for_each_slot(words(start), [&](uint32_t value, bool) { values_[value].last = start; });
    }
  }

  /// Gives slots to the values that begin with the instruction.
  void take_slots(uint32_t start) {
    if (op(start) == Op::kDeclare) {
      const uint32_t count = words(start)[1];
      const uint32_t value = words(start)[2];
      const uint32_t slot = frame_.take(count);
      for (uint32_t i = 0; i < count; ++i) values_[value + i].slot = slot + i;
      return;
    }
    for (const Mention& mention : mentions_) {
      uint32_t& slot = values_[mention.value].slot;
      if (mention.is_write && slot == kNone) slot = frame_.take(1);
    }
  }

  /// Frees the slots of the values that the instruction is the last to mention, those that it writes among them or not.
  void release_ended(uint32_t start, bool with_written) {
    for (const Mention& mention : mentions_) {
      Value& value = values_[mention.value];
      if (value.last != start || (mention.is_write && !with_written)) continue;
      value.last = kNone;  // it may be mentioned twice
      frame_.release(value.slot);
    }
  }

  /// Renames the operands. `top`: the first slot above all that the instruction reads, and all that are needed while it
  /// runs or after it.
  void rename(uint32_t start, uint32_t top) {
    uint32_t* const at = words(start);
    uint32_t count = 0;
    for_each_operand(at, [&](char letter, uint32_t i) {
      uint32_t& word = at[i];
      switch (letter) {
        case 'S':
        case 'L': ++count; [[fallthrough]];
        case 'D':
        case 'R': word = values_[word].slot; break;
        case 'P':
          if ((word & 1) == 0) word = values_[word >> 1].slot << 1;
          break;
        case 'V':
          if (source_kind(word) == Source::kSlot) {
            word = make_source(Source::kSlot, values_[word >> kSourceShift].slot);
          }
          break;
        case 'B': word = top + kHeaderSlots; break;
        default: break;
      }
    });
    // Room for the header and the arguments; a tail call moves them by way of the last slots.
    if (is_call(start) || is_tail_call(start)) {
      if (op_info(op(start)).operands[0] == 'S') --count;  // the first is the function
      frame_.reserve(top + kHeaderSlots + count);
    }
  }

  struct Mention {
    uint32_t value;
    bool is_write;
  };

  Code& code_;
  std::vector<Value> values_;
  std::vector<Mention> mentions_;  ///< the mentions of the instruction
  FrameSlots frame_;
};

}  // namespace

void allocate_slots(Code& code) { SlotAllocation(code).run(); }

}  // namespace fble
