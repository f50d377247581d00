#include "tests/proofs/ir_terms.h"

#include "gc/value.h"

namespace fble::proofs {

using z3::expr;
using z3::ite;
using z3::lshr;
using z3::shl;
using z3::ule;
using z3::ult;

namespace {

expr num(uint64_t value) { return bits_of(value); }
expr yes() { return context().bool_val(true); }
expr no() { return context().bool_val(false); }
expr boolean(const expr& condition) { return ite(condition, num(5), num(7)); }
expr nothing() { return num(0); }
unsigned offset_bits() { return kOffsetBits; }
unsigned max_bits() { return word_bits - 2; }

/// Fits and is what it should be: 0 is what leaves.
Meaning or_leave(const expr& requires_, const expr& value) { return {requires_, value == 0, value}; }
Meaning guard(const expr& requires_, const expr& holds) { return {requires_, !holds, nothing()}; }

expr pack_or_leave(const expr& number) { return ite(number_fits(number), word_of_number(number), nothing()); }

/// Rounded down. Requires: b is not zero.
expr floor_div(const expr& a, const expr& b) {
  const expr quotient = a / b;
  const expr remainder = z3::srem(a, b);
  return ite(remainder != 0 && ((remainder ^ b) < 0), quotient - 1, quotient);
}

expr bit_width(const expr& value) {
  expr result = num(0);
  for (unsigned i = 0; i < word_bits; ++i) result = ite(value.extract(i, i) == 1, num(i + 1), result);
  return result;
}

expr compared(const expr& less, const expr& equal) { return ite(less, num(9), ite(equal, num(11), num(13))); }

expr of_intrinsic(Intrinsic which, const std::vector<expr>& words) {
  const expr a = number_of(words[0]);
  const expr b = words.size() > 1 ? number_of(words[1]) : a;
  const expr c = words.size() > 2 ? number_of(words[2]) : a;
  const expr limit = num(word_bits - 3);
  switch (which) {
    case Intrinsic::kIntAdd: return pack_or_leave(a + b);
    case Intrinsic::kIntSub: return pack_or_leave(a - b);
    case Intrinsic::kIntMul: return ite(product_fits(a, b), pack_or_leave(a * b), nothing());
    case Intrinsic::kIntIncr: return pack_or_leave(a + 1);
    case Intrinsic::kIntDecr: return pack_or_leave(a - 1);
    case Intrinsic::kIntNeg: return pack_or_leave(-a);
    case Intrinsic::kIntAbs: return pack_or_leave(ite(a < 0, -a, a));
    case Intrinsic::kIntDouble: return pack_or_leave(a + a);
    case Intrinsic::kIntPowerOf2: return ite(a < 0 || a > limit, nothing(), pack_or_leave(shl(num(1), a)));
    case Intrinsic::kIntShiftLeft: {
      const expr magnitude = ite(a < 0, -a, a);
      const expr shifted = shl(magnitude, b);
      const expr fits = b <= limit && lshr(shifted, b) == magnitude && ule(shifted, max_packed_int());
      return ite(b < 0, nothing(),
                 ite(a == 0, num(3), ite(fits, word_of_number(ite(a < 0, -shifted, shifted)), nothing())));
    }
    case Intrinsic::kIntShiftRight: {
      const expr shifted = lshr(ite(a < 0, -a, a), b);
      return ite(b < 0, nothing(), word_of_number(ite(a < 0, -shifted, shifted)));
    }
    case Intrinsic::kIntDivide:
      return ite(b == 0, nothing(), packed_struct({word_of_number(floor_div(a, b)), word_of_number(z3::smod(a, b))}));
    case Intrinsic::kIntQuotient: return ite(b == 0, nothing(), word_of_number(floor_div(a, b)));
    case Intrinsic::kIntModulo: return ite(b == 0, nothing(), word_of_number(z3::smod(a, b)));
    case Intrinsic::kIntAnd: return pack_or_leave(a & b);
    case Intrinsic::kIntOr: return pack_or_leave(a | b);
    case Intrinsic::kIntXor: return pack_or_leave(a ^ b);
    case Intrinsic::kIntNot: return pack_or_leave(~a);
    case Intrinsic::kIntTestBit:
      return ite(b < 0, nothing(), boolean((z3::ashr(a, ite(ult(b, num(word_bits)), b, num(word_bits - 1))) & 1) == 1));
    case Intrinsic::kIntBitLength: return word_of_number(bit_width(ite(a < 0, -a, a)));
    case Intrinsic::kIntCompare: return compared(a < b, a == b);
    case Intrinsic::kIntLess: return boolean(a < b);
    case Intrinsic::kIntLessEqual: return boolean(a <= b);
    case Intrinsic::kIntGreater: return boolean(a > b);
    case Intrinsic::kIntGreaterEqual: return boolean(a >= b);
    case Intrinsic::kIntEqual: return boolean(a == b);
    case Intrinsic::kIntNotEqual: return boolean(a != b);
    case Intrinsic::kIntInRange: return boolean(a <= c && c <= b);
    case Intrinsic::kIntMin: return word_of_number(ite(a <= b, a, b));
    case Intrinsic::kIntMax: return word_of_number(ite(a >= b, a, b));
    case Intrinsic::kIntIsZero: return boolean(a == 0);
    case Intrinsic::kIntIsNegative: return boolean(a < 0);
    case Intrinsic::kIntIsPositive: return boolean(a > 0);
    case Intrinsic::kIntSign: return compared(a < 0, a == 0);
    case Intrinsic::kBitPush: return ite(b < 0, nothing(), pack_or_leave(b + b + (lshr(words[0], 1) & 1)));
    case Intrinsic::kCharFromInt:
    case Intrinsic::kIntFromChar: return words[0];
    default: return nothing();
  }
}

}  // namespace

expr max_packed_int() { return num((uint64_t{1} << max_bits()) - 1); }
expr is_packed_word(const expr& word) { return (word & 1) == 1 && ult(num(1), word); }
expr is_natural_word(const expr& word) { return (word & 3) == 3; }
expr content_bits(const expr& word) { return bit_width(word) - 2; }
expr tag_of(const expr& word, const expr& width) { return lshr(word, 1) & (shl(num(1), width) - 1); }

expr number_of(const expr& word) {
  const expr magnitude = lshr(word, 2);
  return ite((word & 2) == 0, -magnitude, magnitude);
}

expr word_of_number(const expr& number) { return ite(number < 0, shl(-number, num(2)) + 1, shl(number, num(2)) + 3); }

expr number_fits(const expr& number) { return number >= -max_packed_int() && number <= max_packed_int(); }

expr packed_union(const expr& arg, const expr& width, const expr& tag) {
  // The content moves up, with the sentinel above it.
  const expr fits = ule(content_bits(arg) + width, num(max_bits()));
  return ite(fits, (shl(lshr(arg, 1), width + 1)) | shl(tag, num(1)) | 1, nothing());
}

expr packed_struct(const std::vector<expr>& fields) {
  if (fields.empty()) return num(kUnitWord);
  if (fields.size() == 1) return fields[0];
  const unsigned header = offset_bits() * static_cast<unsigned>(fields.size() - 1);
  if (header > max_bits()) return nothing();
  expr offsets = num(0);
  expr content = num(0);
  expr end = num(0);
  for (size_t i = 0; i < fields.size(); ++i) {
    const expr bits = content_bits(fields[i]);
    const expr part = lshr(fields[i], 1) & (shl(num(1), bits) - 1);
    content = content | shl(part, end);
    end = end + bits;
    if (i + 1 < fields.size()) offsets = offsets | shl(end, num(offset_bits() * i));
  }
  const expr whole = shl(num(1), end + num(1 + header)) | shl(content, num(1 + header)) | shl(offsets, num(1)) | 1;
  return ite(ule(end, num(max_bits() - header)), whole, nothing());
}

namespace {

expr offset_of(const expr& word, uint32_t index) {
  return index == 0 ? num(0) : lshr(word, num(1 + offset_bits() * (index - 1))) & 63;
}

expr end_of(const expr& word, uint32_t index, uint32_t count) {
  const unsigned header = offset_bits() * (count - 1);
  return index + 1 == count ? content_bits(word) - num(header) : offset_of(word, index + 1);
}

}  // namespace

expr is_struct_of(const expr& word, uint32_t count) {
  if (count < 2) return is_packed_word(word);
  expr result = is_packed_word(word) && ule(num(offset_bits() * (count - 1)), content_bits(word));
  for (uint32_t i = 0; i < count; ++i) result = result && ule(offset_of(word, i), end_of(word, i, count));
  return result;
}

expr field_of_struct(const expr& word, uint32_t index, uint32_t count) {
  if (count == 1) return word;
  const unsigned header = offset_bits() * (count - 1);
  const expr start = offset_of(word, index);
  const expr bits = end_of(word, index, count) - start;
  const expr content = lshr(word, start + num(1 + header)) & (shl(num(1), bits) - 1);
  return shl(num(1), bits + 1) | shl(content, num(1)) | 1;
}

expr layout_of_struct(const expr& word, uint32_t count) {
  const expr ends = word & num((uint64_t{2} << (offset_bits() * (count - 1))) - 1);
  return ends | shl(num(1), bit_width(word) - 1);
}

std::optional<Meaning> meaning_of(const Operands& ins) {
  const expr a = ins.a ? *ins.a : nothing();
  const expr b = ins.b ? *ins.b : nothing();
  const expr naturals = is_natural_word(a) && (ins.b ? is_natural_word(b) : yes());
  const expr x = lshr(a, 2);
  const expr y = lshr(b, 2);
  const expr bits = (a == 5 || a == 7) && (b == 5 || b == 7);
  const expr small = number_fits(a) && (ins.b ? number_fits(b) : yes());
  const auto natural = [&](const expr& fits, const expr& value) {
    return Meaning{naturals, !fits, shl(value, num(2)) | 3};
  };
  expr all_packed = yes();
  switch (ins.op) {
    case IrOp::kPackStruct:
    case IrOp::kNoFit:
    case IrOp::kIntrinsic:
      for (const expr& word : ins.list) all_packed = all_packed && is_packed_word(word);
      break;
    default: break;
  }
  switch (ins.op) {
    case IrOp::kPackedArg: return Meaning{is_packed_word(a) && ule(ins.n, content_bits(a)), no(), lshr(a, ins.n) | 1};
    case IrOp::kPackedField: {
      const auto index = static_cast<uint32_t>(ins.n.get_numeral_uint64());
      const auto count = static_cast<uint32_t>(ins.m.get_numeral_uint64());
      return Meaning{is_struct_of(a, count), no(), field_of_struct(a, index, count)};
    }
    case IrOp::kPackUnion: return or_leave(is_packed_word(a), packed_union(a, ins.m, ins.n));
    case IrOp::kPackStruct: return or_leave(all_packed, packed_struct(ins.list));
    case IrOp::kNoFit: {
      expr bits = ins.m + num(ins.list.size() > 1 ? offset_bits() * (ins.list.size() - 1) : 0);
      for (const expr& word : ins.list) bits = bits + content_bits(word);
      return guard(all_packed, ult(num(max_bits()), bits));
    }
    case IrOp::kIsPacked: return guard(yes(), (a & 1) == 1);
    case IrOp::kIsPointer: return guard(yes(), (a & 3) == 0);
    case IrOp::kIsNatural: return guard(yes(), (a & 3) == 3);
    case IrOp::kLayoutIs: {
      const auto count = static_cast<uint32_t>(ins.m.get_numeral_uint64());
      return guard(count == 1 ? yes() : is_packed_word(a), layout_of_struct(a, count) == ins.x);
    }
    case IrOp::kTagIs: return guard(is_packed_word(a), tag_of(a, ins.m) == ins.n);
    case IrOp::kTagFrom: return guard(is_packed_word(a), ule(ins.n, tag_of(a, ins.m)));
    case IrOp::kAdd: return natural(ule(x + y, max_packed_int()), x + y);
    case IrOp::kSub: return natural(ule(y, x), x - y);
    case IrOp::kMul: return natural(z3::bvmul_no_overflow(x, y, false) && ule(x * y, max_packed_int()), x * y);
    case IrOp::kDiv: return natural(y != 0, z3::udiv(x, y));
    case IrOp::kMod: return natural(y != 0, z3::urem(x, y));
    case IrOp::kAnd: return natural(yes(), x & y);
    case IrOp::kOr: return natural(yes(), x | y);
    case IrOp::kXor: return natural(yes(), x ^ y);
    case IrOp::kShiftLeft: {
      const expr shifted = shl(x, ins.n);
      return natural(lshr(shifted, ins.n) == x && ule(shifted, max_packed_int()), shifted);
    }
    case IrOp::kShiftRight: return natural(yes(), lshr(x, ins.n));
    case IrOp::kLess: return Meaning{yes(), no(), boolean(ult(a, b))};
    case IrOp::kLessEqual: return Meaning{yes(), no(), boolean(ule(a, b))};
    case IrOp::kEqual: return Meaning{yes(), no(), boolean(a == b)};
    case IrOp::kUnequal: return Meaning{yes(), no(), boolean(a != b)};
    case IrOp::kCompare: return Meaning{yes(), no(), compared(ult(a, b), a == b)};
    case IrOp::kIsLess: return guard(yes(), ult(a, b));
    case IrOp::kNotLess: return guard(yes(), !ult(a, b));
    case IrOp::kIsEqual: return guard(yes(), a == b);
    case IrOp::kNotEqual: return guard(yes(), a != b);
    case IrOp::kIntrinsic: return or_leave(all_packed, of_intrinsic(ins.intrinsic, ins.list));
    case IrOp::kIntOf: return Meaning{is_packed_word(a), no(), number_of(a)};
    case IrOp::kIntWord: return Meaning{yes(), !number_fits(a), word_of_number(a)};
    case IrOp::kIntAdd: return Meaning{small, no(), a + b};
    case IrOp::kIntSub: return Meaning{small, no(), a - b};
    case IrOp::kIntMul: return Meaning{small, !product_fits(a, b), a * b};
    case IrOp::kIntDiv: return Meaning{small, b == 0, floor_div(a, b)};
    case IrOp::kIntRem: return Meaning{small && b != 0 && ins.list[0] == floor_div(a, b), no(), z3::smod(a, b)};
    case IrOp::kIntShiftRight: return Meaning{number_fits(a), no(), z3::ashr(a, ins.n)};
    case IrOp::kOrderKey: {
      const expr top = num(uint64_t{1} << (word_bits - 1));
      return Meaning{is_packed_word(a), no(), ite((a & 2) == 0, top - 1 - lshr(a, 1), top + lshr(a, 1))};
    }
    case IrOp::kChoose: return Meaning{is_packed_word(a), no(), ite(tag_of(a, num(1)) == 0, ins.list[0], ins.list[1])};
    case IrOp::kTagIn: {
      const expr is_in = (lshr(ins.x, tag_of(a, ins.m)) & 1) == 1;
      return Meaning{is_packed_word(a), no(), ite(is_in, num(7), num(5))};
    }
    case IrOp::kBitAnd: return Meaning{bits, no(), ite(a == 7 && b == 7, num(7), num(5))};
    case IrOp::kBitOr: return Meaning{bits, no(), ite(a == 5 && b == 5, num(5), num(7))};
    case IrOp::kBitXor: return Meaning{bits, no(), ite(a == b, num(5), num(7))};
    default: return std::nullopt;
  }
}

}  // namespace fble::proofs
