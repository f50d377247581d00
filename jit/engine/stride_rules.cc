#include "jit/engine/stride_rules.h"

#include <algorithm>
#include <optional>

#include "gc/object.h"
#include "interp/bytecode.h"

namespace fble {

namespace {

/// A row that needs more than this is left to calls.
constexpr uint32_t kMostInstructions = 600;
constexpr uint32_t kMostDepth = 24;
/// The digits of a stride, if they are small.
constexpr unsigned kDigits = 3;

/// A packed word of which the lowest bits are known: `width` bits, then a word, the rest of a register, or the result
/// of a call.
struct Value {
  enum class Rest : uint8_t { kWord, kRegister, kCall };
  Rest rest = Rest::kWord;
  uint32_t index = 0;  ///< of the register or the call
  unsigned shift = 0;  ///< the bits of the register that are gone
  Word word = 0;
  uint32_t bits = 0;  ///< none before a word
  unsigned width = 0;
};

using Values = std::vector<Value>;

Value word_value(Word word) { return {.rest = Value::Rest::kWord, .word = word}; }

unsigned smallest_width(const Code& function) {
  unsigned smallest = 0;
  for (uint32_t at = 0; at < function.words.size(); at += instruction_length(&function.words[at])) {
    const uint32_t* words = &function.words[at];
    const auto op = static_cast<Op>(words[0]);
    const unsigned width = op == Op::kSelect ? words[2] : op == Op::kSelectArg ? words[3] : 0;
    if (width != 0 && (smallest == 0 || width < smallest)) smallest = width;
  }
  return smallest;
}

}  // namespace

/// Runs bytecode for one row.
class StrideRules::Run {
 public:
  Run(const StrideRules& rules, uint32_t key) : globals_(rules.globals_), bits_(rules.bits_), key_(key) {}

  /// A call that is left.
  struct Call {
    const Code* code;
    Values args;
  };

  std::optional<Value> start(const State& state) {
    Values args;
    for (const Formal& formal : state.formals) {
      args.push_back(formal.is_constant ? word_value(formal.word) : of_register(formal.index));
    }
    return run(*state.code, args, 0);
  }

  const std::vector<Call>& calls() const { return calls_; }

  /// Returns the instructions that ran, without those of calls that are left.
  std::vector<RowStep> steps() {
    std::vector<RowStep> steps;
    std::ranges::sort(ran_, {}, &RowStep::pc);
    for (const RowStep& ran : ran_) {
      if (steps.empty() || steps.back().pc != ran.pc) steps.push_back({ran.code, ran.pc, 0});
      ++steps.back().times;
    }
    return steps;
  }

 private:
  uint32_t stride(uint32_t index) const { return (key_ >> (8 * index)) & 0xff; }

  Value of_register(uint32_t index) const {
    const uint32_t stride = this->stride(index);
    return stride < Word{2} << bits_ ? word_value(stride) : Value{.rest = Value::Rest::kRegister, .index = index};
  }

  /// Returns the tag if it is known.
  std::optional<uint32_t> tag(const Value& value, unsigned width) const {
    const uint32_t mask = (1u << width) - 1;
    if (value.rest == Value::Rest::kWord) {
      if (packed_bits(value.word) < width) return std::nullopt;
      return packed_tag(value.word, width);
    }
    if (value.width >= width) return value.bits & mask;
    if (value.width != 0 || value.rest != Value::Rest::kRegister || value.shift + width > bits_) return std::nullopt;
    return stride(value.index) >> (1 + value.shift) & mask;
  }

  /// Returns the argument of a union whose tag is known.
  static Value argument(Value value, unsigned width) {
    if (value.rest == Value::Rest::kWord) {
      value.word = packed_arg(value.word, width);
    } else if (value.width != 0) {
      value.bits >>= width;
      value.width -= width;
    } else {
      value.shift += width;
    }
    return value;
  }

  static std::optional<Value> make_union(Value value, uint32_t tag, unsigned width) {
    if (value.rest == Value::Rest::kWord) {
      value.word = pack_union(value.word, width, tag);
      return value.word != 0 ? std::optional(value) : std::nullopt;
    }
    if (value.width + width > kMostRowBits) return std::nullopt;
    value.bits = value.bits << width | tag;
    value.width += width;
    return value;
  }

  std::optional<Value> global(uint32_t index) const {
    const Word word = globals_[index];
    return is_packed(word) ? std::optional(word_value(word)) : std::nullopt;
  }

  /// Makes a call, or leaves it. Returns nothing if it cannot be left either.
  std::optional<Value> call(uint32_t number, const Values& args, uint32_t depth) {
    const Word word = globals_[number];
    if (word == 0 || !is_pointer(word)) return std::nullopt;
    const Object* closure = as_object(word);
    if (closure->kind() != ObjectKind::kClosure) return std::nullopt;
    const Code& code = *closure_code(closure);
    if (code.arity != args.size() || code.capture_count != 0 || code.native != nullptr || code.is_glue) {
      return std::nullopt;
    }
    const size_t left_before = calls_.size();
    const size_t ran_before = ran_.size();
    if (depth < kMostDepth) {
      if (std::optional<Value> result = run(code, args, depth + 1)) return result;
    }
    // What it has left itself belongs to it again, and what it has run is not over.
    calls_.resize(left_before);
    ran_.resize(ran_before);
    const bool can_be_left =
        std::ranges::none_of(args, [](const Value& arg) { return arg.rest == Value::Rest::kCall; });
    if (!can_be_left) return std::nullopt;
    calls_.push_back({&code, args});
    return Value{.rest = Value::Rest::kCall, .index = static_cast<uint32_t>(left_before)};
  }

  /// Runs a function to its end. Returns nothing where that needs what is not known or not done here.
  std::optional<Value> run(const Code& code, const Values& args, uint32_t depth) {
    std::vector<std::optional<Value>> slots(code.frame_slots);
    std::ranges::copy(args, slots.begin());
    for (const uint32_t* pc = code.start;;) {
      if (++instructions_ > kMostInstructions) return std::nullopt;
      ran_.push_back({&code, pc});
      const uint32_t* next = pc + instruction_length(pc);
      std::optional<Value> made;  // for slot pc[1]
      uint32_t to = pc[1];
      switch (const Op op = static_cast<Op>(*pc)) {
        case Op::kMove: made = slots[pc[2]]; break;
        case Op::kConstant: made = word_value(code.constants[pc[2]]); break;
        case Op::kGlobal: made = global(pc[2]); break;
        case Op::kUnion:
          if (slots[pc[4]]) made = make_union(*slots[pc[4]], pc[2], pc[3]);
          break;
        case Op::kArg: {
          const auto known = slots[pc[2]] ? tag(*slots[pc[2]], pc[4]) : std::nullopt;
          if (known == pc[3]) made = argument(*slots[pc[2]], pc[4]);
          break;
        }
        case Op::kKnownArg:
          if (slots[pc[2]] && tag(*slots[pc[2]], pc[3])) made = argument(*slots[pc[2]], pc[3]);
          break;
        case Op::kSelect:
        case Op::kSelectArg: {
          const bool takes = op == Op::kSelectArg;
          const uint32_t* operands = pc + (takes ? 2 : 1);
          const std::optional<Value> value = slots[operands[0]];
          const auto known = value ? tag(*value, operands[1]) : std::nullopt;
          if (!known) return std::nullopt;
          const std::span<const uint32_t> jumps = select_jumps(pc);
          next = pc + jumps[std::min<size_t>(*known, jumps.size() - 1)];
          to = takes ? pc[1] : operands[0];
          made = takes ? argument(*value, operands[1]) : *value;
          break;
        }
        case Op::kChoose: {
          const auto known = slots[pc[2]] ? tag(*slots[pc[2]], pc[3]) : std::nullopt;
          if (!known) return std::nullopt;
          const uint32_t source = pc[5 + std::min(*known, pc[4] - 1)];
          const uint32_t index = source >> kSourceShift;
          switch (source_kind(source)) {
            case Source::kSlot: made = slots[index]; break;
            case Source::kWord: made = word_value(index); break;
            case Source::kGlobal: made = global(index); break;
            case Source::kCapture: break;
          }
          break;
        }
        case Op::kJump: pc += pc[1]; continue;
        case Op::kReturn: return slots[pc[1]];
        case Op::kCallGlobal1:
        case Op::kCallGlobal2:
        case Op::kCallGlobal3:
        case Op::kCallGlobal:
        case Op::kTailCallGlobal1:
        case Op::kTailCallGlobal2:
        case Op::kTailCallGlobal3:
        case Op::kTailCallGlobal: {
          const bool is_list = op == Op::kCallGlobal || op == Op::kTailCallGlobal;
          const bool is_tail = op >= Op::kTailCallGlobal && op <= Op::kTailCallGlobal3;
          const uint32_t* list = pc + (is_list ? 3 : 2);
          const uint32_t count = is_list   ? pc[2]
                                 : is_tail ? static_cast<uint32_t>(op) - static_cast<uint32_t>(Op::kTailCallGlobal1) + 1
                                           : static_cast<uint32_t>(op) - static_cast<uint32_t>(Op::kCallGlobal1) + 1;
          Values values;
          for (uint32_t i = 0; i < count; ++i) {
            if (!slots[list[i]]) return std::nullopt;
            values.push_back(*slots[list[i]]);
          }
          made = call(pc[1], values, depth);
          if (is_tail) return made;
          to = list[count];
          break;
        }
        default: return std::nullopt;
      }
      if (!made) return std::nullopt;
      slots[to] = made;
      pc = next;
    }
  }

  const Word* globals_;
  unsigned bits_;
  uint32_t key_;
  uint32_t instructions_ = 0;
  std::vector<Call> calls_;
  std::vector<RowStep> ran_;  ///< in their order, each once
};

StrideRules::StrideRules(const Code& function, const Word* globals) : globals_(globals) {
  bits_ = std::min(kMostStrideBits, kDigits * smallest_width(function));
  State& first = states_.emplace_back();
  first.code = &function;
  for (uint32_t i = 0; i < function.arity; ++i) first.formals.push_back({.index = i});
}

uint32_t StrideRules::number_of(const State& state) {
  const auto known = std::ranges::find(states_, state);
  if (known != states_.end()) return static_cast<uint32_t>(known - states_.begin());
  if (states_.size() == kMostStates) return kMostStates;
  states_.push_back(state);
  return static_cast<uint32_t>(states_.size() - 1);
}

StrideRow StrideRules::row(uint32_t key, std::vector<RowStep>* steps) {
  StrideRow none;
  none.key = key;
  none.next = kStrideNone;
  none.width = kStrideStep;
  StrideRow row = none;
  // A register that is not needed any more holds the unit.
  std::array<bool, kMostStrideArguments> taken = {};
  const auto keep = [&](uint32_t index, unsigned shift) {
    if (taken[index]) return row.shifts[index] == shift && row.constants[index] == 1;
    taken[index] = true;
    row.shifts[index] = static_cast<uint8_t>(shift);
    row.constants[index] = 1;
    return true;
  };
  const auto set = [&](uint32_t index, Word word) {
    taken[index] = true;
    row.shifts[index] = 63;
    row.constants[index] = static_cast<uint32_t>(word);
    return word == static_cast<uint32_t>(word);
  };

  Run run(*this, key);
  const std::optional<Value> result = run.start(states_[key >> kStateShift]);
  if (!result) return none;
  const bool is_call = result->rest == Value::Rest::kCall;
  if (run.calls().size() != (is_call ? 1u : 0u)) return none;
  row.bits = result->bits;
  row.width = kStrideStep + result->width;
  if (!is_call) {
    const bool is_word = result->rest == Value::Rest::kWord;
    if (is_word ? !set(0, result->word) : !keep(result->index, result->shift)) return none;
    row.next = kStrideResult1 + (is_word ? 0 : result->index);
  } else {
    const Run::Call& call = run.calls().front();
    State state;
    state.code = call.code;
    for (const Value& arg : call.args) {
      Formal& formal = state.formals.emplace_back();
      formal.is_constant = arg.rest == Value::Rest::kWord;
      formal.index = arg.index;
      if (!formal.is_constant && (arg.width != 0 || !keep(arg.index, arg.shift))) return none;
    }
    // Constants are in free registers, those of their places if possible, so that there are fewer states.
    const uint32_t registers = arity();
    for (uint32_t i = 0; i < call.args.size(); ++i) {
      Formal& formal = state.formals[i];
      if (!formal.is_constant) continue;
      uint32_t place = i;
      if (place >= registers || taken[place]) {
        place = static_cast<uint32_t>(std::find(taken.begin(), taken.begin() + registers, false) - taken.begin());
      }
      if (place < registers) {
        if (!set(place, call.args[i].word)) return none;
        formal = {.index = place};
      } else {
        formal.word = call.args[i].word;
      }
    }
    const uint32_t number = number_of(state);
    if (number == kMostStates) return none;
    row.next = number << kStateShift;
  }
  for (uint32_t i = 0; i < kMostStrideArguments; ++i) {
    if (!taken[i]) set(i, kUnitWord);
  }
  if (steps != nullptr) *steps = run.steps();
  return row;
}

}  // namespace fble
