// The rules of fold.cc, stated once for two readers.
//
// A rule is a row: its name, its condition, the replacement. `T` is the trace that rules
// examine. In the product it is Forward, words are machine words, and a row is an `if`. In
// tests/proofs/fold_proof_test.cc words are terms of an SMT solver: the same text is run
// along each of its paths, and for each row that is reached the solver is asked whether
// instruction and replacement differ for any words that satisfy what the path has asked.
//
// So the text below uses only operations that both have: conditions are used where
// C++ expects a bool, and computations that depend on the size of a word are
// functions of T.
#pragma once

#include <bit>
#include <utility>

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "jit/ir/fact_rules.h"
#include "jit/opt/forward.h"

namespace fble {

// The proof has the same functions for its terms.
inline bool add_overflows(Word a, Word b, Word* sum) { return __builtin_add_overflow(a, b, sum); }
inline bool add_overflows(int64_t a, int64_t b, int64_t* sum) { return __builtin_add_overflow(a, b, sum); }
inline bool sub_overflows(int64_t a, int64_t b, int64_t* sum) { return __builtin_sub_overflow(a, b, sum); }
inline bool mul_overflows(Word a, Word b, Word* product) { return __builtin_mul_overflow(a, b, product); }
inline bool mul_overflows(int64_t a, int64_t b, int64_t* product) { return __builtin_mul_overflow(a, b, product); }

/// A row. `T::rule` notes the name for the proof and does nothing in the product.
#define FBLE_RULE(name, condition, answer) \
  if (condition) {                         \
    forward.rule(#name);                   \
    return answer;                         \
  }

template <typename T>
class FoldRules {
 public:
  using Word = typename T::Word;      ///< 64 bits
  using Int = typename T::Int;        ///< the same with a sign
  using Number = typename T::Number;  ///< an instruction's n
  using Ref = typename T::Ref;
  using Ins = typename T::Ins;
  using Answer = BasicAnswer<Ref>;

  T& forward;  ///< the trace, with what is known before the instruction
  Ins& ins;

  FoldRules(T& trace, Ins& instruction) : forward(trace), ins(instruction) {}

  /// Finds the first rule that fits the instruction.
  Answer fold() {
    switch (ins.op) {
      case IrOp::kPackedArg: return packed_arg();
      case IrOp::kPackedField: return packed_field();
      case IrOp::kPackUnion: return pack_union();
      case IrOp::kPackStruct: return pack_struct();
      case IrOp::kNoFit: return no_fit();
      case IrOp::kIsNatural: return natural_guard();
      case IrOp::kLayoutIs: return layout_guard();
      case IrOp::kTagIs:
      case IrOp::kTagFrom: return tag_guard();
      case IrOp::kAdd:
      case IrOp::kSub:
      case IrOp::kMul:
      case IrOp::kDiv:
      case IrOp::kMod:
      case IrOp::kAnd:
      case IrOp::kOr:
      case IrOp::kXor: return arithmetic();
      case IrOp::kShiftLeft:
      case IrOp::kShiftRight: return shift();
      case IrOp::kLess:
      case IrOp::kEqual:
      case IrOp::kLessEqual:
      case IrOp::kUnequal:
      case IrOp::kCompare:
      case IrOp::kIsLess:
      case IrOp::kNotLess:
      case IrOp::kIsEqual:
      case IrOp::kNotEqual: return comparison();
      case IrOp::kIntrinsic: return intrinsic();
      case IrOp::kIntOf: return int_of();
      case IrOp::kIntWord: return int_word();
      case IrOp::kIntAdd:
      case IrOp::kIntSub:
      case IrOp::kIntMul:
      case IrOp::kIntDiv:
      case IrOp::kIntRem:
      case IrOp::kIntShiftRight: return numbers();
      case IrOp::kOrderKey:
        FBLE_RULE(order_key_constant, forward.is_constant(ins.a),
                  replace(forward.raw_constant(order_key(forward.word_of(ins.a)))));
        return {};
      case IrOp::kChoose: return choose();
      case IrOp::kTagIn: return tag_in();
      case IrOp::kBitAnd:
      case IrOp::kBitOr:
      case IrOp::kBitXor: return bits();
      default: return {};
    }
  }

 private:
  static constexpr uint64_t kZero = 3;  // as a natural
  static constexpr uint64_t kOne = 7;
  static constexpr uint64_t kTrue = 5;
  static constexpr uint64_t kFalse = 7;
  static constexpr uint64_t kLess = 9;
  static constexpr uint64_t kEqual = 11;
  static constexpr uint64_t kGreater = 13;

  static Word natural_word(Word value) { return value << 2 | 3; }
  static Word value_of(Word natural) { return natural >> 2; }

  static Answer replace(Ref ref) { return {Answer::kReplace, ref}; }
  static Answer fails() { return {Answer::kFails}; }
  static Answer holds(bool yes) { return {yes ? Answer::kDrop : Answer::kFails}; }

  /// Replaces the instruction by its constant result; 0 means that it leaves.
  Answer computed(Word word) {
    if (word == 0) return fails();
    return replace(forward.constant(word));
  }
  Answer computed_raw(Word word) { return replace(forward.raw_constant(word)); }
  Answer boolean(bool value) { return replace(forward.constant(value ? kTrue : kFalse)); }

  /// Rewrites the instruction to one with two operands.
  Answer rewrite(IrOp op, Ref a, Ref b) {
    ins.op = op;
    ins.a = a;
    ins.b = b;
    ins.n = 0;
    ins.m = 0;
    ins.list.clear();
    return {Answer::kAgain};
  }

  Answer rewrite_shift(IrOp op, Ref a, Number count) {
    ins.op = op;
    ins.a = a;
    ins.b = kNoRef;
    ins.n = count;
    ins.list.clear();
    if (!ir_is_guard(op)) ins.snapshot = kNoSnapshot;
    return {Answer::kAgain};
  }

  Answer rewrite_narrower(decltype(Ins::m) width) {
    ins.m = width;
    ins.narrowed = true;
    return {Answer::kAgain};
  }

  // ---- naturals -----------------------------------------------------------------

  static Word of_constants(IrOp op, Word a, Word b) {
    Word result = 0;
    switch (op) {
      case IrOp::kAdd: return add_overflows(a - kZero, b, &result) ? Word{0} : result;
      case IrOp::kSub: return a < b ? Word{0} : a - b + kZero;
      case IrOp::kMul: return mul_overflows(a - kZero, b >> 2, &result) ? Word{0} : result + kZero;
      case IrOp::kDiv: return b == kZero ? Word{0} : natural_word(value_of(a) / value_of(b));
      case IrOp::kMod: return b == kZero ? Word{0} : natural_word(value_of(a) % value_of(b));
      case IrOp::kAnd: return a & b;
      case IrOp::kOr: return a | b;
      case IrOp::kXor: return (a ^ b) | 3;
      case IrOp::kLess: return a < b ? kTrue : kFalse;
      case IrOp::kEqual: return a == b ? kTrue : kFalse;
      case IrOp::kLessEqual: return a <= b ? kTrue : kFalse;
      case IrOp::kUnequal: return a != b ? kTrue : kFalse;
      case IrOp::kCompare: return a < b ? kLess : a == b ? kEqual : kGreater;
      default: FBLE_BUG("not an operation on naturals");
    }
  }

  static bool is_commutative(IrOp op) {
    return op == IrOp::kAdd || op == IrOp::kMul || op == IrOp::kAnd || op == IrOp::kOr || op == IrOp::kXor ||
           op == IrOp::kBitAnd || op == IrOp::kBitOr || op == IrOp::kBitXor || op == IrOp::kEqual ||
           op == IrOp::kUnequal || op == IrOp::kIsEqual || op == IrOp::kNotEqual;
  }

  /// Puts constants second, and else the older operand first.
  void order_operands() {
    if (!is_commutative(ins.op) || forward.is_constant(ins.b)) return;
    if (forward.is_constant(ins.a) || index_of(ins.a) > index_of(ins.b)) std::swap(ins.a, ins.b);
  }

  /// Makes x + c for a signed c, as an instruction; the sum decides which form leaves.
  Answer offset(Ref x, Int c) {
    if (c == 0) return replace(x);
    const Ref amount = forward.constant(natural_word(static_cast<Word>(c < 0 ? -c : c)));
    return rewrite(c < 0 ? IrOp::kSub : IrOp::kAdd, x, amount);
  }

  /// Returns whether `ref` is `x + c`, where the instruction that adds has not left.
  bool is_offset(Ref ref, Ref* x, Int* c) {
    if (index_of(ref) < forward.barrier) return false;
    const auto& sum = forward.at(ref);
    if (!(sum.op == IrOp::kAdd) && !(sum.op == IrOp::kSub)) return false;
    if (!forward.is_constant(sum.b)) return false;
    *x = sum.a;
    *c = static_cast<Int>(value_of(forward.word_of(sum.b)));
    if (sum.op == IrOp::kSub) *c = -*c;
    return true;
  }

  /// Returns whether x + before, plus or minus `more`, is x + sum with a sum in the range of constants.
  bool sum_of_offsets(Int before, Int more, Int* sum) {
    const Int most = static_cast<Int>(forward.max_natural());
    const bool overflow = ins.op == IrOp::kAdd ? add_overflows(before, more, sum) : sub_overflows(before, more, sum);
    return !overflow && *sum > -most && *sum < most;
  }

  Answer arithmetic() {
    order_operands();
    const Ref a = ins.a;
    const Ref b = ins.b;
    const bool constant_b = forward.is_constant(b);
    FBLE_RULE(naturals_constant, constant_b && forward.is_constant(a),
              computed(of_constants(ins.op, forward.word_of(a), forward.word_of(b))));
    const Word c = constant_b ? forward.word_of(b) : Word{0};
    const bool power = constant_b && has_single_bit(value_of(c));
    switch (ins.op) {
      case IrOp::kAdd:
      case IrOp::kSub: {
        FBLE_RULE(add_zero, c == kZero, replace(a));
        FBLE_RULE(sub_self, ins.op == IrOp::kSub && a == b, replace(forward.constant(kZero)));
        Ref x = kNoRef;
        Int before = 0;
        Int sum = 0;
        FBLE_RULE(
            add_offset,
            constant_b && is_offset(a, &x, &before) && sum_of_offsets(before, static_cast<Int>(value_of(c)), &sum),
            offset(x, sum));
        return {};
      }
      case IrOp::kMul:
        FBLE_RULE(mul_zero, c == kZero, replace(b));
        FBLE_RULE(mul_one, c == kOne, replace(a));
        FBLE_RULE(mul_power, power, rewrite_shift(IrOp::kShiftLeft, a, exponent_of(value_of(c))));
        return {};
      case IrOp::kDiv:
        FBLE_RULE(div_zero, c == kZero, fails());
        FBLE_RULE(div_one, c == kOne, replace(a));
        FBLE_RULE(div_power, power, rewrite_shift(IrOp::kShiftRight, a, exponent_of(value_of(c))));
        return {};
      case IrOp::kMod:
        FBLE_RULE(mod_zero, c == kZero, fails());
        FBLE_RULE(mod_power, power, rewrite(IrOp::kAnd, a, forward.constant(natural_word(value_of(c) - 1))));
        return {};
      case IrOp::kAnd:
        FBLE_RULE(and_self, a == b, replace(a));
        FBLE_RULE(and_zero, c == kZero, replace(b));
        return {};
      case IrOp::kOr:
        FBLE_RULE(or_self, a == b, replace(a));
        FBLE_RULE(or_zero, c == kZero, replace(a));
        return {};
      case IrOp::kXor:
        FBLE_RULE(xor_self, a == b, replace(forward.constant(kZero)));
        FBLE_RULE(xor_zero, c == kZero, replace(a));
        return {};
      default: return {};
    }
  }

  Answer shift() {
    FBLE_RULE(shift_by_zero, ins.n == 0, replace(ins.a));
    if (!forward.is_constant(ins.a)) return {};
    const Word value = value_of(forward.word_of(ins.a));
    FBLE_RULE(shift_right_constant, ins.op == IrOp::kShiftRight, computed(natural_word(value >> ins.n)));
    const bool fits = (value << ins.n) >> ins.n == value && value << ins.n <= forward.max_natural();
    FBLE_RULE(shift_left_constant, true, computed(fits ? natural_word(value << ins.n) : Word{0}));
  }

  // ---- comparisons ----------------------------------------------------------------

  /// The order of two words as far as earlier guards decide it.
  enum class Order { kUnknown, kLess, kNotLess, kEqual, kNotEqual };

  Order known_order(Ref a, Ref b) {
    if (a == b) return Order::kEqual;
    if (forward.is_constant(a) && forward.is_constant(b)) {
      const Word x = forward.word_of(a);
      const Word y = forward.word_of(b);
      return x < y ? Order::kLess : x == y ? Order::kEqual : Order::kNotLess;
    }
    const bool swapped = is_in_other_order(a, b);
    const Ref first = swapped ? b : a;
    const Ref second = swapped ? a : b;
    if (forward.has(IrOp::kIsEqual, first, second)) return Order::kEqual;
    if (forward.has(IrOp::kIsLess, a, b)) return Order::kLess;
    if (forward.has(IrOp::kIsLess, b, a)) return Order::kNotLess;
    if (forward.has(IrOp::kNotLess, a, b)) return Order::kNotLess;
    if (forward.is_constant(b) && forward.word_of(b) == kZero && forward.table[a].natural) return Order::kNotLess;
    if (forward.has(IrOp::kNotEqual, first, second)) return Order::kNotEqual;
    return Order::kUnknown;
  }

  /// Returns whether words that are not less are also known to be different.
  bool known_different(Ref a, Ref b) {
    if (forward.is_constant(a) && forward.is_constant(b)) {
      return static_cast<bool>(forward.word_of(a) != forward.word_of(b));
    }
    const bool swapped = is_in_other_order(a, b);
    return forward.has(IrOp::kNotEqual, swapped ? b : a, swapped ? a : b) || forward.has(IrOp::kIsLess, a, b) ||
           forward.has(IrOp::kIsLess, b, a);
  }

  /// Returns whether order_operands swaps them.
  bool is_in_other_order(Ref a, Ref b) {
    return forward.is_constant(a) || (!forward.is_constant(b) && index_of(a) > index_of(b));
  }

  Word order_key(Word packed) {
    const Word key = packed >> 1 | forward.top_bit();
    return (packed & 3) == 3 ? key : ~key;
  }

  Answer comparison() {
    if (forward.is_raw_constant(ins.a) && forward.is_raw_constant(ins.b)) {
      const Word a = forward.word_of(ins.a);
      const Word b = forward.word_of(ins.b);
      FBLE_RULE(keys_constant, ins.op == IrOp::kLess || ins.op == IrOp::kLessEqual || ins.op == IrOp::kCompare,
                computed(of_constants(ins.op, a, b)));
      FBLE_RULE(is_less_keys_constant, ins.op == IrOp::kIsLess, holds(static_cast<bool>(a < b)));
      FBLE_RULE(not_less_keys_constant, ins.op == IrOp::kNotLess, holds(static_cast<bool>(a >= b)));
      return {};
    }
    order_operands();
    const Ref a = ins.a;
    const Ref b = ins.b;
    const Order order = known_order(a, b);
    const bool equal = order == Order::kEqual;
    const bool less = order == Order::kLess;
    const bool not_less = equal || order == Order::kNotLess;
    switch (ins.op) {
      case IrOp::kLess:
        FBLE_RULE(less_true, less, boolean(true));
        FBLE_RULE(less_false, not_less, boolean(false));
        return {};
      case IrOp::kEqual:
        FBLE_RULE(equal_true, equal, boolean(true));
        FBLE_RULE(equal_false, known_different(a, b), boolean(false));
        return {};
      case IrOp::kLessEqual: {
        FBLE_RULE(less_equal_true, less || equal, boolean(true));
        const Order other = known_order(b, a);
        FBLE_RULE(less_equal_false, other == Order::kLess, boolean(false));
        FBLE_RULE(less_equal_not_greater, other == Order::kNotLess, boolean(true));
        return {};
      }
      case IrOp::kUnequal:
        FBLE_RULE(unequal_false, equal, boolean(false));
        FBLE_RULE(unequal_true, known_different(a, b), boolean(true));
        return {};
      case IrOp::kCompare:
        FBLE_RULE(compare_less, less, replace(forward.constant(kLess)));
        FBLE_RULE(compare_equal, equal, replace(forward.constant(kEqual)));
        FBLE_RULE(compare_greater, not_less && known_different(a, b), replace(forward.constant(kGreater)));
        return {};
      case IrOp::kIsLess:
        FBLE_RULE(is_less_holds, less, holds(true));
        FBLE_RULE(is_less_fails, not_less, holds(false));
        return {};
      case IrOp::kNotLess:
        FBLE_RULE(not_less_fails, less, holds(false));
        FBLE_RULE(not_less_holds, not_less, holds(true));
        return {};
      case IrOp::kIsEqual:
        FBLE_RULE(is_equal_holds, equal, holds(true));
        FBLE_RULE(is_equal_fails, known_different(a, b), holds(false));
        return {};
      case IrOp::kNotEqual:
        FBLE_RULE(not_equal_fails, equal, holds(false));
        FBLE_RULE(not_equal_holds, known_different(a, b), holds(true));
        return {};
      default: return {};
    }
  }

  // ---- signed numbers ---------------------------------------------------------------

  Answer int_of() {
    FBLE_RULE(int_of_constant, forward.is_constant(ins.a),
              computed_raw(static_cast<Word>(unpack_int(forward.word_of(ins.a)))));
    FBLE_RULE(int_of_int_word, forward.at(ins.a).op == IrOp::kIntWord, replace(forward.at(ins.a).a));
    return {};
  }

  Answer int_word() {
    if (forward.is_raw_constant(ins.a)) {
      const Int value = static_cast<Int>(forward.word_of(ins.a));
      FBLE_RULE(int_word_constant, true, computed(int_fits(value) ? pack_int(value) : Word{0}));
    }
    FBLE_RULE(int_word_int_of, forward.at(ins.a).op == IrOp::kIntOf, replace(forward.at(ins.a).a));
    return {};
  }

  Answer numbers_constant(Int a, Int b) {
    Int result = 0;
    switch (ins.op) {
      case IrOp::kIntAdd: result = a + b; break;
      case IrOp::kIntSub: result = a - b; break;
      case IrOp::kIntMul:
        if (mul_overflows(a, b, &result)) return fails();
        break;
      default:
        if (b == 0) return fails();
        result = a / b;
        if (a % b != 0 && (a ^ b) < 0) result = result - 1;
    }
    return computed_raw(static_cast<Word>(result));
  }

  Answer numbers() {
    if (ins.op == IrOp::kIntShiftRight) {
      FBLE_RULE(int_shift_by_zero, ins.n == 0, replace(ins.a));
      FBLE_RULE(int_shift_constant, forward.is_raw_constant(ins.a),
                computed_raw(static_cast<Word>(static_cast<Int>(forward.word_of(ins.a)) >> ins.n)));
      return {};
    }
    if (ins.op == IrOp::kIntRem) {
      FBLE_RULE(
          int_rem_constant,
          forward.is_raw_constant(ins.a) && forward.is_raw_constant(ins.b) && forward.is_raw_constant(ins.list[0]),
          computed_raw(forward.word_of(ins.a) - forward.word_of(ins.list[0]) * forward.word_of(ins.b)));
      return {};
    }
    if ((ins.op == IrOp::kIntAdd || ins.op == IrOp::kIntMul) && !forward.is_raw_constant(ins.b) &&
        (forward.is_raw_constant(ins.a) || index_of(ins.a) > index_of(ins.b))) {
      std::swap(ins.a, ins.b);
    }
    if (!forward.is_raw_constant(ins.b)) {
      FBLE_RULE(int_sub_self, ins.op == IrOp::kIntSub && ins.a == ins.b, computed_raw(0));
      return {};
    }
    const Int b = static_cast<Int>(forward.word_of(ins.b));
    FBLE_RULE(numbers_constant, forward.is_raw_constant(ins.a),
              numbers_constant(static_cast<Int>(forward.word_of(ins.a)), b));
    switch (ins.op) {
      case IrOp::kIntAdd:
      case IrOp::kIntSub: FBLE_RULE(int_add_zero, b == 0, replace(ins.a)); return {};
      case IrOp::kIntMul:
        FBLE_RULE(int_mul_zero, b == 0, computed_raw(0));
        FBLE_RULE(int_mul_one, b == 1, replace(ins.a));
        return {};
      default:
        FBLE_RULE(int_div_power, b > 0 && has_single_bit(static_cast<Word>(b)),
                  rewrite_shift(IrOp::kIntShiftRight, ins.a, exponent_of(static_cast<Word>(b))));
        return {};
    }
  }

  Answer choose() {
    FBLE_RULE(choose_same, ins.list[0] == ins.list[1], replace(ins.list[0]));
    if (forward.is_constant(ins.a)) {
      FBLE_RULE(choose_constant, true, replace(ins.list[packed_tag(forward.word_of(ins.a), 1) == 0 ? 0u : 1u]));
    }
    FBLE_RULE(choose_known, forward.table[ins.a].tag >= 0, replace(ins.list[forward.table[ins.a].tag == 0 ? 0u : 1u]));
    return choose_bit();
  }

  // ---- bits -------------------------------------------------------------------------

  static constexpr uint64_t kBit0 = 5;
  static constexpr uint64_t kBit1 = 7;

  bool is_bit(Ref ref) { return static_cast<bool>(fble::is_bit(forward.table[ref])); }
  bool is_constant(Ref ref, uint64_t word) {
    return forward.is_constant(ref) && static_cast<bool>(forward.word_of(ref) == word);
  }
  /// Returns whether the value is the negation of another.
  bool is_some_not(Ref ref) {
    const auto& made = forward.at(ref);
    return made.op == IrOp::kBitXor && is_constant(made.b, kBit1);
  }
  bool is_not(Ref ref, Ref of) { return is_some_not(ref) && forward.at(ref).a == of; }
  Ref bit_not(Ref ref) { return forward.append_bit_xor(ins, ref, forward.constant(kBit1)); }

  /// Makes operations on bits of a choice among bits: those can be taken together, and packed without their lengths.
  Answer choose_bit() {
    const Ref first = ins.list[0];
    const Ref second = ins.list[1];
    if (!is_bit(ins.a) || !is_bit(first) || !is_bit(second)) return {};
    const Ref condition = ins.a;
    FBLE_RULE(choose_itself, is_constant(first, kBit0) && is_constant(second, kBit1), replace(condition));
    FBLE_RULE(choose_not, is_constant(first, kBit1) && is_constant(second, kBit0),
              rewrite(IrOp::kBitXor, condition, first));
    FBLE_RULE(choose_and, is_constant(first, kBit0), rewrite(IrOp::kBitAnd, condition, second));
    FBLE_RULE(choose_or, is_constant(second, kBit1), rewrite(IrOp::kBitOr, condition, first));
    FBLE_RULE(choose_and_not, is_constant(second, kBit0), rewrite(IrOp::kBitAnd, bit_not(condition), first));
    FBLE_RULE(choose_or_not, is_constant(first, kBit1), rewrite(IrOp::kBitOr, bit_not(condition), second));
    FBLE_RULE(choose_xor, is_not(second, first), rewrite(IrOp::kBitXor, condition, first));
    FBLE_RULE(choose_xor_not, is_not(first, second), rewrite(IrOp::kBitXor, condition, first));
    return {};
  }

  Answer tag_in() {
    const uint32_t width = forward.width_of(ins);
    const auto bit = [&](const auto& yes) { return replace(forward.constant(yes ? kBit1 : kBit0)); };
    if (forward.is_constant(ins.a)) {
      const auto tag = static_cast<Number>(packed_tag(forward.word_of(ins.a), width));
      FBLE_RULE(tag_in_constant, true, bit((ins.x >> tag & 1u) != 0u));
    }
    const auto& facts = forward.table[ins.a];
    FBLE_RULE(tag_in_known, facts.tag >= 0, bit((ins.x >> facts.tag & 1u) != 0u));
    if (width > 5) return {};
    const auto possible = all_tags(width) & ~facts.not_tags;
    FBLE_RULE(tag_not_in, (ins.x & possible) == 0u, bit(false));
    FBLE_RULE(tag_only_in, (~ins.x & possible) == 0u, bit(true));
    return {};
  }

  Answer bits() {
    order_operands();
    const Ref a = ins.a;
    const Ref b = ins.b;
    const bool zero = is_constant(b, kBit0);
    const bool one = is_constant(b, kBit1);
    switch (ins.op) {
      case IrOp::kBitAnd:
        FBLE_RULE(bit_and_self, a == b || one, replace(a));
        FBLE_RULE(bit_and_zero, zero, replace(b));
        return {};
      case IrOp::kBitOr:
        FBLE_RULE(bit_or_self, a == b || zero, replace(a));
        FBLE_RULE(bit_or_one, one, replace(b));
        return {};
      default:
        FBLE_RULE(bit_xor_self, a == b, replace(forward.constant(kBit0)));
        FBLE_RULE(bit_xor_zero, zero, replace(a));
        FBLE_RULE(bit_xor_one, one && forward.is_constant(a),
                  replace(forward.constant(forward.word_of(a) == kBit1 ? kBit0 : kBit1)));
        FBLE_RULE(bit_xor_again, one && is_some_not(a), replace(forward.at(a).a));
        // A negation comes last, so that what is negated is seen.
        FBLE_RULE(bit_xor_not, !one && is_some_not(b),
                  rewrite(IrOp::kBitXor, forward.append_bit_xor(ins, a, forward.at(b).a), forward.constant(kBit1)));
        FBLE_RULE(bit_xor_of_not, !one && is_some_not(a),
                  rewrite(IrOp::kBitXor, forward.append_bit_xor(ins, forward.at(a).a, b), forward.constant(kBit1)));
        return {};
    }
  }

  // ---- intrinsics -------------------------------------------------------------------

  bool all_natural() {
    for (const Ref ref : ins.list) {
      if (!forward.table[ref].natural) return false;
    }
    return true;
  }

  /// Replaces intrinsics on naturals by the instructions for naturals, if those leave in no more cases.
  Answer intrinsic() {
    const Intrinsic which = forward.intrinsic_of(ins);
    const auto args = ins.list;
    bool constant = true;
    for (const Ref ref : args) constant = constant && forward.is_constant(ref);
    FBLE_RULE(intrinsic_constant, constant, computed(forward.fold_intrinsic(which, args)));
    switch (which) {
      case Intrinsic::kIntEqual: FBLE_RULE(intrinsic_equal, true, rewrite(IrOp::kEqual, args[0], args[1]));
      case Intrinsic::kIntNotEqual: FBLE_RULE(intrinsic_unequal, true, rewrite(IrOp::kUnequal, args[0], args[1]));
      case Intrinsic::kIntIsZero:
        FBLE_RULE(intrinsic_is_zero, true, rewrite(IrOp::kEqual, args[0], forward.constant(kZero)));
      case Intrinsic::kCharFromInt:
      case Intrinsic::kIntFromChar: FBLE_RULE(intrinsic_char, true, replace(args[0]));
      default: break;
    }
    if (!all_natural()) return {};
    switch (which) {
      case Intrinsic::kIntAdd: FBLE_RULE(intrinsic_add, true, rewrite(IrOp::kAdd, args[0], args[1]));
      case Intrinsic::kIntMul: FBLE_RULE(intrinsic_mul, true, rewrite(IrOp::kMul, args[0], args[1]));
      case Intrinsic::kIntIncr: FBLE_RULE(intrinsic_incr, true, rewrite(IrOp::kAdd, args[0], forward.constant(kOne)));
      case Intrinsic::kIntAbs: FBLE_RULE(intrinsic_abs, true, replace(args[0]));
      case Intrinsic::kIntDouble: FBLE_RULE(intrinsic_double, true, rewrite_shift(IrOp::kShiftLeft, args[0], 1));
      case Intrinsic::kIntShiftLeft:
      case Intrinsic::kIntShiftRight: {
        if (!forward.is_constant(args[1])) return {};
        const Word count = value_of(forward.word_of(args[1]));
        if (count > forward.max_shift()) return {};
        FBLE_RULE(intrinsic_shift_left, which == Intrinsic::kIntShiftLeft,
                  rewrite_shift(IrOp::kShiftLeft, args[0], static_cast<Number>(count)));
        FBLE_RULE(intrinsic_shift_right, true, rewrite_shift(IrOp::kShiftRight, args[0], static_cast<Number>(count)));
      }
      case Intrinsic::kIntQuotient: FBLE_RULE(intrinsic_quotient, true, rewrite(IrOp::kDiv, args[0], args[1]));
      case Intrinsic::kIntModulo: FBLE_RULE(intrinsic_modulo, true, rewrite(IrOp::kMod, args[0], args[1]));
      case Intrinsic::kIntAnd: FBLE_RULE(intrinsic_and, true, rewrite(IrOp::kAnd, args[0], args[1]));
      case Intrinsic::kIntOr: FBLE_RULE(intrinsic_or, true, rewrite(IrOp::kOr, args[0], args[1]));
      case Intrinsic::kIntXor: FBLE_RULE(intrinsic_xor, true, rewrite(IrOp::kXor, args[0], args[1]));
      case Intrinsic::kIntLess: FBLE_RULE(intrinsic_less, true, rewrite(IrOp::kLess, args[0], args[1]));
      case Intrinsic::kIntGreater: FBLE_RULE(intrinsic_greater, true, rewrite(IrOp::kLess, args[1], args[0]));
      case Intrinsic::kIntLessEqual: FBLE_RULE(intrinsic_less_equal, true, rewrite(IrOp::kLessEqual, args[0], args[1]));
      case Intrinsic::kIntGreaterEqual:
        FBLE_RULE(intrinsic_greater_equal, true, rewrite(IrOp::kLessEqual, args[1], args[0]));
      case Intrinsic::kIntIsPositive:
        FBLE_RULE(intrinsic_is_positive, true, rewrite(IrOp::kUnequal, args[0], forward.constant(kZero)));
      case Intrinsic::kIntCompare: FBLE_RULE(intrinsic_compare, true, rewrite(IrOp::kCompare, args[0], args[1]));
      case Intrinsic::kIntIsNegative: FBLE_RULE(intrinsic_is_negative, true, boolean(false));
      default: return {};
    }
  }

  // ---- tags -------------------------------------------------------------------------

  /// Returns the smallest number of tag bits that distinguishes this tag from all that are
  /// still possible: one bit of two needs no subtraction.
  uint32_t width_that_tells(uint32_t width) {
    const auto& facts = forward.table[ins.a];
    if (width > 5 || facts.not_tags == 0) return width;
    for (uint32_t narrow = 1; narrow < width; ++narrow) {
      const uint32_t mask = (1u << narrow) - 1;
      auto tells = ins.n <= static_cast<int32_t>(mask);
      for (uint32_t other = 0; other < 1u << width; ++other) {
        tells = tells & ((ins.n == static_cast<int32_t>(other)) | ((facts.not_tags >> other & 1) != 0) |
                         ((static_cast<int32_t>(other & mask)) != ins.n));
      }
      if (tells) return narrow;
    }
    return width;
  }

  /// Returns the packed integer whose key this is.
  Ref without_key(Ref ref) {
    if (!forward.is_raw_constant(ref)) return forward.at(ref).a;
    const Word key = forward.word_of(ref);
    return forward.constant(((key & forward.top_bit()) != 0 ? key : ~key) << 1 | 1);
  }

  bool is_key(Ref ref) { return forward.at(ref).op == IrOp::kOrderKey; }

  /// Replaces a guard on the tag of a comparison's result by a guard on the compared values.
  Answer tag_guard() {
    const bool from = ins.op == IrOp::kTagFrom;
    const uint32_t width = forward.width_of(ins);
    FBLE_RULE(tag_from_zero, from && ins.n == 0, holds(true));
    FBLE_RULE(only_tag, width == 0, holds(static_cast<bool>(ins.n == 0)));
    FBLE_RULE(tag_from_too_many, from && ins.n > static_cast<int32_t>((1u << width) - 1), holds(false));
    if (forward.is_constant(ins.a)) {
      const auto tag = static_cast<Number>(packed_tag(forward.word_of(ins.a), width));
      FBLE_RULE(tag_is_constant, !from, holds(static_cast<bool>(tag == ins.n)));
      FBLE_RULE(tag_from_constant, true, holds(static_cast<bool>(tag >= ins.n)));
    }
    const IrOp made = forward.maker_of(ins.a);
    // Settled values become constants, which move instructions.
    const bool compares = made == IrOp::kLess || made == IrOp::kLessEqual || made == IrOp::kEqual ||
                          made == IrOp::kUnequal || made == IrOp::kCompare;
    const Ref a = compares ? forward.at(ins.a).a : Ref{kNoRef};
    const Ref b = compares ? forward.at(ins.a).b : Ref{kNoRef};
    if (compares && made != IrOp::kCompare && width == 1) {
      const bool first = static_cast<bool>(ins.n == 0);
      forward.settle(ins, first ? kFalse : kTrue);
      FBLE_RULE(tag_of_less, made == IrOp::kLess, rewrite(first ? IrOp::kIsLess : IrOp::kNotLess, a, b));
      FBLE_RULE(tag_of_less_equal, made == IrOp::kLessEqual, rewrite(first ? IrOp::kNotLess : IrOp::kIsLess, b, a));
      FBLE_RULE(tag_of_equal, made == IrOp::kEqual, rewrite(first ? IrOp::kIsEqual : IrOp::kNotEqual, a, b));
      FBLE_RULE(tag_of_unequal, true, rewrite(first ? IrOp::kNotEqual : IrOp::kIsEqual, a, b));
    }
    if (made == IrOp::kCompare && width == 2) {
      if (from && ins.n == 1) forward.settle(ins, kLess);
      if (!from && ins.n == 1 && forward.has(IrOp::kNotLess, a, b)) forward.settle(ins, kGreater);
      FBLE_RULE(tag_of_compare_less, ins.n == 0, rewrite(IrOp::kIsLess, a, b));
      FBLE_RULE(tag_of_compare_greater, ins.n == 2, rewrite(IrOp::kIsLess, b, a));
      FBLE_RULE(tag_of_compare_from_equal, from && ins.n == 1, rewrite(IrOp::kNotLess, a, b));
      if (!from && ins.n == 1) {
        // Keys are equal if the integers are.
        FBLE_RULE(tag_of_compare_keys, is_key(a) || is_key(b), rewrite(IrOp::kIsEqual, without_key(a), without_key(b)));
        FBLE_RULE(tag_of_compare_equal, true, rewrite(IrOp::kIsEqual, a, b));
      }
    }
    // A guard is narrowed only once: the tags that a narrowed guard leaves open depend on the bits that it does not
    // test.
    if (from || ins.narrowed || forward.tag_guard_is_settled(ins)) return {};
    const uint32_t narrow = width_that_tells(width);
    FBLE_RULE(tag_is_narrower, narrow < width, rewrite_narrower(narrow));
    return {};
  }

  // Without the next two, a turn that is appended again with other constants would compute with a word of another type.

  Answer natural_guard() {
    FBLE_RULE(is_natural_constant, forward.is_constant(ins.a),
              holds(static_cast<bool>((forward.word_of(ins.a) & 3) == 3)));
    return {};
  }

  Answer layout_guard() {
    FBLE_RULE(layout_is_constant, forward.is_constant(ins.a),
              holds(static_cast<bool>(forward.layout_of(ins) == ins.x)));
    return {};
  }

  // ---- packed data --------------------------------------------------------------------

  Answer pack_union() {
    FBLE_RULE(pack_union_of_one_tag, ins.m == 0, replace(ins.a));
    FBLE_RULE(pack_union_constant, forward.is_constant(ins.a), computed(forward.pack_union_of(ins)));
    // The argument of a union of the same tag, wrapped again.
    FBLE_RULE(pack_union_again,
              forward.at(ins.a).op == IrOp::kPackedArg && forward.at(ins.a).n == static_cast<Number>(ins.m) &&
                  forward.table[forward.at(ins.a).a].tag == ins.n,
              replace(forward.at(ins.a).a));
    return {};
  }

  bool all_constant() {
    for (const Ref ref : ins.list) {
      if (!forward.is_constant(ref)) return false;
    }
    return true;
  }

  /// Returns whether the fields are those of one struct, in order.
  bool all_of_one_struct() {
    const size_t count = ins.list.size();
    for (size_t i = 0; i < count; ++i) {
      const auto& field = forward.at(ins.list[i]);
      if (!(field.op == IrOp::kPackedField)) return false;
      if (!(field.n == static_cast<int32_t>(i)) || !(field.m == static_cast<uint32_t>(count))) return false;
      if (!(field.a == forward.at(ins.list[0]).a)) return false;
    }
    return true;
  }

  Answer pack_struct() {
    FBLE_RULE(pack_struct_empty, ins.list.empty(), replace(forward.constant(kUnitWord)));
    FBLE_RULE(pack_struct_of_one, ins.list.size() == 1, replace(ins.list[0]));
    FBLE_RULE(pack_struct_constant, all_constant(), computed(forward.pack_fields(ins)));
    // All fields of a struct, put together again.
    FBLE_RULE(pack_struct_again, all_of_one_struct(), replace(forward.at(ins.list[0]).a));
    return {};
  }

  /// Folds a guard that the fields do not fit: for constants, and where their lengths are known to be small.
  Answer no_fit() {
    const auto count = static_cast<uint32_t>(ins.list.size());
    Word bits = static_cast<Word>(ins.m) + (count > 1 ? kOffsetBits * (count - 1) : 0);
    for (const Ref ref : ins.list) bits = bits + static_cast<Word>(forward.table[ref].bits);
    FBLE_RULE(no_fit_small, bits <= forward.max_packed_bits(), holds(false));
    FBLE_RULE(no_fit_constant, all_constant(), holds(!forward.fields_fit(ins)));
    return {};
  }

  // After a guard that always fails a constant may be of any type. Such code never runs, but it is compiled, and a
  // word without parts has no parts that are words.

  Answer packed_arg() {
    FBLE_RULE(packed_arg_of_one_tag, ins.n == 0, replace(ins.a));
    if (forward.is_constant(ins.a)) {
      FBLE_RULE(packed_arg_constant, forward.has_tag(ins), replace(forward.constant(forward.packed_arg_of(ins))));
      return {};
    }
    // Bool@ and the like consist of the tag alone.
    FBLE_RULE(packed_arg_of_tag_alone, static_cast<Word>(forward.table[ins.a].bits) <= static_cast<Word>(ins.n),
              replace(forward.constant(kUnitWord)));
    return {};
  }

  Answer packed_field() {
    FBLE_RULE(packed_field_of_one, ins.m == 1, replace(ins.a));
    FBLE_RULE(packed_field_constant, forward.is_constant(ins.a) && forward.has_fields(ins),
              replace(forward.constant(forward.packed_field_of(ins))));
    return {};
  }
};

#undef FBLE_RULE

}  // namespace fble
