// Which slots matter: dead slots are no roots, so nothing is retained by a
// variable that will not be used again, and slots need no initialisation.
//
// Bytecode jumps forward only, so one backward pass from the end to the
// position asked for is exact. Results are kept per position: the positions
// asked for are calls and allocations that were active during a collection.
//
// Tested by tests/unit/interp/liveness_test.cc.
#include <algorithm>

#include "interp/thread.h"

namespace fble {

namespace {

class SlotSet {
 public:
  explicit SlotSet(size_t slots) : bits_((slots + 63) / 64) {}
  void add(uint32_t slot) { bits_[slot / 64] |= uint64_t{1} << (slot % 64); }
  void remove(uint32_t slot) { bits_[slot / 64] &= ~(uint64_t{1} << (slot % 64)); }
  void merge(const SlotSet& other) {
    for (size_t i = 0; i < bits_.size(); ++i) bits_[i] |= other.bits_[i];
  }
  void clear() { std::fill(bits_.begin(), bits_.end(), 0); }
  std::vector<uint32_t> list() const {
    std::vector<uint32_t> result;
    for (size_t i = 0; i < bits_.size(); ++i) {
      for (uint64_t rest = bits_[i]; rest != 0; rest &= rest - 1) {
        result.push_back(static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
    return result;
  }

 private:
  std::vector<uint64_t> bits_;
};

/// Applies the instruction's writes and reads, backwards.
void step_back(const Code& code, const uint32_t* words, SlotSet& live) {
  const Op op = static_cast<Op>(words[0]);
  const char* operands = op_info(op).operands;
  for (int pass = 0; pass < 2; ++pass) {
    const bool writes = pass == 0;
    uint32_t at = 1;
    uint32_t list = 0;
    for (const char* operand = operands; *operand != 0; ++operand) {
      switch (*operand) {
        case 'D':
          if (writes) live.remove(words[at]);
          ++at;
          break;
        case 'R':
          if (writes) {
            for (uint32_t i = 0; i < list; ++i) live.remove(words[at] + i);
          }
          ++at;
          break;
        case 'S':
          if (!writes) live.add(words[at]);
          ++at;
          break;
        case 'N':
          list = words[at++];
          break;
        case 'L':
          for (uint32_t i = 0; i < list; ++i, ++at) {
            if (!writes) live.add(words[at]);
          }
          break;
        case 'P':
          for (uint32_t i = 0; i < list; ++i, ++at) {
            if (!writes && (words[at] & 1) == 0) live.add(words[at] >> 1);
          }
          break;
        case 'T':
          at += list;
          break;
        default:
          ++at;
      }
    }
  }
  if (op == Op::kApplyHeld || op == Op::kNativeBody) {
    for (uint32_t slot = 0; slot < code.arity; ++slot) live.add(slot);
  }
  // While a group is being defined its placeholders are in its slots.
  if (op == Op::kDefine) {
    for (uint32_t i = 0; i < words[1]; ++i) live.add(words[2] + i);
  }
}

std::vector<uint32_t> compute(const Code& code, uint32_t offset) {
  std::vector<uint32_t> starts;
  for (uint32_t at = offset; at < code.words.size(); at += instruction_length(&code.words[at])) {
    starts.push_back(at);
  }
  std::unordered_map<uint32_t, SlotSet> at_target;
  for (uint32_t at : starts) {
    const uint32_t* words = &code.words[at];
    if (static_cast<Op>(words[0]) == Op::kJump) {
      at_target.emplace(at + words[1], SlotSet(code.frame_slots));
    } else {
      for (uint32_t distance : select_jumps(words)) at_target.emplace(at + distance, SlotSet(code.frame_slots));
    }
  }
  SlotSet live(code.frame_slots);
  for (auto start = starts.rbegin(); start != starts.rend(); ++start) {
    const uint32_t* words = &code.words[*start];
    const Op op = static_cast<Op>(words[0]);
    if (op == Op::kJump) {
      live = at_target.at(*start + words[1]);
    } else if (op == Op::kSelect || op == Op::kSelectArg) {
      live.clear();
      for (uint32_t distance : select_jumps(words)) live.merge(at_target.at(*start + distance));
    } else if (std::string_view(op_info(op).effects).find('t') != std::string_view::npos) {
      live.clear();
    }
    step_back(code, words, live);
    auto target = at_target.find(*start);
    if (target != at_target.end()) target->second = live;
  }
  return live.list();
}

}  // namespace

const std::vector<uint32_t>& live_slots(Code& code, const uint32_t* position) {
  if (code.liveness == nullptr) {
    code.liveness = std::make_unique<Liveness>();
    code.liveness->index.resize(code.words.size());
  }
  Liveness& known = *code.liveness;
  const uint32_t offset = static_cast<uint32_t>(position - code.start);
  uint32_t& index = known.index[offset];
  if (index == 0) {
    known.live.push_back(compute(code, offset));
    index = static_cast<uint32_t>(known.live.size());
  }
  return known.live[index - 1];
}

}  // namespace fble
