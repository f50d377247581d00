// The word: how 64 bits hold a Fble value.
//
//   pointer       ........................................................ 00   Object*
//   placeholder   id                                                       10   of a recursive value
//   promise       field (15), count (15), id (32)                          10   of a field of a recursive value
//   packed        0...0 1 content                                           1   data without an object
//
// Content of a packed word starts at bit 1. The highest set bit of the word is a
// sentinel that marks its end, so a packed word describes its own length and up
// to 62 bits of content fit. Contents nest, least significant bits first:
//
//   unit          nothing; the word is 3
//   union         tag (tag_width bits), then the argument's content
//   struct of n   n-1 end offsets of 6 bits each, then the fields' contents;
//                 offset i is where field i ends, counted from the first field's start
//
// The sentinel keeps the machine code of digit arithmetic short. Wrapping in a union is
// `(arg - 1) << width | tag << 1 | 1`, unwrapping is `word >> width | 1`; neither needs the length. The reference
// keeps an explicit length field instead, which each of these operations would have to read and adjust.
//
// A data value is packed if all its parts are packed and it fits when it is made. A struct or union whose
// placeholder parts are defined later stays an object, so equal values need not be equal words.
//
// Tested by tests/unit/gc/value_test.cc.
#pragma once

#include <bit>

#include "gc/base.h"

namespace fble {

struct Object;

/// The unit struct, also the run-time value of every type.
inline constexpr Word kUnitWord = 3;
/// The word that is written over words that must not be read any more: a pointer that faults.
inline constexpr Word kPoison = 0xdeaddeaddeadde00;
inline constexpr unsigned kMaxPackedBits = 62;
inline constexpr unsigned kOffsetBits = 6;

inline bool is_packed(Word word) { return (word & 1) != 0; }
inline bool is_pointer(Word word) { return (word & 3) == 0; }
inline bool is_placeholder(Word word) { return (word & 3) == 2; }

inline Word make_placeholder(uint64_t id) { return id << 2 | 2; }
inline uint64_t placeholder_id(Word word) { return static_cast<uint32_t>(word >> 2); }

// A closure that needs one field of a struct captures the field. While the struct is a placeholder, the closure
// captures a promise: a placeholder that names the field. Promises occur only in captures.

/// The largest struct with promises. Larger ones are captured whole.
inline constexpr uint32_t kMostPromisedFields = (1u << 15) - 1;
/// Returns the bits to add to a placeholder. Requires: index < count <= kMostPromisedFields.
inline Word promise_bits(uint32_t index, uint32_t count) {
  return static_cast<Word>(index) << 49 | static_cast<Word>(count) << 34;
}
inline uint32_t promised_count(Word placeholder) { return static_cast<uint32_t>(placeholder >> 34) & 0x7fff; }
inline uint32_t promised_index(Word placeholder) { return static_cast<uint32_t>(placeholder >> 49); }
/// Requires: is_placeholder(word).
inline bool is_promise(Word word) { return promised_count(word) != 0; }

/// Returns a mask that is nonzero (bit 1) if and only if `word` is a placeholder. Such masks can be or-ed.
inline Word placeholder_mask(Word word) { return word & ~(word << 1) & 2; }

inline Object* as_object(Word word) { return reinterpret_cast<Object*>(word); }
inline Word from_object(const Object* object) { return reinterpret_cast<Word>(object); }

/// Returns the bits that distinguish `tag_count` tags: 0 for one, 1 for two, 2 for three or four ...
inline unsigned tag_width(uint32_t tag_count) {
  return tag_count <= 1 ? 0 : static_cast<unsigned>(std::bit_width(tag_count - 1));
}

/// Returns the number of content bits of a packed word.
inline unsigned packed_bits(Word word) { return 62 - static_cast<unsigned>(std::countl_zero(word)); }

/// Returns the union of a packed argument, or 0 if it does not fit.
inline Word pack_union(Word arg, unsigned width, uint32_t tag) {
  // The shift by (63 - width) and then 1 also serves width 0.
  if ((arg >> (63 - width)) >> 1 != 0) return 0;
  return ((arg - 1) << width) | (static_cast<Word>(tag) << 1) | 1;
}

inline uint32_t packed_tag(Word word, unsigned width) { return static_cast<uint32_t>(word >> 1) & ((1u << width) - 1); }
inline Word packed_arg(Word word, unsigned width) { return (word >> width) | 1; }

/// Returns field `index` of a packed struct of two. The second field ends where the word ends.
inline Word packed_half(Word word, uint32_t index) {
  const Word first_bits = (word >> 1) & 63;
  const Word rest = word >> kOffsetBits;
  if (index != 0) return (rest >> first_bits) | 1;
  const Word sentinel = Word{2} << first_bits;
  return (rest & (sentinel - 1)) | sentinel | 1;
}

/// Returns field `index` of a packed struct of `count` fields.
inline Word packed_field(Word word, uint32_t index, uint32_t count) {
  if (count == 1) return word;
  if (count == 2) return packed_half(word, index);
  const unsigned base = 1 + kOffsetBits * (count - 1);
  const unsigned start = index == 0 ? 0 : (word >> (1 + kOffsetBits * (index - 1))) & 63;
  const Word rest = (word >> (base - 1 + start)) | 1;
  if (index + 1 == count) return rest;
  const unsigned bits = ((word >> (1 + kOffsetBits * index)) & 63) - start;
  return (rest & ((Word{2} << bits) - 1)) | (Word{2} << bits);
}

/// Returns the word of a packed struct of `count` fields without the contents of its fields: their ends and the
/// sentinel. Of any packed word with count 1: then it tells the number of content bits.
inline Word packed_layout(Word word, uint32_t count) {
  const Word ends = (Word{2} << (kOffsetBits * (count - 1))) - 1;
  return (word & ends) | std::bit_floor(word);
}

/// The place of a field's content in a packed word.
struct FieldPlace {
  int start = 0;  ///< the lowest bit
  int bits = 0;
};

/// Returns the place of a field in structs of the layout.
inline FieldPlace field_place(Word layout, uint32_t index, uint32_t count) {
  const int first = static_cast<int>(1 + kOffsetBits * (count - 1));
  const auto end_of = [&](uint32_t which) {
    if (which + 1 == count) return static_cast<int>(std::bit_width(layout)) - 1;
    return first + static_cast<int>((layout >> (1 + kOffsetBits * which)) & 63);
  };
  const int start = index == 0 ? first : end_of(index - 1);
  return {start, end_of(index) - start};
}

/// Returns the struct of two packed fields, or 0 if it does not fit. The sentinel of the second field becomes that of
/// the struct.
inline Word pack_pair(Word first, Word second) {
  const unsigned first_bits = packed_bits(first);
  if (kOffsetBits + first_bits + packed_bits(second) > kMaxPackedBits) return 0;
  const Word content = ((first >> 1) ^ (Word{1} << first_bits)) | ((second >> 1) << first_bits);
  return content << (1 + kOffsetBits) | first_bits << 1 | 1;
}

/// Returns the struct of packed fields, or 0 if it does not fit. `field(i)` returns field i.
template <typename Field>
inline Word pack_struct(uint32_t count, Field&& field) {
  if (count == 0) return kUnitWord;
  if (count == 1) return field(0);
  if (count == 2) return pack_pair(field(0), field(1));
  if (kOffsetBits * (count - 1) > kMaxPackedBits) return 0;
  const unsigned header = kOffsetBits * (count - 1);
  Word offsets = 0;
  Word content = 0;
  unsigned end = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const Word part = field(i);
    const unsigned bits = packed_bits(part);
    if (header + end + bits > kMaxPackedBits) return 0;
    content |= ((part >> 1) ^ (Word{1} << bits)) << end;
    end += bits;
    if (i + 1 < count) offsets |= static_cast<Word>(end) << (kOffsetBits * i);
  }
  return (Word{1} << (1 + header + end)) | (content << (1 + header)) | (offsets << 1) | 1;
}

}  // namespace fble
