// Folding: constants are computed, and instructions that say little are said shorter.
//
// Each rule looks at an instruction and at the ones that made its operands. It
// answers with the value, finds that a guard always holds, or rewrites the
// instruction, which then is looked at again. The rules for what a constant
// operation gives are those of the interpreter: gc/value.h, and fold_packed of
// interp/intrinsics.h. Where a rule removes a chance to leave (`x + 2 - 1` is
// `x + 1`), the chance was taken by an earlier instruction that is still there or
// could not arise.
//
// The rule that matters most: a select on a comparison. `less` gives a Bool@, and
// the select's `tag_is` on it becomes `is_less` or `not_less` of the operands, one
// compare and one jump. Nobody needs the Bool@ itself then: the exit would, if the guard's
// failing did not tell what it is.
//
// Integers of either sign become numbers, are computed, and become words again, which
// the next operation makes a number of: `int_of` and `int_word` of each other fall away,
// but for the check that the number fits.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/fold.
#include <algorithm>

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "jit/opt/forward.h"

namespace fble {

namespace {

constexpr Word kZero = 3;  // as a natural
constexpr Word kOne = 7;
constexpr Word kTrue = 5;
constexpr Word kFalse = 7;
constexpr Word kLess = 9;
constexpr Word kEqual = 11;
constexpr Word kGreater = 13;
constexpr Word kMaxNatural = (Word{1} << 62) - 1;

Word natural_word(Word value) { return value << 2 | 3; }
Word value_of(Word natural) { return natural >> 2; }

Answer replace(IrRef ref) { return {Answer::kReplace, ref}; }
Answer holds(bool yes) { return {yes ? Answer::kDrop : Answer::kFails}; }

/// The instruction's constant result; 0 is what leaves.
Answer computed(Forward& forward, Word word) {
  if (word == 0) return {Answer::kFails};
  return replace(forward.constant(word));
}

/// Rewrites the instruction to one with two operands.
Answer rewrite(IrIns& ins, IrOp op, IrRef a, IrRef b) {
  ins.op = op;
  ins.a = a;
  ins.b = b;
  ins.n = 0;
  ins.m = 0;
  ins.list.clear();
  return {Answer::kAgain};
}

Answer rewrite_shift(IrIns& ins, IrOp op, IrRef a, int32_t count) {
  ins.op = op;
  ins.a = a;
  ins.b = kNoRef;
  ins.n = count;
  ins.list.clear();
  if (!ir_is_guard(op)) ins.snapshot = kNoSnapshot;
  return {Answer::kAgain};
}

Word fold_naturals(IrOp op, Word a, Word b) {
  Word result = 0;
  switch (op) {
    case IrOp::kAdd: return __builtin_add_overflow(a - kZero, b, &result) ? 0 : result;
    case IrOp::kSub: return a < b ? 0 : a - b + kZero;
    case IrOp::kMul: return __builtin_mul_overflow(a - kZero, b >> 2, &result) ? 0 : result + kZero;
    case IrOp::kDiv: return b == kZero ? 0 : natural_word(value_of(a) / value_of(b));
    case IrOp::kMod: return b == kZero ? 0 : natural_word(value_of(a) % value_of(b));
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

bool is_commutative(IrOp op) {
  return op == IrOp::kAdd || op == IrOp::kMul || op == IrOp::kAnd || op == IrOp::kOr || op == IrOp::kXor ||
         op == IrOp::kEqual || op == IrOp::kUnequal || op == IrOp::kIsEqual || op == IrOp::kNotEqual;
}

/// Puts constants second, and else the older operand first.
void order_operands(Forward& forward, IrIns& ins) {
  if (!is_commutative(ins.op) || forward.is_constant(ins.b)) return;
  if (forward.is_constant(ins.a) || index_of(ins.a) > index_of(ins.b)) std::swap(ins.a, ins.b);
}

/// x + c for a signed c, as an instruction; what leaves is decided by the sum.
Answer offset(Forward& forward, IrIns& ins, IrRef x, int64_t c) {
  if (c == 0) return replace(x);
  const IrRef amount = forward.constant(natural_word(static_cast<Word>(c < 0 ? -c : c)));
  return rewrite(ins, c < 0 ? IrOp::kSub : IrOp::kAdd, x, amount);
}

/// `ref` as `x + c`, where the instruction that adds has not left.
bool is_offset(Forward& forward, IrRef ref, IrRef* x, int64_t* c) {
  if (index_of(ref) < forward.barrier) return false;
  const IrIns& ins = forward.at(ref);
  if ((ins.op != IrOp::kAdd && ins.op != IrOp::kSub) || !forward.is_constant(ins.b)) return false;
  *x = ins.a;
  *c = static_cast<int64_t>(value_of(forward.word_of(ins.b)));
  if (ins.op == IrOp::kSub) *c = -*c;
  return true;
}

Answer fold_arithmetic(Forward& forward, IrIns& ins) {
  order_operands(forward, ins);
  const IrRef a = ins.a;
  const IrRef b = ins.b;
  const bool constant_b = forward.is_constant(b);
  if (constant_b && forward.is_constant(a)) {
    return computed(forward, fold_naturals(ins.op, forward.word_of(a), forward.word_of(b)));
  }
  const Word c = constant_b ? forward.word_of(b) : 0;
  const bool power = constant_b && std::has_single_bit(value_of(c));
  const int32_t exponent = power ? std::countr_zero(value_of(c)) : 0;
  switch (ins.op) {
    case IrOp::kAdd:
    case IrOp::kSub: {
      if (c == kZero) return replace(a);
      if (ins.op == IrOp::kSub && a == b) return replace(forward.constant(kZero));
      IrRef x;
      int64_t before;
      if (constant_b && is_offset(forward, a, &x, &before)) {
        int64_t sum;
        const auto more = static_cast<int64_t>(value_of(c));
        const bool overflow = ins.op == IrOp::kAdd ? __builtin_add_overflow(before, more, &sum)
                                                   : __builtin_sub_overflow(before, more, &sum);
        // The sum may be out of the range that a constant has.
        if (!overflow && sum > -static_cast<int64_t>(kMaxNatural) && sum < static_cast<int64_t>(kMaxNatural)) {
          return offset(forward, ins, x, sum);
        }
      }
      return {};
    }
    case IrOp::kMul:
      if (c == kZero) return replace(b);
      if (c == kOne) return replace(a);
      if (power) return rewrite_shift(ins, IrOp::kShiftLeft, a, exponent);
      return {};
    case IrOp::kDiv:
      if (c == kZero) return {Answer::kFails};
      if (c == kOne) return replace(a);
      if (power) return rewrite_shift(ins, IrOp::kShiftRight, a, exponent);
      return {};
    case IrOp::kMod:
      if (c == kZero) return {Answer::kFails};
      if (power) return rewrite(ins, IrOp::kAnd, a, forward.constant(natural_word(value_of(c) - 1)));
      return {};
    case IrOp::kAnd:
      if (a == b) return replace(a);
      if (c == kZero) return replace(b);
      return {};
    case IrOp::kOr:
      if (a == b || c == kZero) return replace(a);
      return {};
    case IrOp::kXor:
      if (a == b) return replace(forward.constant(kZero));
      if (c == kZero) return replace(a);
      return {};
    default: return {};
  }
}

Answer fold_shift(Forward& forward, IrIns& ins) {
  if (ins.n == 0) return replace(ins.a);
  if (!forward.is_constant(ins.a)) return {};
  const Word value = value_of(forward.word_of(ins.a));
  if (ins.op == IrOp::kShiftRight) return computed(forward, natural_word(value >> ins.n));
  const bool fits = (value << ins.n) >> ins.n == value && value << ins.n <= kMaxNatural;
  return computed(forward, fits ? natural_word(value << ins.n) : 0);
}

/// What earlier guards tell about the order of two words.
enum class Order { kUnknown, kLess, kNotLess, kEqual, kNotEqual };

Order known_order(Forward& forward, IrRef a, IrRef b) {
  if (a == b) return Order::kEqual;
  if (forward.is_constant(a) && forward.is_constant(b)) {
    const Word x = forward.word_of(a);
    const Word y = forward.word_of(b);
    return x < y ? Order::kLess : x == y ? Order::kEqual : Order::kNotLess;
  }
  const IrRef first = forward.is_constant(a) || (!forward.is_constant(b) && index_of(a) > index_of(b)) ? b : a;
  const IrRef second = first == a ? b : a;
  if (forward.has(IrOp::kIsEqual, first, second)) return Order::kEqual;
  if (forward.has(IrOp::kIsLess, a, b)) return Order::kLess;
  if (forward.has(IrOp::kIsLess, b, a)) return Order::kNotLess;
  if (forward.has(IrOp::kNotLess, a, b)) return Order::kNotLess;
  if (forward.is_constant(b, kZero) && forward.table[a].natural) return Order::kNotLess;
  if (forward.has(IrOp::kNotEqual, first, second)) return Order::kNotEqual;
  return Order::kUnknown;
}

/// Whether words that are not less are known to be different, too.
bool known_different(Forward& forward, IrRef a, IrRef b) {
  if (forward.is_constant(a) && forward.is_constant(b)) return forward.word_of(a) != forward.word_of(b);
  const IrRef first = forward.is_constant(a) || (!forward.is_constant(b) && index_of(a) > index_of(b)) ? b : a;
  const IrRef second = first == a ? b : a;
  return forward.has(IrOp::kNotEqual, first, second) || forward.has(IrOp::kIsLess, a, b) ||
         forward.has(IrOp::kIsLess, b, a);
}

Word order_key(Word packed) {
  const Word key = packed >> 1 | Word{1} << 63;
  return is_natural(packed) ? key : ~key;
}

Answer fold_int_of(Forward& forward, IrIns& ins) {
  if (forward.is_constant(ins.a)) {
    return replace(forward.raw_constant(static_cast<Word>(unpack_int(forward.word_of(ins.a)))));
  }
  return forward.at(ins.a).op == IrOp::kIntWord ? replace(forward.at(ins.a).a) : Answer{};
}

Answer fold_int_word(Forward& forward, IrIns& ins) {
  if (forward.is_raw_constant(ins.a)) {
    const auto value = static_cast<int64_t>(forward.word_of(ins.a));
    return computed(forward, int_fits(value) ? pack_int(value) : 0);
  }
  return forward.at(ins.a).op == IrOp::kIntOf ? replace(forward.at(ins.a).a) : Answer{};
}

Answer fold_numbers(Forward& forward, IrIns& ins) {
  if (ins.op == IrOp::kIntShiftRight) {
    if (ins.n == 0) return replace(ins.a);
    if (!forward.is_raw_constant(ins.a)) return {};
    return replace(forward.raw_constant(static_cast<Word>(static_cast<int64_t>(forward.word_of(ins.a)) >> ins.n)));
  }
  if (ins.op == IrOp::kIntRem) {
    if (!forward.is_raw_constant(ins.a) || !forward.is_raw_constant(ins.b)) return {};
    const Word quotient = forward.word_of(ins.list[0]);
    return replace(forward.raw_constant(forward.word_of(ins.a) - quotient * forward.word_of(ins.b)));
  }
  if ((ins.op == IrOp::kIntAdd || ins.op == IrOp::kIntMul) && !forward.is_raw_constant(ins.b) &&
      (forward.is_raw_constant(ins.a) || index_of(ins.a) > index_of(ins.b))) {
    std::swap(ins.a, ins.b);
  }
  if (!forward.is_raw_constant(ins.b)) {
    return ins.op == IrOp::kIntSub && ins.a == ins.b ? replace(forward.raw_constant(0)) : Answer{};
  }
  const auto b = static_cast<int64_t>(forward.word_of(ins.b));
  if (forward.is_raw_constant(ins.a)) {
    const auto a = static_cast<int64_t>(forward.word_of(ins.a));
    int64_t result = 0;
    switch (ins.op) {
      case IrOp::kIntAdd: result = a + b; break;
      case IrOp::kIntSub: result = a - b; break;
      case IrOp::kIntMul:
        if (__builtin_mul_overflow(a, b, &result)) return {Answer::kFails};
        break;
      default:
        if (b == 0) return {Answer::kFails};
        result = a / b - (a % b != 0 && (a ^ b) < 0 ? 1 : 0);
    }
    return replace(forward.raw_constant(static_cast<Word>(result)));
  }
  switch (ins.op) {
    case IrOp::kIntAdd:
    case IrOp::kIntSub: return b == 0 ? replace(ins.a) : Answer{};
    case IrOp::kIntMul:
      if (b == 0) return replace(forward.raw_constant(0));
      return b == 1 ? replace(ins.a) : Answer{};
    default:
      if (b <= 0 || !std::has_single_bit(static_cast<Word>(b))) return {};
      return rewrite_shift(ins, IrOp::kIntShiftRight, ins.a, std::countr_zero(static_cast<Word>(b)));
  }
}

Answer fold_choose(Forward& forward, IrIns& ins) {
  if (ins.list[0] == ins.list[1]) return replace(ins.list[0]);
  const int32_t tag = forward.is_constant(ins.a) ? static_cast<int32_t>(packed_tag(forward.word_of(ins.a), 1))
                                                 : forward.table[ins.a].tag;
  return tag < 0 ? Answer{} : replace(ins.list[static_cast<size_t>(tag)]);
}

Answer fold_comparison(Forward& forward, IrIns& ins) {
  if (forward.is_raw_constant(ins.a) && forward.is_raw_constant(ins.b)) {
    const Word a = forward.word_of(ins.a);
    const Word b = forward.word_of(ins.b);
    switch (ins.op) {
      case IrOp::kLess:
      case IrOp::kLessEqual:
      case IrOp::kCompare: return replace(forward.constant(fold_naturals(ins.op, a, b)));
      case IrOp::kIsLess: return holds(a < b);
      case IrOp::kNotLess: return holds(a >= b);
      default: return {};
    }
  }
  order_operands(forward, ins);
  const Order order = known_order(forward, ins.a, ins.b);
  switch (ins.op) {
    case IrOp::kLess:
      if (order == Order::kLess) return replace(forward.constant(kTrue));
      if (order == Order::kEqual || order == Order::kNotLess) return replace(forward.constant(kFalse));
      return {};
    case IrOp::kEqual:
      if (order == Order::kEqual) return replace(forward.constant(kTrue));
      if (known_different(forward, ins.a, ins.b)) return replace(forward.constant(kFalse));
      return {};
    case IrOp::kLessEqual:
      if (order == Order::kLess || order == Order::kEqual) return replace(forward.constant(kTrue));
      if (known_order(forward, ins.b, ins.a) == Order::kLess) return replace(forward.constant(kFalse));
      if (known_order(forward, ins.b, ins.a) == Order::kNotLess) return replace(forward.constant(kTrue));
      return {};
    case IrOp::kUnequal:
      if (order == Order::kEqual) return replace(forward.constant(kFalse));
      if (known_different(forward, ins.a, ins.b)) return replace(forward.constant(kTrue));
      return {};
    case IrOp::kCompare:
      if (order == Order::kLess) return replace(forward.constant(kLess));
      if (order == Order::kEqual) return replace(forward.constant(kEqual));
      if (order == Order::kNotLess && known_different(forward, ins.a, ins.b))
        return replace(forward.constant(kGreater));
      return {};
    case IrOp::kIsLess:
      if (order == Order::kLess) return holds(true);
      if (order == Order::kEqual || order == Order::kNotLess) return holds(false);
      return {};
    case IrOp::kNotLess:
      if (order == Order::kLess) return holds(false);
      if (order == Order::kEqual || order == Order::kNotLess) return holds(true);
      return {};
    case IrOp::kIsEqual:
      if (order == Order::kEqual) return holds(true);
      if (known_different(forward, ins.a, ins.b)) return holds(false);
      return {};
    case IrOp::kNotEqual:
      if (order == Order::kEqual) return holds(false);
      if (known_different(forward, ins.a, ins.b)) return holds(true);
      return {};
    default: return {};
  }
}

bool all_natural(const Forward& forward, const std::vector<IrRef>& list) {
  for (const IrRef ref : list) {
    if (!forward.table[ref].natural) return false;
  }
  return true;
}

/// Intrinsics on naturals are the instructions for naturals, where those leave in no more cases.
Answer fold_intrinsic(Forward& forward, IrIns& ins) {
  const auto intrinsic = static_cast<Intrinsic>(ins.n);
  const std::vector<IrRef>& args = ins.list;
  bool constant = true;
  for (const IrRef ref : args) constant &= forward.is_constant(ref);
  if (constant) {
    Word words[8];
    FBLE_ASSERT(args.size() <= std::size(words));
    for (size_t i = 0; i < args.size(); ++i) words[i] = forward.word_of(args[i]);
    return computed(forward, fold_packed(intrinsic, words));
  }
  switch (intrinsic) {
    case Intrinsic::kIntEqual: return rewrite(ins, IrOp::kEqual, args[0], args[1]);
    case Intrinsic::kIntNotEqual: return rewrite(ins, IrOp::kUnequal, args[0], args[1]);
    case Intrinsic::kIntIsZero: return rewrite(ins, IrOp::kEqual, args[0], forward.constant(kZero));
    case Intrinsic::kCharFromInt:
    case Intrinsic::kIntFromChar: return replace(args[0]);
    default: break;
  }
  if (!all_natural(forward, args)) return {};
  switch (intrinsic) {
    case Intrinsic::kIntAdd: return rewrite(ins, IrOp::kAdd, args[0], args[1]);
    case Intrinsic::kIntMul: return rewrite(ins, IrOp::kMul, args[0], args[1]);
    case Intrinsic::kIntIncr: return rewrite(ins, IrOp::kAdd, args[0], forward.constant(kOne));
    case Intrinsic::kIntAbs: return replace(args[0]);
    case Intrinsic::kIntDouble: return rewrite_shift(ins, IrOp::kShiftLeft, args[0], 1);
    case Intrinsic::kIntShiftLeft:
    case Intrinsic::kIntShiftRight: {
      if (!forward.is_constant(args[1]) || value_of(forward.word_of(args[1])) > 61) return {};
      const auto count = static_cast<int32_t>(value_of(forward.word_of(args[1])));
      const IrOp op = intrinsic == Intrinsic::kIntShiftLeft ? IrOp::kShiftLeft : IrOp::kShiftRight;
      return rewrite_shift(ins, op, args[0], count);
    }
    case Intrinsic::kIntQuotient: return rewrite(ins, IrOp::kDiv, args[0], args[1]);
    case Intrinsic::kIntModulo: return rewrite(ins, IrOp::kMod, args[0], args[1]);
    case Intrinsic::kIntAnd: return rewrite(ins, IrOp::kAnd, args[0], args[1]);
    case Intrinsic::kIntOr: return rewrite(ins, IrOp::kOr, args[0], args[1]);
    case Intrinsic::kIntXor: return rewrite(ins, IrOp::kXor, args[0], args[1]);
    case Intrinsic::kIntLess: return rewrite(ins, IrOp::kLess, args[0], args[1]);
    case Intrinsic::kIntGreater: return rewrite(ins, IrOp::kLess, args[1], args[0]);
    case Intrinsic::kIntLessEqual: return rewrite(ins, IrOp::kLessEqual, args[0], args[1]);
    case Intrinsic::kIntGreaterEqual: return rewrite(ins, IrOp::kLessEqual, args[1], args[0]);
    case Intrinsic::kIntIsPositive: return rewrite(ins, IrOp::kUnequal, args[0], forward.constant(kZero));
    case Intrinsic::kIntCompare: return rewrite(ins, IrOp::kCompare, args[0], args[1]);
    case Intrinsic::kIntIsNegative: return replace(forward.constant(kFalse));
    default: return {};
  }
}

/// Where the guard leaves, the Bool@ or the like that it looks at is known to be `word`, so
/// its exit needs no register for it.
void settle_at_exit(Forward& forward, IrIns& guard, Word word) {
  std::vector<Snapshot>& snapshots = forward.trace().snapshots;
  if (guard.snapshot == kNoSnapshot) return;
  const std::vector<SnapshotSlot>& slots = snapshots[guard.snapshot].slots;
  if (std::ranges::find(slots, guard.a, &SnapshotSlot::ref) == slots.end()) return;
  const IrRef known = forward.constant(word);
  // Other guards of the same bytecode instruction share the snapshot.
  Snapshot own = snapshots[guard.snapshot];
  own.settled = true;
  for (SnapshotSlot& slot : own.slots) {
    if (slot.ref == guard.a) slot = {slot.slot, known, value_facts(forward.table[known])};
  }
  guard.snapshot = forward.add_snapshot(std::move(own));
}

/// A guard on the tag of a comparison's result: a guard on what is compared. `from`: tag_from.
/// The tag in as few bits as tell it from the other tags that are still possible: one bit of
/// two needs no subtraction.
uint32_t width_that_tells(const Facts& facts, const IrIns& guard) {
  const auto tag = static_cast<uint32_t>(guard.n);
  if (guard.m > 5 || facts.not_tags == 0) return guard.m;
  for (uint32_t width = 1; width < guard.m; ++width) {
    const uint32_t mask = (1u << width) - 1;
    bool tells = tag <= mask;
    for (uint32_t other = 0; other < 1u << guard.m; ++other) {
      tells = tells && (other == tag || (facts.not_tags >> other & 1) != 0 || (other & mask) != tag);
    }
    if (tells) return width;
  }
  return guard.m;
}

/// The packed integer whose key this is.
IrRef without_key(Forward& forward, IrRef ref) {
  if (!forward.is_raw_constant(ref)) return forward.at(ref).a;
  const Word key = forward.word_of(ref);
  return forward.constant((key >> 63 != 0 ? key : ~key) << 1 | 1);
}

Answer fold_tag_guard(Forward& forward, IrIns& ins) {
  const bool from = ins.op == IrOp::kTagFrom;
  if (from && ins.n == 0) return holds(true);
  if (ins.m == 0) return holds(ins.n == 0);
  if (forward.is_constant(ins.a)) {
    const auto tag = static_cast<int32_t>(packed_tag(forward.word_of(ins.a), ins.m));
    return holds(from ? tag >= ins.n : tag == ins.n);
  }
  const IrIns made = forward.at(ins.a);
  const IrRef a = made.a;
  const IrRef b = made.b;
  const bool is_bool =
      made.op == IrOp::kLess || made.op == IrOp::kLessEqual || made.op == IrOp::kEqual || made.op == IrOp::kUnequal;
  if (is_bool && ins.m == 1) settle_at_exit(forward, ins, ins.n == 0 ? kFalse : kTrue);
  if (made.op == IrOp::kLess && ins.m == 1) {
    return rewrite(ins, ins.n == 0 ? IrOp::kIsLess : IrOp::kNotLess, a, b);
  }
  if (made.op == IrOp::kLessEqual && ins.m == 1) {
    return rewrite(ins, ins.n == 0 ? IrOp::kNotLess : IrOp::kIsLess, b, a);
  }
  if (made.op == IrOp::kEqual && ins.m == 1) {
    return rewrite(ins, ins.n == 0 ? IrOp::kIsEqual : IrOp::kNotEqual, a, b);
  }
  if (made.op == IrOp::kUnequal && ins.m == 1) {
    return rewrite(ins, ins.n == 0 ? IrOp::kNotEqual : IrOp::kIsEqual, a, b);
  }
  if (made.op == IrOp::kCompare && ins.m == 2) {
    if (from && ins.n == 1) settle_at_exit(forward, ins, kLess);
    if (!from && ins.n == 1 && forward.has(IrOp::kNotLess, a, b)) settle_at_exit(forward, ins, kGreater);
    if (ins.n == 0) return rewrite(ins, IrOp::kIsLess, a, b);
    if (ins.n == 2) return rewrite(ins, IrOp::kIsLess, b, a);
    if (from) return rewrite(ins, IrOp::kNotLess, a, b);
    // Keys are equal if the integers are.
    const bool keys = forward.at(a).op == IrOp::kOrderKey || forward.at(b).op == IrOp::kOrderKey;
    if (!keys) return rewrite(ins, IrOp::kIsEqual, a, b);
    const IrRef word = without_key(forward, a);
    return rewrite(ins, IrOp::kIsEqual, word, without_key(forward, b));
  }
  if (!from) {
    if (guard_truth(ins, forward.table[ins.a]) != Truth::kUnknown) return {};
    const uint32_t width = width_that_tells(forward.table[ins.a], ins);
    if (width < ins.m) {
      ins.m = width;
      return {Answer::kAgain};
    }
  }
  return {};
}

Answer fold_pack_union(Forward& forward, IrIns& ins) {
  if (ins.m == 0) return replace(ins.a);
  const IrIns& arg = forward.at(ins.a);
  if (arg.op == IrOp::kConstant) {
    return computed(forward, pack_union(arg.x, ins.m, static_cast<uint32_t>(ins.n)));
  }
  // The argument of a union of the same tag, wrapped again.
  if (arg.op == IrOp::kPackedArg && static_cast<uint32_t>(arg.n) == ins.m && forward.table[arg.a].tag == ins.n) {
    return replace(arg.a);
  }
  return {};
}

Answer fold_pack_struct(Forward& forward, IrIns& ins) {
  const size_t count = ins.list.size();
  if (count == 0) return replace(forward.constant(kUnitWord));
  if (count == 1) return replace(ins.list[0]);
  bool constant = true;
  bool same = forward.at(ins.list[0]).op == IrOp::kPackedField;
  for (size_t i = 0; i < count && (constant || same); ++i) {
    const IrIns& field = forward.at(ins.list[i]);
    constant &= field.op == IrOp::kConstant;
    same = same && field.op == IrOp::kPackedField && field.n == static_cast<int32_t>(i) && field.m == count &&
           field.a == forward.at(ins.list[0]).a;
  }
  if (constant) {
    const Word word =
        pack_struct(static_cast<uint32_t>(count), [&](uint32_t i) { return forward.word_of(ins.list[i]); });
    return computed(forward, word);
  }
  // All fields of a struct, put together again.
  return same ? replace(forward.at(ins.list[0]).a) : Answer{};
}

/// A guard that the fields do not fit: for constants, and where their lengths are known to be small.
Answer fold_no_fit(Forward& forward, IrIns& ins) {
  const auto count = static_cast<uint32_t>(ins.list.size());
  bool constant = true;
  unsigned bits = ins.m + (count > 1 ? kOffsetBits * (count - 1) : 0);
  for (const IrRef ref : ins.list) {
    constant &= forward.is_constant(ref);
    bits += forward.table[ref].bits;
  }
  if (bits <= kMaxPackedBits) return holds(false);
  if (!constant) return {};
  const Word word = pack_struct(count, [&](uint32_t i) { return forward.word_of(ins.list[i]); });
  return holds(word == 0 || pack_union(word, ins.m, 0) == 0);
}

// Behind a guard that always fails a constant may be of any type. Such code is never run, but it is compiled, and
// parts of words that have none are no words.

/// Whether a packed word can be a union whose tag takes so many bits.
bool has_tag(Word word, unsigned width) { return packed_bits(word) >= width; }

/// Whether a packed word can be a struct of so many fields, of which there are two at least.
bool has_fields(Word word, uint32_t count) {
  const unsigned header = kOffsetBits * (count - 1);
  if (packed_bits(word) < header) return false;
  unsigned start = 0;
  for (uint32_t i = 0; i + 1 < count; ++i) {
    const unsigned end = word >> (1 + kOffsetBits * i) & 63;
    if (end < start) return false;
    start = end;
  }
  return packed_bits(word) >= header + start;
}

Answer fold_packed_arg(Forward& forward, IrIns& ins) {
  const auto width = static_cast<unsigned>(ins.n);
  if (width == 0) return replace(ins.a);
  if (forward.is_constant(ins.a)) {
    const Word word = forward.word_of(ins.a);
    return has_tag(word, width) ? replace(forward.constant(packed_arg(word, width))) : Answer{};
  }
  // Of Bool@ and the like: all that is there is the tag.
  if (forward.table[ins.a].bits <= width) return replace(forward.constant(kUnitWord));
  return {};
}

Answer fold_packed_field(Forward& forward, IrIns& ins) {
  if (ins.m == 1) return replace(ins.a);
  if (!forward.is_constant(ins.a) || !has_fields(forward.word_of(ins.a), ins.m)) return {};
  return replace(forward.constant(packed_field(forward.word_of(ins.a), static_cast<uint32_t>(ins.n), ins.m)));
}

}  // namespace

Answer fold(Forward& forward, IrIns& ins) {
  switch (ins.op) {
    case IrOp::kPackedArg: return fold_packed_arg(forward, ins);
    case IrOp::kPackedField: return fold_packed_field(forward, ins);
    case IrOp::kPackUnion: return fold_pack_union(forward, ins);
    case IrOp::kPackStruct: return fold_pack_struct(forward, ins);
    case IrOp::kNoFit: return fold_no_fit(forward, ins);
    case IrOp::kTagIs:
    case IrOp::kTagFrom: return fold_tag_guard(forward, ins);
    case IrOp::kAdd:
    case IrOp::kSub:
    case IrOp::kMul:
    case IrOp::kDiv:
    case IrOp::kMod:
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor: return fold_arithmetic(forward, ins);
    case IrOp::kShiftLeft:
    case IrOp::kShiftRight: return fold_shift(forward, ins);
    case IrOp::kLess:
    case IrOp::kEqual:
    case IrOp::kLessEqual:
    case IrOp::kUnequal:
    case IrOp::kCompare:
    case IrOp::kIsLess:
    case IrOp::kNotLess:
    case IrOp::kIsEqual:
    case IrOp::kNotEqual: return fold_comparison(forward, ins);
    case IrOp::kIntrinsic: return fold_intrinsic(forward, ins);
    case IrOp::kIntOf: return fold_int_of(forward, ins);
    case IrOp::kIntWord: return fold_int_word(forward, ins);
    case IrOp::kIntAdd:
    case IrOp::kIntSub:
    case IrOp::kIntMul:
    case IrOp::kIntDiv:
    case IrOp::kIntRem:
    case IrOp::kIntShiftRight: return fold_numbers(forward, ins);
    case IrOp::kOrderKey:
      return forward.is_constant(ins.a) ? replace(forward.raw_constant(order_key(forward.word_of(ins.a)))) : Answer{};
    case IrOp::kChoose: return fold_choose(forward, ins);
    default: return {};
  }
}

}  // namespace fble
