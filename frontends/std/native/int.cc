// Integers: the natives of our own library's /Std/Int%, /Std/Char% and the modules below.
//
// Most calls never come here: the intrinsic's handler (interp/intrinsics.cc) computes
// with packed arguments and results. The bodies handle the general case, on the limbs
// of gc/integer.h with GMP: they read their arguments, reserve the largest size of the
// result, read the arguments again (a collection may have moved them), and let GMP
// result, read the arguments again (a collection may have moved them), and let GMP write into the reserved room.
// `finish_int` then makes an integer of these limbs, which takes no more room than it needs. Operations that GMP
// provides only on its own numbers are computed on such numbers and copied.
//
// A character is a struct of one integer. While packed that is the integer's
// word, else an object of its own around it: `int_of` takes both.
//
// Tested by tests/unit/frontends/std/int_test.cc.
#include <algorithm>
#include <cstring>

#include "frontends/std/native/big_number.h"
#include "frontends/std/native/limbs.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/heap.h"

namespace fble {
namespace {

/// The largest number of limbs of an integer: 2 GiB of digits.
constexpr size_t kMaxLimbs = size_t{1} << 28;
constexpr const char* kTooLarge = "out of memory: the integer has too many digits";

// ---- arguments --------------------------------------------------------------

Limbs limbs(NativeCall& call, uint32_t index) { return Limbs(int_of(call.arg(index))); }

/// Returns false, with an error, unless the arguments are integers or characters.
bool are_ints(NativeCall& call, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; ++i) {
    const Word word = int_of(call.arg(i));
    if (is_placeholder(word)) {
      call.fail_undefined();
      return false;
    }
    if (is_pointer(word) && as_object(word)->kind() != ObjectKind::kBytes) {
      fail_read(call, ReadError::kShape, "integer");
      return false;
    }
  }
  return true;
}

/// The result of a body after are_ints or NativeCall::reserve has returned false.
constexpr Word kFailed = 0;

// ---- results ----------------------------------------------------------------

/// Returns the number of words to reserve for the integer.
size_t words_of(mpz_srcptr number) { return object_words(static_cast<uint32_t>(mpz_size(number))); }
Word copy_finish(NativeCall& call, mpz_srcptr number) {
  mpn_copyi(call.room(), mpz_limbs_read(number), static_cast<mp_size_t>(mpz_size(number)));
  return finish_int(call, mpz_sgn(number) < 0, mpz_size(number));
}
Word make_result(NativeCall& call, mpz_srcptr number) {
  if (mpz_size(number) > kMaxLimbs) return call.fail_out_of_memory(kTooLarge);
  if (!call.reserve(words_of(number))) return kFailed;
  return copy_finish(call, number);
}

/// Makes an integer of the operation's result. Returns 0 if there is none, or after an error.
Word finish_apart(NativeCall& call, const std::shared_ptr<BigOperation>& operation) {
  return operation == nullptr ? kFailed : make_result(call, operation->result);
}
/// Makes a struct of both results in the same way.
Word finish_both_apart(NativeCall& call, const std::shared_ptr<BigOperation>& operation) {
  if (operation == nullptr) return kFailed;
  if (!call.reserve(words_of(operation->result) + words_of(operation->second_result) + object_words(2))) {
    return kFailed;
  }
  const Word first = copy_finish(call, operation->result);
  const Word both[] = {first, copy_finish(call, operation->second_result)};
  return call.make_struct(both);
}

/// Returns false, with an error, for more limbs than any integer has.
bool is_possible(NativeCall& call, size_t size) {
  if (size > kMaxLimbs) call.fail_out_of_memory(kTooLarge);
  return size <= kMaxLimbs;
}
/// Reserves room for an integer of `size` limbs. Returns false with an error.
bool reserve_limbs(NativeCall& call, size_t size) {
  return is_possible(call, size) && call.reserve(object_words(static_cast<uint32_t>(size)));
}

// ---- sums -------------------------------------------------------------------

int compare_magnitudes(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.is_zero() ? 0 : mpn_cmp(a.data(), b.data(), static_cast<mp_size_t>(a.size()));
}

/// Returns the arguments' sum, or difference.
Word sum(NativeCall& call, bool subtract) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const size_t longer = std::max(limbs(call, 0).size(), limbs(call, 1).size());
  if (!reserve_limbs(call, longer + 1)) return kFailed;
  const Limbs a = limbs(call, 0);
  const Limbs b = limbs(call, 1);
  const bool b_negative = b.is_negative() != subtract;
  mp_limb_t* result = call.room();

  if (a.is_zero() || b.is_zero()) {
    const Limbs& other = a.is_zero() ? b : a;
    mpn_copyi(result, other.data(), static_cast<mp_size_t>(other.size()));
    return finish_int(call, a.is_zero() ? b_negative : a.is_negative(), other.size());
  }
  const bool a_larger = compare_magnitudes(a, b) >= 0;
  const Limbs& large = a_larger ? a : b;
  const Limbs& small = a_larger ? b : a;
  const mp_size_t large_size = static_cast<mp_size_t>(large.size());
  const mp_size_t small_size = static_cast<mp_size_t>(small.size());
  if (a.is_negative() == b_negative) {
    result[large_size] = mpn_add(result, large.data(), large_size, small.data(), small_size);
    return finish_int(call, b_negative, longer + 1);
  }
  mpn_sub(result, large.data(), large_size, small.data(), small_size);
  return finish_int(call, a_larger ? a.is_negative() : b_negative, longer);
}

Word add(NativeCall& call) { return sum(call, false); }
Word subtract(NativeCall& call) { return sum(call, true); }

/// Returns the argument plus one or minus one.
Word step(NativeCall& call, bool down) {
  if (!are_ints(call, 0, 1)) return kFailed;
  if (!reserve_limbs(call, limbs(call, 0).size() + 1)) return kFailed;
  const Limbs a = limbs(call, 0);
  mp_limb_t* result = call.room();
  const mp_size_t size = static_cast<mp_size_t>(a.size());
  if (a.is_zero()) {
    result[0] = 1;
    return finish_int(call, down, 1);
  }
  if (a.is_negative() == down) {
    result[size] = mpn_add_1(result, a.data(), size, 1);
    return finish_int(call, down, a.size() + 1);
  }
  mpn_sub_1(result, a.data(), size, 1);
  return finish_int(call, a.is_negative(), a.size());
}

Word increment(NativeCall& call) { return step(call, false); }
Word decrement(NativeCall& call) { return step(call, true); }

Word with_sign(NativeCall& call, bool (*sign)(const Limbs& a)) {
  if (!are_ints(call, 0, 1)) return kFailed;
  if (!reserve_limbs(call, limbs(call, 0).size())) return kFailed;
  const Limbs a = limbs(call, 0);
  mpn_copyi(call.room(), a.data(), static_cast<mp_size_t>(a.size()));
  return finish_int(call, sign(a), a.size());
}

Word negate(NativeCall& call) {
  return with_sign(call, [](const Limbs& a) { return !a.is_negative(); });
}
Word absolute(NativeCall& call) {
  return with_sign(call, [](const Limbs&) { return false; });
}

// ---- products and shifts ----------------------------------------------------

Word multiply(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const size_t a_size = limbs(call, 0).size();
  const size_t b_size = limbs(call, 1).size();
  const size_t size = a_size + b_size;
  if (takes_long(a_size, b_size)) {
    if (!is_possible(call, size)) return kFailed;
    return finish_apart(call, compute_apart(call, {0, 1}, {}, kProductLimbs * size,
                                            [](BigOperation& op) { mpz_mul(op.result, op.a, op.b); }));
  }
  if (!charge_limbs(call, kProductLimbs * size) || !reserve_limbs(call, size)) return kFailed;
  const Limbs a = limbs(call, 0);
  const Limbs b = limbs(call, 1);
  if (a.is_zero() || b.is_zero()) return pack_int(0);
  const Limbs& large = a.size() >= b.size() ? a : b;
  const Limbs& small = a.size() >= b.size() ? b : a;
  mpn_mul(call.room(), large.data(), static_cast<mp_size_t>(large.size()), small.data(),
          static_cast<mp_size_t>(small.size()));
  return finish_int(call, a.is_negative() != b.is_negative(), size);
}

/// Returns the first argument times 2^count.
Word shift_left_by(NativeCall& call, size_t count) {
  const size_t whole = count / kLimbBits;
  const unsigned part = count % kLimbBits;
  const size_t size = limbs(call, 0).size() + whole + 1;
  if (!reserve_limbs(call, size)) return kFailed;
  const Limbs a = limbs(call, 0);
  mp_limb_t* result = call.room();
  const mp_size_t a_size = static_cast<mp_size_t>(a.size());
  std::fill_n(result, whole, 0);
  if (part != 0) {
    result[size - 1] = mpn_lshift(result + whole, a.data(), a_size, part);
  } else {
    mpn_copyi(result + whole, a.data(), a_size);
    result[size - 1] = 0;
  }
  return finish_int(call, a.is_negative(), size);
}

Word twice(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  return limbs(call, 0).is_zero() ? pack_int(0) : shift_left_by(call, 1);
}

/// Reads the argument as a count. A count beyond all limits becomes SIZE_MAX / 2. Returns false after an error.
bool read_count(NativeCall& call, uint32_t index, const char* negative_message, size_t& count) {
  const Limbs value = limbs(call, index);
  if (value.is_negative()) {
    call.fail(negative_message);
    return false;
  }
  constexpr size_t kBeyond = SIZE_MAX / 2;
  count = value.size() > 1 ? kBeyond : value.is_zero() ? 0 : std::min<size_t>(value.data()[0], kBeyond);
  return true;
}

constexpr const char* kNegativeShift = "undefined: shift by a negative count";
constexpr const char* kNegativeExponent = "undefined: power with a negative exponent";

Word shift_left(NativeCall& call) {
  size_t count = 0;
  if (!are_ints(call, 0, 2) || !read_count(call, 1, kNegativeShift, count)) return kFailed;
  return limbs(call, 0).is_zero() ? pack_int(0) : shift_left_by(call, count);
}

Word shift_right(NativeCall& call) {
  size_t count = 0;
  if (!are_ints(call, 0, 2) || !read_count(call, 1, kNegativeShift, count)) return kFailed;
  const size_t whole = count / kLimbBits;
  const unsigned part = count % kLimbBits;
  if (whole >= limbs(call, 0).size()) return pack_int(0);
  const size_t size = limbs(call, 0).size() - whole;
  if (!reserve_limbs(call, size)) return kFailed;
  const Limbs a = limbs(call, 0);
  if (part != 0) {
    mpn_rshift(call.room(), a.data() + whole, static_cast<mp_size_t>(size), part);
  } else {
    mpn_copyi(call.room(), a.data() + whole, static_cast<mp_size_t>(size));
  }
  return finish_int(call, a.is_negative(), size);
}

Word power_of_2(NativeCall& call) {
  size_t count = 0;
  if (!are_ints(call, 0, 1) || !read_count(call, 0, kNegativeExponent, count)) return kFailed;
  const size_t size = count / kLimbBits + 1;
  if (!reserve_limbs(call, size)) return kFailed;
  std::fill_n(call.room(), size, 0);
  call.room()[size - 1] = mp_limb_t{1} << count % kLimbBits;
  return finish_int(call, false, size);
}

Word power(NativeCall& call) {
  size_t exponent = 0;
  if (!are_ints(call, 0, 2) || !read_count(call, 1, kNegativeExponent, exponent)) return kFailed;
  const Limbs base = limbs(call, 0);
  if (exponent == 0) return pack_int(1);
  if (base.bits() <= 1) {
    const Limbs exact = limbs(call, 1);
    const bool odd = (exact.data()[0] & 1) != 0;
    return pack_int(base.is_zero() ? 0 : base.is_negative() && odd ? -1 : 1);
  }
  if (exponent > kMaxLimbs * kLimbBits / (base.bits() - 1)) return call.fail_out_of_memory(kTooLarge);
  const size_t size = base.bits() * exponent / kLimbBits + 1;
  if (takes_long(size, size)) {
    return finish_apart(call, compute_apart(call, {0}, {}, kPowerLimbs * size,
                                            [exponent](BigOperation& op) { mpz_pow_ui(op.result, op.a, exponent); }));
  }
  if (!charge_limbs(call, kPowerLimbs * size)) return kFailed;
  mpz_t space;
  BigNumber result;
  mpz_pow_ui(result, limbs(call, 0).as_mpz(space), exponent);
  return make_result(call, result);
}

// ---- division ---------------------------------------------------------------

enum class Parts { kQuotient, kRemainder, kBoth };

/// Divides and rounds down: the remainder has the sign of the divisor.
template <Parts kParts>
Word divide(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  if (limbs(call, 1).is_zero()) return call.fail("undefined: division by zero");
  const size_t a_size = limbs(call, 0).size();
  const size_t b_size = limbs(call, 1).size();
  if (a_size > b_size && takes_long(b_size, a_size - b_size)) {
    const auto operation = compute_apart(call, {0, 1}, {}, kDivisionLimbs * (a_size + b_size), [](BigOperation& op) {
      mpz_fdiv_qr(op.result, op.second_result, op.a, op.b);
    });
    if constexpr (kParts == Parts::kBoth) return finish_both_apart(call, operation);
    if (operation == nullptr) return kFailed;
    return make_result(call, kParts == Parts::kQuotient ? operation->result : operation->second_result);
  }
  if (!charge_limbs(call, kDivisionLimbs * (a_size + b_size))) return kFailed;
  // Rounding may take the quotient one limb further.
  const size_t quotient_size = (a_size >= b_size ? a_size - b_size + 1 : 0) + 1;
  const size_t words = object_words(static_cast<uint32_t>(quotient_size)) +
                       object_words(static_cast<uint32_t>(b_size)) + object_words(2);
  if (!call.reserve(words)) return kFailed;
  const Limbs a = limbs(call, 0);
  const Limbs b = limbs(call, 1);
  const mp_size_t divisor_size = static_cast<mp_size_t>(b_size);

  mp_limb_t* quotient = call.room();
  mp_limb_t* remainder = quotient + quotient_size + 1;
  quotient[quotient_size - 1] = 0;
  if (a_size >= b_size) {
    mpn_tdiv_qr(quotient, remainder, 0, a.data(), static_cast<mp_size_t>(a_size), b.data(), divisor_size);
  } else {
    std::copy_n(a.data(), a_size, remainder);
    std::fill(remainder + a_size, remainder + b_size, 0);
  }
  const bool signs_differ = a.is_negative() != b.is_negative();
  if (signs_differ && !mpn_zero_p(remainder, divisor_size)) {
    mpn_add_1(quotient, quotient, static_cast<mp_size_t>(quotient_size), 1);
    mpn_sub_n(remainder, b.data(), remainder, divisor_size);
  }
  const bool remainder_negative = b.is_negative();

  Word quotient_word = 0;
  if constexpr (kParts != Parts::kRemainder) quotient_word = finish_int(call, signs_differ, quotient_size);
  if constexpr (kParts == Parts::kQuotient) return quotient_word;
  // Whatever the size of the quotient, there is room for the remainder at or below its place.
  mpn_copyi(call.room(), remainder, divisor_size);
  const Word remainder_word = finish_int(call, remainder_negative, b_size);
  if constexpr (kParts == Parts::kRemainder) return remainder_word;
  const Word both[] = {quotient_word, remainder_word};
  return call.make_struct(both);
}

Word square_root(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  if (limbs(call, 0).is_negative()) return call.fail("undefined: square root of a negative number");
  const size_t size = limbs(call, 0).size();
  if (takes_long(size, size)) {
    return finish_both_apart(call, compute_apart(call, {0}, {}, kRootLimbs * size, [](BigOperation& op) {
                               mpz_sqrtrem(op.result, op.second_result, op.a);
                             }));
  }
  if (!charge_limbs(call, kRootLimbs * size)) return kFailed;
  const size_t root_size = (size + 1) / 2;
  if (!call.reserve(object_words(static_cast<uint32_t>(root_size)) + object_words(static_cast<uint32_t>(size)) +
                    object_words(2))) {
    return kFailed;
  }
  const Limbs a = limbs(call, 0);
  size_t rest_size = 0;
  mp_limb_t* rest = call.room() + root_size + 1;
  if (!a.is_zero()) {
    rest_size = static_cast<size_t>(mpn_sqrtrem(call.room(), rest, a.data(), static_cast<mp_size_t>(size)));
  }
  const Word root = finish_int(call, false, root_size);
  mpn_copyi(call.room(), rest, static_cast<mp_size_t>(rest_size));
  const Word both[] = {root, finish_int(call, false, rest_size)};
  return call.make_struct(both);
}

Word greatest_common_divisor(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const size_t a_size = limbs(call, 0).size();
  const size_t b_size = limbs(call, 1).size();
  const size_t needed = kGcdLimbs * (a_size + b_size);
  if (takes_long(a_size, b_size)) {
    return finish_apart(
        call, compute_apart(call, {0, 1}, {}, needed, [](BigOperation& op) { mpz_gcd(op.result, op.a, op.b); }));
  }
  if (!charge_limbs(call, needed)) return kFailed;
  const Limbs a = limbs(call, 0);
  const Limbs b = limbs(call, 1);
  mpz_t a_space;
  mpz_t b_space;
  BigNumber result;
  mpz_gcd(result, a.as_mpz(a_space), b.as_mpz(b_space));
  return make_result(call, result);
}

// ---- bits -------------------------------------------------------------------

template <void (*kOperation)(mpz_ptr, mpz_srcptr, mpz_srcptr)>
Word bitwise(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  if (!charge_limbs(call, std::max(limbs(call, 0).size(), limbs(call, 1).size()) + 1)) return kFailed;
  const Limbs a = limbs(call, 0);
  const Limbs b = limbs(call, 1);
  mpz_t a_space;
  mpz_t b_space;
  BigNumber result;
  kOperation(result, a.as_mpz(a_space), b.as_mpz(b_space));
  return make_result(call, result);
}

Word bitwise_not(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  if (!charge_limbs(call, limbs(call, 0).size() + 1)) return kFailed;
  const Limbs a = limbs(call, 0);
  mpz_t space;
  BigNumber result;
  mpz_com(result, a.as_mpz(space));
  return make_result(call, result);
}

Word test_bit(NativeCall& call) {
  size_t index = 0;
  if (!are_ints(call, 0, 2) || !read_count(call, 1, "undefined: negative position of a bit", index)) return kFailed;
  const Limbs a = limbs(call, 0);
  mpz_t space;
  // Beyond the sign, all bits are equal.
  return bool_word(mpz_tstbit(a.as_mpz(space), std::min(index, a.bits())) != 0);
}

Word bit_length(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  return pack_int(static_cast<int64_t>(limbs(call, 0).bits()));
}

// ---- order ------------------------------------------------------------------

int order(const Limbs& a, const Limbs& b) {
  if (a.is_negative() != b.is_negative()) return a.is_negative() ? -1 : 1;
  return a.is_negative() ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}
int order(NativeCall& call, uint32_t first, uint32_t second) { return order(limbs(call, first), limbs(call, second)); }

Word compare(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const int how = order(call, 0, 1);
  return packed_enum(how < 0 ? 0 : how == 0 ? 1 : 2, 3);
}

/// Returns whether the order of the arguments is one of the given ones.
template <bool kIfLess, bool kIfEqual, bool kIfGreater>
Word is_ordered(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const int how = order(call, 0, 1);
  return bool_word(how < 0 ? kIfLess : how == 0 ? kIfEqual : kIfGreater);
}

Word in_range(NativeCall& call) {
  if (!are_ints(call, 0, 3)) return kFailed;
  return bool_word(order(call, 0, 2) <= 0 && order(call, 2, 1) <= 0);
}

Word minimum(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  return call.arg(order(call, 1, 0) < 0 ? 1 : 0);
}
Word maximum(NativeCall& call) {
  if (!are_ints(call, 0, 2)) return kFailed;
  return call.arg(order(call, 0, 1) < 0 ? 1 : 0);
}

Word sign(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  const Limbs a = limbs(call, 0);
  return packed_enum(a.is_negative() ? 0 : a.is_zero() ? 1 : 2, 3);
}
Word is_zero(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  return bool_word(limbs(call, 0).is_zero());
}
Word is_negative(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  return bool_word(limbs(call, 0).is_negative());
}
Word is_positive(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  return bool_word(!limbs(call, 0).is_negative() && !limbs(call, 0).is_zero());
}

// ---- characters -------------------------------------------------------------

Word char_from_int(NativeCall& call) {
  if (!call.reserve(object_words(1))) return kFailed;
  const Word field[] = {call.arg(0)};
  return call.make_struct(field);
}

Word int_from_char(NativeCall& call) {
  const Word word = call.arg(0);
  if (is_packed(word)) return word;
  if (is_placeholder(word)) return call.fail_undefined();
  const Object* object = as_object(word);
  if (object->kind() != ObjectKind::kStruct || object->count() != 1) {
    return fail_read(call, ReadError::kShape, "character");
  }
  return object->fields[0];
}

// ---- text -------------------------------------------------------------------

constexpr unsigned kLargestRadix = 36;

/// Returns the digits as characters, most significant first, after '-' if the number is negative.
std::string text_of(mpz_srcptr number, unsigned radix) {
  std::string text(mpz_sizeinbase(number, static_cast<int>(radix)) + 2, '\0');
  mpz_get_str(text.data(), static_cast<int>(radix), number);
  text.resize(std::strlen(text.data()));
  return text;
}
std::string text_of(const Limbs& a, unsigned radix) {
  if (a.size() > 1) {
    mpz_t space;
    return text_of(a.as_mpz(space), radix);
  }
  std::string text;
  mp_limb_t rest = a.is_zero() ? 0 : a.data()[0];
  do {
    text.push_back("0123456789abcdefghijklmnopqrstuvwxyz"[rest % radix]);
    rest /= radix;
  } while (rest != 0);
  if (a.is_negative()) text.push_back('-');
  std::ranges::reverse(text);
  return text;
}

/// Returns the list of a number's digits, least significant first if `reversed`.
Word show(NativeCall& call, bool reversed) {
  if (!are_ints(call, 0, 2)) return kFailed;
  const Word radix = int_of(call.arg(0));
  if (!is_natural(radix) || packed_magnitude(radix) < 2 || packed_magnitude(radix) > kLargestRadix) {
    return call.fail("undefined: the base of digits must be from 2 to 36");
  }
  const auto base = static_cast<unsigned>(packed_magnitude(radix));
  const size_t size = limbs(call, 1).size();
  std::string text;
  if (takes_long(size, size)) {
    const auto operation =
        compute_apart(call, {1}, {}, kTextLimbs * size, [base](BigOperation& op) { op.text = text_of(op.a, base); });
    if (operation == nullptr) return kFailed;
    text = std::move(operation->text);
  } else {
    if (!charge_limbs(call, kTextLimbs * size)) return kFailed;
    text = text_of(limbs(call, 1), base);
  }
  if (!reversed) std::ranges::reverse(text);
  if (!call.reserve(list_words(text.size()))) return kFailed;
  Word list = packed_enum(1, 2);
  for (const char digit : text) {
    list = call.make_cons(pack_int(digit), list);
  }
  return list;
}

Word show_text(NativeCall& call) { return show(call, false); }
Word show_reversed(NativeCall& call) { return show(call, true); }

/// The integer, with `wrap` around it, which takes up to `extra` words.
template <typename Wrap>
Word wrap_number(NativeCall& call, mpz_srcptr number, size_t extra, Wrap&& wrap) {
  return call.reserve(words_of(number) + extra) ? wrap(copy_finish(call, number)) : kFailed;
}

/// Makes the number with the digit values, most significant first, and applies
/// `wrap` to it, which takes up to `extra` words.
template <typename Wrap>
Word from_digits(NativeCall& call, std::string_view digits, unsigned radix, bool negative, size_t extra, Wrap&& wrap) {
  digits.remove_prefix(std::min(digits.find_first_not_of('\0'), digits.size()));
  const size_t bits = digits.size() * static_cast<size_t>(std::bit_width(radix - 1));
  const size_t size = bits / kLimbBits + 2;
  if (!is_possible(call, size)) return kFailed;
  if (takes_long(size, size)) {
    const auto operation = compute_apart(call, {}, digits, kDigitsLimbs * size, [=](BigOperation& op) {
      mp_limb_t* room = mpz_limbs_write(op.result, static_cast<mp_size_t>(size));
      const auto* values = reinterpret_cast<const unsigned char*>(op.text.data());
      const mp_size_t written = mpn_set_str(room, values, op.text.size(), static_cast<int>(radix));
      mpz_limbs_finish(op.result, negative ? -written : written);
    });
    return operation == nullptr ? kFailed : wrap_number(call, operation->result, extra, wrap);
  }
  if (!charge_limbs(call, kDigitsLimbs * size)) return kFailed;
  if (!call.reserve(object_words(static_cast<uint32_t>(size)) + extra)) return kFailed;
  if (bits < kLimbBits) {
    mp_limb_t value = 0;
    for (const char digit : digits) value = value * radix + static_cast<unsigned char>(digit);
    call.room()[0] = value;
    return wrap(finish_int(call, negative, 1));
  }
  const auto* values = reinterpret_cast<const unsigned char*>(digits.data());
  const mp_size_t written = mpn_set_str(call.room(), values, digits.size(), static_cast<int>(radix));
  return wrap(finish_int(call, negative, static_cast<size_t>(written)));
}

/// Returns the value of a digit or letter; 36 for other characters.
unsigned digit_value(Word letter) {
  letter = int_of(letter);
  if (!is_packed(letter)) return kLargestRadix;
  const int64_t code = unpack_int(letter);
  if (code >= '0' && code <= '9') return static_cast<unsigned>(code - '0');
  if (code >= 'a' && code <= 'z') return static_cast<unsigned>(code - 'a' + 10);
  if (code >= 'A' && code <= 'Z') return static_cast<unsigned>(code - 'A' + 10);
  return kLargestRadix;
}

/// Parses a text as Maybe@<Int@>: an optional sign, then digits. A base beyond 36
/// has no more digits; base 1 has only 0, and smaller ones have none.
Word parse(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  const Limbs radix = limbs(call, 0);
  const size_t radix_size = radix.size();
  const bool has_digits = !radix.is_negative() && !radix.is_zero();
  const Word low_limb = has_digits ? radix.data()[0] : 0;
  const unsigned digit_count =
      radix_size > 1 && has_digits ? kLargestRadix : static_cast<unsigned>(std::min<Word>(low_limb, kLargestRadix));

  ListReader letters(call.arg(1));
  Gathered<char> digits(call);
  bool negative = false;
  bool first = true;
  for (Word letter; letters.next(letter); first = false) {
    letter = int_of(letter);
    if (is_placeholder(letter)) return call.fail_undefined();
    if (first && (letter == pack_int('-') || letter == pack_int('+'))) {
      negative = letter == pack_int('-');
      continue;
    }
    const unsigned value = digit_value(letter);
    if (value >= digit_count) return nothing_word();
    if (digits.size() == kMaxLimbs * 16) return call.fail_out_of_memory(kTooLarge);
    if (!add_from_list(call, digits, static_cast<char>(value), 1, letters)) return kFailed;
  }
  if (letters.error() != ReadError::kNone) return fail_read(call, letters.error(), "text");
  if (digits.size() == 0) return nothing_word();

  const auto just = [&](Word number) { return call.make_union(0, 2, number); };
  const std::string_view text(digits.items().data(), digits.size());
  if (radix_size == 1 && low_limb >= 2 && low_limb <= kLargestRadix) {
    return from_digits(call, text, digit_count, negative, object_words(1), just);
  }
  const size_t size = text.size() * limbs(call, 0).bits() / kLimbBits + 1;
  if (!is_possible(call, size)) return kFailed;
  const auto compute = [negative](BigNumber& number, mpz_srcptr base, std::string_view values) {
    for (const char digit : values) {
      mpz_mul(number, number, base);
      mpz_add_ui(number, number, static_cast<unsigned char>(digit));
    }
    if (negative) mpz_neg(number, number);
  };
  if (takes_long(size, size)) {
    const auto operation = compute_apart(call, {0}, text, kDigitsLimbs * size,
                                         [compute](BigOperation& op) { compute(op.result, op.a, op.text); });
    return operation == nullptr ? kFailed : wrap_number(call, operation->result, object_words(1), just);
  }
  if (!charge_limbs(call, kDigitsLimbs * size)) return kFailed;
  mpz_t space;
  BigNumber number;
  compute(number, limbs(call, 0).as_mpz(space), text);
  return wrap_number(call, number, object_words(1), just);
}

/// Reads the value of a literal's letter, from the union types of /Std/Int/Lit%:
///
///   Dec@ = +(Oct@ oct, 8, 9)   Hex@ = +(Dec@ dec, a, b, c, d, e, f, A, B, C, D, E, F)
ReadError read_letter(Word letter, unsigned radix, unsigned& value) {
  static_assert(kLargestRadix > 16);
  unsigned below = 0;
  UnionView view{.arg = letter};
  if (radix == 16) {
    view = view_union(view.arg, 13);
    if (view.error != ReadError::kNone) return view.error;
    value = view.tag <= 6 ? 9 + view.tag : 3 + view.tag;
    if (view.tag != 0) return ReadError::kNone;
  }
  if (radix >= 10) {
    view = view_union(view.arg, 3);
    value = 7 + view.tag;
    if (view.error != ReadError::kNone || view.tag != 0) return view.error;
    below = 8;
  }
  view = view_union(view.arg, below != 0 ? below : radix);
  value = view.tag;
  return view.error;
}

/// Reads the same of a literal's element, +(T@ digit, Unit@ _), which may be a separator.
constexpr unsigned kSeparator = kLargestRadix;
ReadError read_element(Word element, unsigned radix, unsigned& value) {
  const UnionView view = view_union(element, 2);
  if (view.error == ReadError::kNone && view.tag == 0) return read_letter(view.arg, radix, value);
  value = kSeparator;
  return view.error;
}

/// The table of values of all packed elements: literals are evaluated often.
template <unsigned kRadix>
struct ElementTable {
  static constexpr unsigned kOther = kSeparator + 1;
  static constexpr Word kWords = 1 << 12;
  uint8_t values[kWords];

  ElementTable() {
    for (Word word = 0; word < kWords; ++word) {
      const bool is_value = word >= kUnitWord && is_packed(word);
      unsigned value = kOther;
      if (!is_value || read_element(word, kRadix, value) != ReadError::kNone) value = kOther;
      values[word] = static_cast<uint8_t>(value);
    }
  }
};

/// Returns the number of a literal.
template <unsigned kRadix>
Word literal(NativeCall& call) {
  using Table = ElementTable<kRadix>;
  static const Table table;
  ListReader elements(call.arg(0));
  Gathered<char> digits(call);
  for (Word element; elements.next(element);) {
    unsigned value = element < Table::kWords ? table.values[element] : Table::kOther;
    if (value == Table::kOther) {
      const ReadError error = read_element(element, kRadix, value);
      if (error != ReadError::kNone) return fail_read(call, error, "literal");
    }
    if (value == kSeparator) continue;
    if (digits.size() == kMaxLimbs * 16) return call.fail_out_of_memory(kTooLarge);
    if (!add_from_list(call, digits, static_cast<char>(value), 0, elements)) return kFailed;
  }
  if (elements.error() != ReadError::kNone) return fail_read(call, elements.error(), "literal");
  return from_digits(call, {digits.items().data(), digits.size()}, kRadix, false, 0,
                     [](Word number) { return number; });
}

// ---- the order-preserving code ----------------------------------------------

/// The bits of /Std/Int/Data%, from which maps get their order:
///
///   01 for zero, 1 and the code of n for n > 0, 00 and the inverted code of -n for n < 0;
///   the code of n is a 1 for each binary digit after the leading one, 0, then those digits.
class DataBits {
 public:
  explicit DataBits(const Limbs& a) : a_(a), below_(a.is_zero() ? 0 : a.bits() - 1), one_(!a.is_negative()) {}

  size_t size() const { return a_.is_zero() ? 2 : prefix() + 2 * below_ + 1; }
  bool operator[](size_t at) const {
    if (a_.is_zero()) return at == 1;
    if (at < prefix()) return one_;
    at -= prefix();
    if (at <= below_) return (at < below_) == one_;
    const size_t digit = 2 * below_ - at;
    return (a_.data()[digit / kLimbBits] >> digit % kLimbBits & 1) == one_;
  }

 private:
  size_t prefix() const { return one_ ? 1 : 2; }

  const Limbs a_;
  const size_t below_;  ///< digits after the leading one
  const bool one_;      ///< the bit for a digit 1
};

/// Makes the bits in pairs, the last pair outermost, as streams are built from their end:
///
///   Bits@ = +(Unit@ end, Unit@ 0, Unit@ 1, Bits@ 00, Bits@ 01, Bits@ 10, Bits@ 11)
///
/// Those of integers below about 2^18 are a packed word.
Word show_bits(NativeCall& call) {
  if (!are_ints(call, 0, 1)) return kFailed;
  constexpr uint32_t kTags = 7;
  if (!call.reserve(DataBits(limbs(call, 0)).size() / 2 * object_words(1))) return kFailed;
  const DataBits bits(limbs(call, 0));
  size_t at = bits.size() % 2;
  Word word = packed_enum(at == 0 ? 0 : 1 + bits[0], kTags);
  for (; at < bits.size(); at += 2) word = call.make_union(3 + 2 * bits[at] + bits[at + 1], kTags, word);
  return word;
}

// ---- the table --------------------------------------------------------------

Word zero(NativeCall&) { return pack_int(0); }
Word one(NativeCall&) { return pack_int(1); }

constexpr NativeEffect kPure = NativeEffect::kPure;
constexpr NativeRow kRows[] = {
    {"/Std/Int%", "0", 0, kPure, zero},
    {"/Std/Int%", "1", 0, kPure, one},
    {"/Std/Int%", "Incr", 1, kPure, increment, Intrinsic::kIntIncr},
    {"/Std/Int%", "Decr", 1, kPure, decrement, Intrinsic::kIntDecr},
    {"/Std/Int%", "Add", 2, kPure, add, Intrinsic::kIntAdd},
    {"/Std/Int%", "Sub", 2, kPure, subtract, Intrinsic::kIntSub},
    {"/Std/Int%", "Neg", 1, kPure, negate, Intrinsic::kIntNeg},
    {"/Std/Int%", "Mul", 2, kPure, multiply, Intrinsic::kIntMul},
    {"/Std/Int%", "Mul2", 1, kPure, twice, Intrinsic::kIntDouble},
    {"/Std/Int%", "Exp", 2, kPure, power},
    {"/Std/Int%", "Exp2", 1, kPure, power_of_2, Intrinsic::kIntPowerOf2},
    {"/Std/Int%", "Shl", 2, kPure, shift_left, Intrinsic::kIntShiftLeft},
    {"/Std/Int%", "Shr", 2, kPure, shift_right, Intrinsic::kIntShiftRight},
    {"/Std/Int/Bits%", "And", 2, kPure, bitwise<mpz_and>, Intrinsic::kIntAnd},
    {"/Std/Int/Bits%", "Or", 2, kPure, bitwise<mpz_ior>, Intrinsic::kIntOr},
    {"/Std/Int/Bits%", "Xor", 2, kPure, bitwise<mpz_xor>, Intrinsic::kIntXor},
    {"/Std/Int/Bits%", "Not", 1, kPure, bitwise_not, Intrinsic::kIntNot},
    {"/Std/Int/Bits%", "Test", 2, kPure, test_bit, Intrinsic::kIntTestBit},
    {"/Std/Int/Bits%", "Length", 1, kPure, bit_length, Intrinsic::kIntBitLength},
    {"/Std/Int/Cmp%", "Cmp", 2, kPure, compare, Intrinsic::kIntCompare},
    {"/Std/Int/Cmp%", "Lt", 2, kPure, is_ordered<true, false, false>, Intrinsic::kIntLess},
    {"/Std/Int/Cmp%", "Le", 2, kPure, is_ordered<true, true, false>, Intrinsic::kIntLessEqual},
    {"/Std/Int/Cmp%", "Gt", 2, kPure, is_ordered<false, false, true>, Intrinsic::kIntGreater},
    {"/Std/Int/Cmp%", "Ge", 2, kPure, is_ordered<false, true, true>, Intrinsic::kIntGreaterEqual},
    {"/Std/Int/Cmp%", "InRange", 3, kPure, in_range, Intrinsic::kIntInRange},
    {"/Std/Int/Cmp%", "Min", 2, kPure, minimum, Intrinsic::kIntMin},
    {"/Std/Int/Cmp%", "Max", 2, kPure, maximum, Intrinsic::kIntMax},
    {"/Std/Int/Data%", "Bits", 1, kPure, show_bits},
    {"/Std/Int/Div%", "Div", 2, kPure, divide<Parts::kBoth>, Intrinsic::kIntDivide},
    {"/Std/Int/Div%", "Quot", 2, kPure, divide<Parts::kQuotient>, Intrinsic::kIntQuotient},
    {"/Std/Int/Div%", "Mod", 2, kPure, divide<Parts::kRemainder>, Intrinsic::kIntModulo},
    {"/Std/Int/Div%", "Gcd", 2, kPure, greatest_common_divisor},
    {"/Std/Int/Eq%", "Eq", 2, kPure, is_ordered<false, true, false>, Intrinsic::kIntEqual},
    {"/Std/Int/Eq%", "Ne", 2, kPure, is_ordered<true, false, true>, Intrinsic::kIntNotEqual},
    {"/Std/Int/Lit%", "Bin", 1, kPure, literal<2>},
    {"/Std/Int/Lit%", "Oct", 1, kPure, literal<8>},
    {"/Std/Int/Lit%", "Int", 1, kPure, literal<10>},
    {"/Std/Int/Lit%", "Hex", 1, kPure, literal<16>},
    {"/Std/Int/Parse%", "Radix", 2, kPure, parse},
    {"/Std/Int/Show%", "Text", 2, kPure, show_text},
    {"/Std/Int/Show%", "Reversed", 2, kPure, show_reversed},
    {"/Std/Int/Sign%", "Sgn", 1, kPure, sign, Intrinsic::kIntSign},
    {"/Std/Int/Sign%", "IsZero", 1, kPure, is_zero, Intrinsic::kIntIsZero},
    {"/Std/Int/Sign%", "IsNegative", 1, kPure, is_negative, Intrinsic::kIntIsNegative},
    {"/Std/Int/Sign%", "IsPositive", 1, kPure, is_positive, Intrinsic::kIntIsPositive},
    {"/Std/Int/Sign%", "Abs", 1, kPure, absolute, Intrinsic::kIntAbs},
    {"/Std/Int/Sqrt%", "Sqrt", 1, kPure, square_root},
    {"/Std/Char%", "Char", 1, kPure, char_from_int, Intrinsic::kCharFromInt},
    {"/Std/Char%", "Pos", 1, kPure, int_from_char, Intrinsic::kIntFromChar},
    {"/Std/Char/Cmp%", "Cmp", 2, kPure, compare, Intrinsic::kIntCompare},
    {"/Std/Char/Cmp%", "Lt", 2, kPure, is_ordered<true, false, false>, Intrinsic::kIntLess},
    {"/Std/Char/Cmp%", "Le", 2, kPure, is_ordered<true, true, false>, Intrinsic::kIntLessEqual},
    {"/Std/Char/Cmp%", "Gt", 2, kPure, is_ordered<false, false, true>, Intrinsic::kIntGreater},
    {"/Std/Char/Cmp%", "Ge", 2, kPure, is_ordered<false, true, true>, Intrinsic::kIntGreaterEqual},
    {"/Std/Char/Cmp%", "InRange", 3, kPure, in_range, Intrinsic::kIntInRange},
    {"/Std/Char/Cmp%", "Min", 2, kPure, minimum, Intrinsic::kIntMin},
    {"/Std/Char/Cmp%", "Max", 2, kPure, maximum, Intrinsic::kIntMax},
    {"/Std/Char/Eq%", "Eq", 2, kPure, is_ordered<false, true, false>, Intrinsic::kIntEqual},
};

// GMP would abort when there is no memory.

void* allocate(size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) system_out_of_memory();
  return memory;
}
void* reallocate(void* memory, size_t, size_t bytes) {
  memory = std::realloc(memory, bytes);
  if (memory == nullptr) system_out_of_memory();
  return memory;
}
void release(void* memory, size_t) { std::free(memory); }

}  // namespace

std::span<const NativeRow> int_natives() {
  static const bool prepared = (mp_set_memory_functions(allocate, reallocate, release), true);
  static_cast<void>(prepared);
  return kRows;
}

}  // namespace fble
