// Machine integers in words: the representation of the standard library's Int@.
//
// A packed word is a sentinel bit above its content. So the words with bit 0 set, shifted right by one, are the
// numbers from 1 up: content and sentinel together are the number. An integer n is first folded to a natural
// number z (0, -1, 1, -2, 2 ... become 0, 1, 2, 3, 4 ...), and its word is
//
//   (z + 1) << 1 | 1          0 is the unit word; small integers are short
//
// The same word read from the other end is a magnitude and a sign:
//
//   4 * |n| + 3   for n >= 0          4 * |n| + 1   for n < 0
//
// so one test of two bits, `(a & b & 3) == 3`, shows that two words are packed naturals. Most operations on these
// are the operations on words with a constant added (interp/intrinsics.cc).
//
// Integers pack into structs and unions like any other data, and every packed word is some integer. Integers that
// do not fit are objects of kind kBytes: the tag is 1 for a negative number, the fields are the limbs of its
// magnitude, least significant first, without leading zeros. Each number has exactly one form.
//
// Tested by tests/unit/gc/integer_test.cc.
#pragma once

#include "gc/object.h"

namespace fble {

/// The largest and the smallest integer that are packed words.
inline constexpr int64_t kMaxPackedInt = (int64_t{1} << 62) - 1;
inline constexpr int64_t kMinPackedInt = -(int64_t{1} << 62) + 1;

inline bool int_fits(int64_t value) { return value >= kMinPackedInt && value <= kMaxPackedInt; }

/// Requires: int_fits(value).
inline Word pack_int(int64_t value) {
  const Word folded = (static_cast<Word>(value) << 1) ^ static_cast<Word>(value >> 63);
  return (folded << 1) + 3;
}

/// Requires: is_packed(word).
inline int64_t unpack_int(Word word) {
  const Word folded = (word >> 1) - 1;
  return static_cast<int64_t>(folded >> 1) ^ -static_cast<int64_t>(folded & 1);
}

/// Returns true for packed integers from 0 up. Several words are all of this kind exactly if their `&` is.
inline bool is_natural(Word word) { return (word & 3) == 3; }
/// Requires: is_packed(word).
inline Word packed_magnitude(Word word) { return word >> 2; }
inline bool packed_is_negative(Word word) { return (word & 2) == 0; }
/// Requires: magnitude <= kMaxPackedInt, and `negative` is false if it is 0.
inline Word pack_magnitude(Word magnitude, bool negative) { return (magnitude << 2) + (negative ? 1 : 3); }

/// Returns whether the integer object (is_pointer(word)) is negative.
inline bool big_is_negative(const Object* object) { return object->tag() != 0; }

}  // namespace fble
