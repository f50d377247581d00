// Integers as limbs, for natives that compute with the words of gc/integer.h.
//
// Tested by tests/unit/frontends/std/int_test.cc.
#pragma once

#include <gmp.h>

#include <bit>

#include "gc/integer.h"
#include "interp/foreign.h"

namespace fble {

static_assert(GMP_LIMB_BITS == 64 && GMP_NAIL_BITS == 0 && sizeof(mp_limb_t) == sizeof(Word));
inline constexpr size_t kLimbBits = 64;

/// Returns the integer in a word that may also be a character.
inline Word int_of(Word word) {
  while (is_pointer(word) && as_object(word)->kind() == ObjectKind::kStruct && as_object(word)->count() == 1) {
    word = as_object(word)->fields[0];
  }
  return word;
}

/// An integer's limbs, least significant first; none for zero.
class Limbs {
 public:
  /// Makes the limbs of a word. Requires: a packed word or an object of kind kBytes.
  explicit Limbs(Word word) {
    if (is_packed(word)) {
      small_ = packed_magnitude(word);
      size_ = small_ != 0 ? 1 : 0;
      negative_ = packed_is_negative(word);
    } else {
      big_ = as_object(word);
      size_ = big_->count();
      negative_ = big_is_negative(big_);
    }
  }

  const mp_limb_t* data() const { return big_ != nullptr ? big_->fields : &small_; }
  size_t size() const { return size_; }
  bool is_zero() const { return size_ == 0; }
  bool is_negative() const { return negative_; }
  size_t bits() const {
    return size_ == 0 ? 0 : size_ * kLimbBits - static_cast<size_t>(std::countl_zero(data()[size_ - 1]));
  }
  /// Returns the limbs as GMP's own number, which is read-only; `space` must outlive it.
  mpz_srcptr as_mpz(mpz_t space) const {
    return mpz_roinit_n(space, data(), negative_ ? -static_cast<mp_size_t>(size_) : static_cast<mp_size_t>(size_));
  }

 private:
  mp_limb_t small_ = 0;
  const Object* big_ = nullptr;
  size_t size_;
  bool negative_;
};

/// Makes the natural number whose `size` limbs, leading zeros allowed, have been written at
/// call.room(), or its opposite.
inline Word finish_int(NativeCall& call, bool negative, size_t size) {
  const mp_limb_t* digits = call.room();
  while (size > 0 && digits[size - 1] == 0) --size;
  if (size == 0) return pack_int(0);
  if (size == 1 && digits[0] <= static_cast<Word>(kMaxPackedInt)) return pack_magnitude(digits[0], negative);
  return call.make_bytes(negative ? 1 : 0, static_cast<uint32_t>(size));
}

}  // namespace fble
