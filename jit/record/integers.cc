#include "jit/record/integers.h"

#include <algorithm>

#include "gc/integer.h"

namespace fble {

namespace {

constexpr Word kZero = 3;
constexpr Word kOne = 7;
constexpr Word kTrue = 5;
constexpr Word kFalse = 7;

IrRef natural(Appender& trace, Operand value) {
  trace.append(IrOp::kIsNatural, value.ref);
  return value.ref;
}

/// Records the form for naturals. Returns kNoRef if there is none, or if its check would fail now. Requires operands
/// that are naturals now.
IrRef record_natural(Appender& trace, Intrinsic intrinsic, const Operands& args) {
  const auto number = [&](uint32_t i) { return natural(trace, args[i]); };
  const auto binary = [&](IrOp op) {
    const IrRef a = number(0);
    return trace.append(op, a, number(1));
  };
  const auto swapped = [&](IrOp op) {
    const IrRef a = number(0);
    return trace.append(op, number(1), a);
  };
  switch (intrinsic) {
    case Intrinsic::kIntAdd: return binary(IrOp::kAdd);
    case Intrinsic::kIntSub: return args[0].word >= args[1].word ? binary(IrOp::kSub) : kNoRef;
    case Intrinsic::kIntMul: return binary(IrOp::kMul);
    case Intrinsic::kIntIncr: return trace.append(IrOp::kAdd, number(0), trace.constant(kOne));
    case Intrinsic::kIntDecr:
      return args[0].word >= kOne ? trace.append(IrOp::kSub, number(0), trace.constant(kOne)) : kNoRef;
    case Intrinsic::kIntDouble: return trace.append(IrOp::kShiftLeft, number(0), kNoRef, 1);
    case Intrinsic::kIntQuotient: return binary(IrOp::kDiv);
    case Intrinsic::kIntModulo: return binary(IrOp::kMod);
    case Intrinsic::kIntAnd: return binary(IrOp::kAnd);
    case Intrinsic::kIntOr: return binary(IrOp::kOr);
    case Intrinsic::kIntXor: return binary(IrOp::kXor);
    case Intrinsic::kIntShiftLeft:
    case Intrinsic::kIntShiftRight: {
      // Only shifts by a constant that the row has room for.
      const Word count = packed_magnitude(args[1].word);
      if (trace.trace().at(args[1].ref).op != IrOp::kConstant || count > 61) return kNoRef;
      const IrOp op = intrinsic == Intrinsic::kIntShiftLeft ? IrOp::kShiftLeft : IrOp::kShiftRight;
      return trace.append(op, number(0), kNoRef, static_cast<int32_t>(count));
    }
    case Intrinsic::kIntLess: return binary(IrOp::kLess);
    case Intrinsic::kIntLessEqual: return binary(IrOp::kLessEqual);
    case Intrinsic::kIntGreater: return swapped(IrOp::kLess);
    case Intrinsic::kIntGreaterEqual: return swapped(IrOp::kLessEqual);
    case Intrinsic::kIntCompare: return binary(IrOp::kCompare);
    case Intrinsic::kIntIsPositive: return trace.append(IrOp::kLess, trace.constant(kZero), number(0));
    case Intrinsic::kIntMin: return trace.choose(binary(IrOp::kLess), args[0].ref, args[1].ref);
    case Intrinsic::kIntMax: return trace.choose(binary(IrOp::kLess), args[1].ref, args[0].ref);
    default: return kNoRef;
  }
}

/// Records operations on the words themselves, which do not depend on signs. Returns kNoRef for all others.
IrRef record_as_words(Appender& trace, Intrinsic intrinsic, const Operands& args) {
  const auto word = [&](uint32_t i) { return trace.packed(args[i]); };
  const auto binary = [&](IrOp op) {
    const IrRef a = word(0);
    return trace.append(op, a, word(1));
  };
  switch (intrinsic) {
    case Intrinsic::kIntEqual: return binary(IrOp::kEqual);
    case Intrinsic::kIntNotEqual: return binary(IrOp::kUnequal);
    case Intrinsic::kIntIsZero: return trace.append(IrOp::kEqual, word(0), trace.constant(kZero));
    case Intrinsic::kCharFromInt:
    case Intrinsic::kIntFromChar: return word(0);
    default: return kNoRef;
  }
}

/// Records the signed form, without guards on the signs of operands. Returns kNoRef for operations that are left to
/// C++.
IrRef record_signed(Appender& trace, Intrinsic intrinsic, const Operands& args) {
  const auto packed = [&](uint32_t i) { return trace.packed(args[i]); };
  const auto number = [&](uint32_t i) { return trace.append(IrOp::kIntOf, packed(i)); };
  const auto key = [&](uint32_t i) { return trace.append(IrOp::kOrderKey, packed(i)); };
  const auto word = [&](IrRef result) { return trace.append(IrOp::kIntWord, result); };
  const auto binary = [&](IrOp op) {
    const IrRef a = number(0);
    return trace.append(op, a, number(1));
  };
  const auto order = [&](IrOp op, uint32_t first, uint32_t second) {
    const IrRef a = key(first);
    return trace.append(op, a, key(second));
  };
  const auto remainder = [&](IrRef quotient) {
    IrIns ins{.op = IrOp::kIntRem};
    ins.a = number(0);
    ins.b = number(1);
    ins.list = {quotient};
    return trace.append(std::move(ins));
  };
  switch (intrinsic) {
    case Intrinsic::kIntAdd: return word(binary(IrOp::kIntAdd));
    case Intrinsic::kIntSub: return word(binary(IrOp::kIntSub));
    case Intrinsic::kIntMul: return word(binary(IrOp::kIntMul));
    case Intrinsic::kIntIncr: return word(trace.append(IrOp::kIntAdd, number(0), trace.raw_constant(1)));
    case Intrinsic::kIntDecr: return word(trace.append(IrOp::kIntSub, number(0), trace.raw_constant(1)));
    case Intrinsic::kIntNeg: return word(trace.append(IrOp::kIntSub, trace.raw_constant(0), number(0)));
    case Intrinsic::kIntDouble: return word(trace.append(IrOp::kIntAdd, number(0), number(0)));
    case Intrinsic::kIntQuotient: return word(binary(IrOp::kIntDiv));
    case Intrinsic::kIntModulo: return word(remainder(binary(IrOp::kIntDiv)));
    case Intrinsic::kIntDivide: {
      const IrRef quotient = binary(IrOp::kIntDiv);
      IrIns ins{.op = IrOp::kPackStruct};
      ins.list = {word(quotient), word(remainder(quotient))};
      ins.snapshot = trace.snapshot();
      return trace.append(std::move(ins));
    }
    case Intrinsic::kIntLess: return order(IrOp::kLess, 0, 1);
    case Intrinsic::kIntLessEqual: return order(IrOp::kLessEqual, 0, 1);
    case Intrinsic::kIntGreater: return order(IrOp::kLess, 1, 0);
    case Intrinsic::kIntGreaterEqual: return order(IrOp::kLessEqual, 1, 0);
    case Intrinsic::kIntCompare: return order(IrOp::kCompare, 0, 1);
    case Intrinsic::kIntMin: return trace.choose(order(IrOp::kLess, 0, 1), packed(0), packed(1));
    case Intrinsic::kIntMax: return trace.choose(order(IrOp::kLess, 0, 1), packed(1), packed(0));
    case Intrinsic::kIntIsNegative: {
      // The sign bit is where the tag of a union of two would be.
      const bool negative = packed_is_negative(args[0].word);
      trace.append(IrOp::kTagIs, packed(0), kNoRef, negative ? 0 : 1, 1);
      return trace.constant(negative ? kTrue : kFalse);
    }
    default: return kNoRef;
  }
}

/// Records a call of the function that the interpreter runs on packed words.
IrRef record_call(Appender& trace, Intrinsic intrinsic, const Operands& args) {
  IrIns ins{.op = IrOp::kIntrinsic};
  ins.n = static_cast<int32_t>(intrinsic);
  for (const Operand& arg : args) ins.list.push_back(trace.packed(arg));
  ins.snapshot = trace.snapshot();
  return trace.append(std::move(ins));
}

}  // namespace

bool can_record_intrinsic(Intrinsic intrinsic, const Operands& args) {
  Word words[3] = {0, 0, 0};
  for (size_t i = 0; i < args.size(); ++i) {
    words[i] = args[i].word;
    if (!is_packed(words[i])) return false;
  }
  return fold_packed(intrinsic, words) != 0;
}

IrRef record_intrinsic(Appender& trace, Intrinsic intrinsic, const Operands& args, bool mixed_signs) {
  const bool naturals = std::ranges::all_of(args, is_natural, &Operand::word);
  IrRef result = kNoRef;
  if (mixed_signs) result = record_signed(trace, intrinsic, args);
  if (result == kNoRef && naturals) result = record_natural(trace, intrinsic, args);
  if (result == kNoRef) result = record_as_words(trace, intrinsic, args);
  if (result == kNoRef) result = record_signed(trace, intrinsic, args);
  if (result == kNoRef) result = record_call(trace, intrinsic, args);
  return result;
}

}  // namespace fble
