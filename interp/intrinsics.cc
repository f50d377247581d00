// Intrinsics on packed words.
//
// An integer's word is 4 * magnitude + 3, or + 1 when it is negative
// (gc/integer.h). For naturals, which programs use most, a sum is the sum of the
// words less the constant 3, and the carry is the overflow check; the order is
// that of the words; `&` and `|` work on words as they are. The functions below
// take this path first and unpack only when a sign is involved. They return 0,
// which is no value, if they cannot compute the result: it is not packed, or is
// an error.
//
// A native that is an intrinsic has a handler as its code's entry, in place of
// the one for Op::kNativeBody, which is at pc: a handler that cannot compute
// the result dispatches there. So the arguments are read in their place, in the
// callee's frame, and the handler returns the result directly to the return
// address.
//
// Tested by tests/unit/interp/intrinsics_test.cc.
#include "interp/intrinsics.h"

#include "gc/integer.h"
#include "interp/handler.h"

namespace fble {

namespace {

constexpr Word kZero = 3;
constexpr Word kNegativeBits = 1;  // the low two bits of negative integers
constexpr Word kNaturalBits = 3;
constexpr Word kMagnitudeBits = ~Word{3};
constexpr Word kUnit = 4;  // the step from one magnitude to the next

inline bool are_naturals(Word a, Word b) { return is_natural(a & b); }

/// Return values of the union types of units.
inline Word boolean(bool value) { return value ? 5 : 7; }
inline Word one_of_three(Word tag) { return 9 + 2 * tag; }

inline Word pack_if_fits(int64_t value) { return LIKELY(int_fits(value)) ? pack_int(value) : 0; }

inline Word with_sign_of(Word magnitude_bits, Word a) { return magnitude_bits == 0 ? kZero : magnitude_bits | (a & 3); }

// ---- arithmetic -------------------------------------------------------------

inline Word packed_IntAdd(Word a, Word b) {
  if (LIKELY(are_naturals(a, b))) {
    Word sum;
    return UNLIKELY(__builtin_add_overflow(a - kZero, b, &sum)) ? 0 : sum;
  }
  return pack_if_fits(unpack_int(a) + unpack_int(b));
}

inline Word packed_IntSub(Word a, Word b) {
  if (LIKELY(are_naturals(a, b))) return a >= b ? a - b + kNaturalBits : b - a + kNegativeBits;
  return pack_if_fits(unpack_int(a) - unpack_int(b));
}

inline Word packed_IntMul(Word a, Word b) {
  Word product;
  if (UNLIKELY(__builtin_mul_overflow(a & kMagnitudeBits, b >> 2, &product))) return 0;
  const bool negative = ((a ^ b) & 2) != 0 && product != 0;
  return product + (negative ? kNegativeBits : kNaturalBits);
}

inline Word packed_IntIncr(Word a) {
  if (LIKELY(is_natural(a))) {
    Word sum;
    return UNLIKELY(__builtin_add_overflow(a, kUnit, &sum)) ? 0 : sum;
  }
  return a == kUnit + kNegativeBits ? kZero : a - kUnit;
}

inline Word packed_IntDecr(Word a) {
  if (LIKELY(is_natural(a))) return a == kZero ? kUnit + kNegativeBits : a - kUnit;
  Word sum;
  return UNLIKELY(__builtin_add_overflow(a, kUnit, &sum)) ? 0 : sum;
}

inline Word packed_IntNeg(Word a) { return a == kZero ? a : a ^ 2; }
inline Word packed_IntAbs(Word a) { return a | 2; }

inline Word packed_IntDouble(Word a) {
  if (UNLIKELY(a >> 63 != 0)) return 0;
  return (a & kMagnitudeBits) << 1 | (a & 3);
}

inline Word packed_IntPowerOf2(Word a) {
  if (UNLIKELY(!is_natural(a) || a >> 2 > 61)) return 0;
  return (kUnit << (a >> 2)) + kNaturalBits;
}

inline Word packed_IntShiftLeft(Word a, Word b) {
  if (UNLIKELY(!is_natural(b))) return 0;
  const Word magnitude = a & kMagnitudeBits;
  if (magnitude == 0) return kZero;
  const Word count = b >> 2;
  if (UNLIKELY(count > 61 || (magnitude << count) >> count != magnitude)) return 0;
  return magnitude << count | (a & 3);
}

inline Word packed_IntShiftRight(Word a, Word b) {
  if (UNLIKELY(!is_natural(b))) return 0;
  const Word count = b >> 2;
  return count > 61 ? kZero : with_sign_of(a >> count & kMagnitudeBits, a);
}

struct Division {
  int64_t quotient;
  int64_t remainder;
};

/// Divides. Requires: b is not zero.
inline Division divide(int64_t a, int64_t b) {
  Division result{a / b, a % b};
  if (result.remainder != 0 && (result.remainder ^ b) < 0) {
    --result.quotient;
    result.remainder += b;
  }
  return result;
}

inline Word packed_IntDivide(Word a, Word b) {
  if (UNLIKELY(b == kZero)) return 0;
  Division result;
  if (LIKELY(are_naturals(a, b))) {
    const Word quotient = (a >> 2) / (b >> 2);
    const Word remainder = (a >> 2) % (b >> 2);
    result = {static_cast<int64_t>(quotient), static_cast<int64_t>(remainder)};
  } else {
    result = divide(unpack_int(a), unpack_int(b));
  }
  const Word quotient = pack_int(result.quotient);
  const Word remainder = pack_int(result.remainder);
  return pack_struct(2, [&](uint32_t field) { return field == 0 ? quotient : remainder; });
}

inline Word packed_IntQuotient(Word a, Word b) {
  if (UNLIKELY(b == kZero)) return 0;
  if (LIKELY(are_naturals(a, b))) return ((a >> 2) / (b >> 2)) << 2 | kNaturalBits;
  return pack_int(divide(unpack_int(a), unpack_int(b)).quotient);
}

inline Word packed_IntModulo(Word a, Word b) {
  if (UNLIKELY(b == kZero)) return 0;
  if (LIKELY(are_naturals(a, b))) return ((a >> 2) % (b >> 2)) << 2 | kNaturalBits;
  return pack_int(divide(unpack_int(a), unpack_int(b)).remainder);
}

// ---- bits -------------------------------------------------------------------

inline Word packed_IntAnd(Word a, Word b) {
  return LIKELY(are_naturals(a, b)) ? a & b : pack_if_fits(unpack_int(a) & unpack_int(b));
}
inline Word packed_IntOr(Word a, Word b) {
  return LIKELY(are_naturals(a, b)) ? a | b : pack_if_fits(unpack_int(a) | unpack_int(b));
}
inline Word packed_IntXor(Word a, Word b) {
  return LIKELY(are_naturals(a, b)) ? (a ^ b) | kNaturalBits : pack_if_fits(unpack_int(a) ^ unpack_int(b));
}
inline Word packed_IntNot(Word a) { return pack_if_fits(~unpack_int(a)); }

inline Word packed_IntTestBit(Word a, Word b) {
  if (UNLIKELY(!is_natural(b))) return 0;
  const Word index = b >> 2 > 63 ? 63 : b >> 2;
  return boolean((unpack_int(a) >> index & 1) != 0);
}

inline Word packed_IntBitLength(Word a) { return static_cast<Word>(std::bit_width(a >> 2)) << 2 | kNaturalBits; }

inline Word packed_BitPush(Word a, Word b) {
  if (UNLIKELY(b >> 63 != 0 || !is_natural(b))) return 0;
  return (b & kMagnitudeBits) << 1 | (a & 2) << 1 | kNaturalBits;
}

// ---- order ------------------------------------------------------------------

inline bool less(Word a, Word b) { return LIKELY(are_naturals(a, b)) ? a < b : unpack_int(a) < unpack_int(b); }

inline Word packed_IntCompare(Word a, Word b) {
  if (a == b) return one_of_three(1);
  return one_of_three(less(a, b) ? 0 : 2);
}
inline Word packed_IntLess(Word a, Word b) { return boolean(less(a, b)); }
inline Word packed_IntLessEqual(Word a, Word b) { return boolean(!less(b, a)); }
inline Word packed_IntGreater(Word a, Word b) { return boolean(less(b, a)); }
inline Word packed_IntGreaterEqual(Word a, Word b) { return boolean(!less(a, b)); }
inline Word packed_IntEqual(Word a, Word b) { return boolean(a == b); }
inline Word packed_IntNotEqual(Word a, Word b) { return boolean(a != b); }
inline Word packed_IntInRange(Word a, Word b, Word c) { return boolean(!less(c, a) && !less(b, c)); }
inline Word packed_IntMin(Word a, Word b) { return less(b, a) ? b : a; }
inline Word packed_IntMax(Word a, Word b) { return less(a, b) ? b : a; }

inline Word packed_IntIsZero(Word a) { return boolean(a == kZero); }
inline Word packed_IntIsNegative(Word a) { return boolean((a & 2) == 0); }
inline Word packed_IntIsPositive(Word a) { return boolean((a & 2) != 0 && a != kZero); }
inline Word packed_IntSign(Word a) { return one_of_three((a & 2) == 0 ? 0 : a == kZero ? 1 : 2); }

// ---- characters -------------------------------------------------------------

inline Word packed_CharFromInt(Word a) { return a; }
inline Word packed_IntFromChar(Word a) { return a; }

// ---- handlers ---------------------------------------------------------------

template <uint32_t kArity, auto kPacked>
inline Word apply(const Word* args) {
  if constexpr (kArity == 1) {
    return LIKELY(is_packed(args[0])) ? kPacked(args[0]) : 0;
  } else if constexpr (kArity == 2) {
    return LIKELY(is_packed(args[0] & args[1])) ? kPacked(args[0], args[1]) : 0;
  } else {
    return LIKELY(is_packed(args[0] & args[1] & args[2])) ? kPacked(args[0], args[1], args[2]) : 0;
  }
}

template <uint32_t kArity, auto kPacked>
FBLE_HANDLER_CC void enter(HANDLER) {
  value = apply<kArity, kPacked>(fp);
  // The recorder and the profiler have already seen this call, so the body runs directly: the call is the same for all
  // arguments.
  if (UNLIKELY(value == 0)) TAIL handler_of(Op::kNativeBody)(REGISTERS);
  RETURN_VALUE();
}

template <uint32_t kArity>
const Handler kExactCall = exact_call(kArity);

/// The same handler at a call in bytecode, whose words are the function, the
/// arguments, the result's slot and the frame's place: there is no frame to make.
template <uint32_t kArity, auto kPacked>
FBLE_HANDLER_CC void direct(HANDLER) {
  Word result = 0;
  const Word a = fp[pc[2]];
  if constexpr (kArity == 1) {
    if (LIKELY(is_packed(a))) result = kPacked(a);
  } else if constexpr (kArity == 2) {
    const Word b = fp[pc[3]];
    if (LIKELY(is_packed(a & b))) result = kPacked(a, b);
  } else {
    const Word b = fp[pc[3]];
    const Word c = fp[pc[4]];
    if (LIKELY(is_packed(a & b & c))) result = kPacked(a, b, c);
  }
  if (UNLIKELY(result == 0)) TAIL kExactCall<kArity>(REGISTERS);
  fp[pc[2 + kArity]] = result;
  NEXT(4 + kArity);
}

struct Entry {
  Handler handler;
  Handler direct;
  Word (*fold)(const Word* args);
};

constexpr Entry kEntries[] = {
#define FBLE_INTRINSIC(Name, text, arity, effects, doc) \
  {enter<arity, packed_##Name>, direct<arity, packed_##Name>, apply<arity, packed_##Name>},
#include "interp/intrinsics.def"
#undef FBLE_INTRINSIC
};

constexpr IntrinsicInfo kInfos[] = {
#define FBLE_INTRINSIC(Name, text, arity, effects, doc) {text, arity, effects, doc},
#include "interp/intrinsics.def"
#undef FBLE_INTRINSIC
};

/// Returns the index in the tables, which have no row for kNone.
size_t index_of(Intrinsic intrinsic) {
  FBLE_ASSERT(intrinsic != Intrinsic::kNone);
  return static_cast<size_t>(intrinsic) - 1;
}

}  // namespace

const IntrinsicInfo& intrinsic_info(Intrinsic intrinsic) { return kInfos[index_of(intrinsic)]; }
Handler intrinsic_entry(Intrinsic intrinsic) { return kEntries[index_of(intrinsic)].handler; }
Handler intrinsic_direct(Intrinsic intrinsic) { return kEntries[index_of(intrinsic)].direct; }
Word fold_packed(Intrinsic intrinsic, const Word* args) { return kEntries[index_of(intrinsic)].fold(args); }

}  // namespace fble
