// Maps: the tries of /Std/Map%, and the bits of their keys (/Std/Data/Bits%).
//
// A key's bits, which come as a stream (/Std/Data%), are collected in one natural number: bit
// i of the number is the i-th bit of the key, and a 1 follows the last. So prepending bits is
// a shift and an `or`, keys of up to 61 bits are packed words, and comparing two keys is a
// search for the lowest 1 of their difference.
//
// A map is a tree in which only the places are branches where keys differ (D. R. Morrison's
// Patricia, 1968, in the form of C. Okasaki and A. Gill, "Fast mergeable integer maps", 1998):
//
//   M@ = +(Unit@ empty, *(Bits@ bits, K@ key, V@ value) entry, *(Int@ place, Bits@ bits, M@ 0, M@ 1) branch)
//
// The keys below a branch agree in all bits before its place, and with its `bits`, which are
// those of some key; those below 0 and 1 have that bit in its place. Places grow from the top
// down. So a search tests one bit at each branch and compares all bits once at the end, and a
// walk over a tree from 0 to 1 visits the keys in the order of their bits. A tree of n keys
// has n - 1 branches, whatever the length of the keys; each set of keys has exactly one tree
// except for `bits`.
//
// The operations that call a function of the program (Join, Map, Keep, ...) are in Map.fble, on the same trees.
//
// Int@ and String@ keys get their bits here in one step if the map asks for the stream:
// `put` is then the native Push itself. No program can observe this optimisation, since a
// stream can only put bits.
//
// Tested by tests/std/StdTests/Map/Model.fble and tests/unit/frontends/std/natives_test.cc.
#include <algorithm>
#include <vector>

#include "frontends/std/native/limbs.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

// ---- bits -------------------------------------------------------------------

/// A row of bits that is prepended to others. Bits beyond the room are only counted: fill_row then makes room and
/// fills the row again.
class BitRow {
 public:
  /// Appends the `count` lowest bits of `bits`. Requires: count <= 64, no other bits.
  void append(uint64_t bits, unsigned count) {
    if (count == 0) return;
    const unsigned at = size_ % kLimbBits;
    if (at == 0) {
      push(bits);
    } else {
      last() |= bits << at;
      if (at + count > kLimbBits) push(bits >> (kLimbBits - at));
    }
    size_ += count;
  }
  void append_ones(size_t count, bool one) {
    for (; count > 0; count -= std::min<size_t>(count, kLimbBits)) {
      const auto part = static_cast<unsigned>(std::min<size_t>(count, kLimbBits));
      append(one ? ~uint64_t{0} >> (kLimbBits - part) : 0, part);
    }
  }
  size_t size() const { return size_; }
  const uint64_t* limbs() const { return limbs_; }
  bool is_complete() const { return size_ <= capacity_ * kLimbBits; }

  /// Makes the row empty, with room for what it counted. May collect. False, with an error, when memory has run out.
  [[nodiscard]] bool make_room(NativeCall& call) {
    capacity_ = size_ / kLimbBits + 1;
    size_ = 0;
    if (!call.charge(capacity_ * sizeof(uint64_t))) return false;
    many_ = std::make_unique_for_overwrite<uint64_t[]>(capacity_);
    limbs_ = many_.get();
    return true;
  }

 private:
  static constexpr size_t kSome = 8;

  void push(uint64_t limb) {
    const size_t index = size_ / kLimbBits + (size_ % kLimbBits != 0 ? 1 : 0);
    (index < capacity_ ? limbs_[index] : beyond_) = limb;
  }
  uint64_t& last() {
    const size_t index = size_ / kLimbBits;
    return index < capacity_ ? limbs_[index] : beyond_;
  }

  size_t size_ = 0;
  size_t capacity_ = kSome;  ///< in limbs
  uint64_t* limbs_ = some_;
  uint64_t some_[kSome];
  uint64_t beyond_ = 0;  ///< for limbs without a place
  std::unique_ptr<uint64_t[]> many_;
};

uint64_t mirror(uint64_t bits, unsigned count) { return __builtin_bitreverse64(bits) >> (kLimbBits - count); }

/// Appends the bits of /Std/Int/Data%:
///
///   01 for zero, 1 and the code of n for n > 0, 00 and the inverted code of -n for n < 0;
///   the code of n is a 1 for each binary digit behind the leading one, 0, then those digits.
void append_int(BitRow& row, const Limbs& a) {
  if (a.is_zero()) return row.append(0b10, 2);
  const bool one = !a.is_negative();
  row.append(one ? 1 : 0, one ? 1 : 2);
  const size_t below = a.bits() - 1;
  row.append_ones(below, one);
  row.append(one ? 0 : 1, 1);
  for (size_t left = below; left > 0;) {
    // The digits of a limb, from the top.
    const size_t limb = (left - 1) / kLimbBits;
    const auto count = static_cast<unsigned>(left - limb * kLimbBits);
    uint64_t digits = a.data()[limb];
    if (!one) digits = ~digits;
    row.append(mirror(digits & ~uint64_t{0} >> (kLimbBits - count), count), count);
    left -= count;
  }
}

constexpr size_t kMaxKeyBits = size_t{1} << 33;
constexpr const char* kKeyTooLong = "out of memory: the key has too many bits";

/// Prepends the row to the bits in an argument. Returns 0 with an error.
Word put_row(NativeCall& call, const BitRow& row, uint32_t arg) {
  const Word behind = call.arg(arg);
  if (is_placeholder(behind)) return call.fail_undefined();
  if (is_packed(behind) && row.size() + packed_bits(behind) <= kMaxPackedBits) {
    return pack_magnitude((packed_magnitude(behind) << row.size()) | (row.size() > 0 ? row.limbs()[0] : 0), false);
  }
  const size_t whole = row.size() / kLimbBits;
  const unsigned part = row.size() % kLimbBits;
  const size_t size = whole + Limbs(behind).size() + 1;
  if (row.size() > kMaxKeyBits || size * kLimbBits > 2 * kMaxKeyBits) return call.fail_out_of_memory(kKeyTooLong);
  if (!call.reserve(object_words(static_cast<uint32_t>(size)))) return kOutOfMemory;
  const Limbs bits(call.arg(arg));
  mp_limb_t* result = call.room();
  std::copy_n(row.limbs(), whole, result);
  if (part == 0) {
    mpn_copyi(result + whole, bits.data(), static_cast<mp_size_t>(bits.size()));
    result[size - 1] = 0;
  } else {
    result[size - 1] = mpn_lshift(result + whole, bits.data(), static_cast<mp_size_t>(bits.size()), part);
    result[whole] |= row.limbs()[whole];
  }
  return finish_int(call, false, size);
}

/// Push : (Bit@, Bits@) { Bits@; }
Word push(NativeCall& call) {
  const UnionView bit = view_union(call.arg(0), 2);
  if (bit.error != ReadError::kNone) return fail_read(call, bit.error, "bit");
  BitRow row;
  row.append(bit.tag, 1);
  return put_row(call, row, 1);
}

bool is_push(Word word) {
  if (!is_pointer(word) || as_object(word)->kind() != ObjectKind::kClosure) return false;
  return reinterpret_cast<const Code*>(as_object(word)->fields[0])->native == push;
}

/// Makes the result of the functions below if put is the native Push: the row before the bits.
Word put_whole_row(NativeCall& call, const BitRow& row) {
  const Word bits = put_row(call, row, 1);
  if (bits == 0 || is_packed(bits)) return bits == 0 ? 0 : call.make_union(0, 2, bits);
  call.set_arg(1, bits);
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, call.arg(1));
}

/// Does append_int for a packed word in one step. Returns false if there are too many bits for that.
bool append_small_int(BitRow& row, Word word) {
  const Word magnitude = packed_magnitude(word);
  if (magnitude >> 30 != 0 || magnitude == 0) return false;
  const unsigned below = static_cast<unsigned>(std::bit_width(magnitude)) - 1;
  const Word ones = (Word{1} << below) - 1;
  const Word digits = below == 0 ? 0 : mirror(magnitude & ones, below);
  if (packed_is_negative(word)) {
    row.append(Word{1} << (below + 2) | (digits ^ ones) << (below + 3), 2 * below + 3);
  } else {
    row.append(1 | ones << 1 | digits << (below + 2), 2 * below + 2);
  }
  return true;
}

/// Appends the bits of a character or integer. Returns false with an error.
bool append_int_word(NativeCall& call, BitRow& row, Word word) {
  word = int_of(word);
  if (is_packed(word) && append_small_int(row, word)) return true;
  if (is_placeholder(word)) return call.fail_undefined(), false;
  append_int(row, Limbs(word));
  return true;
}

/// Lets `append(row)` fill the row, which it reads from the arguments. It is called again when there is more than a
/// little. False when it is, or memory has run out.
template <typename Append>
bool fill_row(NativeCall& call, BitRow& row, Append&& append) {
  if (!append(row)) return false;
  return row.is_complete() || (row.make_room(call) && append(row));
}

/// PutInt : <@ S@>(Int@, S@ return, (Bit@, S@) { S@; } put) { Maybe@<S@>; }
Word put_int(NativeCall& call) {
  if (!is_push(call.arg(2))) return nothing_word();
  BitRow row;
  const auto append = [&](BitRow& to) { return append_int_word(call, to, call.arg(0)); };
  return fill_row(call, row, append) ? put_whole_row(call, row) : 0;
}

bool append_text(NativeCall& call, BitRow& row) {
  ListReader letters(call.arg(0));
  for (Word letter; letters.next(letter);) {
    row.append(1, 1);
    if (!append_int_word(call, row, letter)) return false;
    if (row.size() > kMaxKeyBits) return call.fail_out_of_memory(kKeyTooLong), false;
  }
  if (letters.error() != ReadError::kNone) return fail_read(call, letters.error(), "text"), false;
  row.append(0, 1);
  return true;
}

/// PutText : <@ S@>(String@, S@ return, (Bit@, S@) { S@; } put) { Maybe@<S@>; }
Word put_text(NativeCall& call) {
  if (!is_push(call.arg(2))) return nothing_word();
  BitRow row;
  const auto append = [&](BitRow& to) { return append_text(call, to); };
  return fill_row(call, row, append) ? put_whole_row(call, row) : 0;
}

bool append_bits(NativeCall& call, BitRow& row) {
  ListReader bits(call.arg(0));
  // A limb is filled in a register.
  uint64_t limb = 0;
  unsigned count = 0;
  for (Word word; bits.next(word);) {
    uint64_t tag = packed_tag(word, 1);
    if (pack_union(kUnitWord, 1, static_cast<uint32_t>(tag)) != word) {
      const UnionView bit = view_union(word, 2);
      if (bit.error != ReadError::kNone) return fail_read(call, bit.error, "bit"), false;
      tag = bit.tag;
    }
    limb |= tag << count;
    if (++count < kLimbBits) continue;
    row.append(limb, count);
    limb = count = 0;
    if (row.size() > kMaxKeyBits) return call.fail_out_of_memory(kKeyTooLong), false;
  }
  if (bits.error() != ReadError::kNone) return fail_read(call, bits.error(), "list"), false;
  row.append(limb, count);
  return true;
}

/// PutBits : <@ S@>(List@<Bit@>, S@ return, (Bit@, S@) { S@; } put) { Maybe@<S@>; }
Word put_bits(NativeCall& call) {
  if (!is_push(call.arg(2))) return nothing_word();
  BitRow row;
  const auto append = [&](BitRow& to) { return append_bits(call, to); };
  return fill_row(call, row, append) ? put_whole_row(call, row) : 0;
}

/// The result of `differ` for equal keys; otherwise it returns the place of the first different bit.
constexpr size_t kSame = SIZE_MAX;
size_t differ(Word a, Word b) {
  if (a == b) return kSame;
  const Limbs x(a);
  const Limbs y(b);
  const size_t size = std::max(x.size(), y.size());
  for (size_t i = 0; i < size; ++i) {
    const uint64_t different = (i < x.size() ? x.data()[i] : 0) ^ (i < y.size() ? y.data()[i] : 0);
    if (different != 0) return i * kLimbBits + static_cast<size_t>(std::countr_zero(different));
  }
  return kSame;
}

bool bit_at(Word bits, size_t place) {
  if (is_packed(bits)) return place < kLimbBits && (packed_magnitude(bits) >> place & 1) != 0;
  const Object* limbs = as_object(bits);
  const size_t index = place / kLimbBits;
  return index < limbs->count() && (limbs->fields[index] >> place % kLimbBits & 1) != 0;
}

/// Differ : (Bits@, Bits@) { Int@; }, -1 for the same bits.
Word differ_place(NativeCall& call) {
  if (is_placeholder(call.arg(0)) || is_placeholder(call.arg(1))) return call.fail_undefined();
  const size_t place = differ(call.arg(0), call.arg(1));
  return pack_int(place == kSame ? -1 : static_cast<int64_t>(place));
}

// ---- trees ------------------------------------------------------------------

constexpr uint32_t kTags = 3;
constexpr uint32_t kEmpty = 0;
constexpr uint32_t kEntry = 1;
constexpr uint32_t kBranch = 2;
constexpr uint32_t kEntryFields = 3;
constexpr uint32_t kBranchFields = 4;

/// A part of a map. It is data, and the functions of the module make it, so only the map
/// itself may be undefined.
class Tree {
 public:
  explicit Tree(Word word) : word_(word), tag_(union_tag(word, width())), fields_(union_arg(word, width())) {}

  Word word() const { return word_; }
  uint32_t tag() const { return tag_; }
  bool is_branch() const { return tag_ == kBranch; }

  Word entry_bits() const { return struct_field(fields_, 0, kEntryFields); }

  Word place_word() const { return struct_field(fields_, 0, kBranchFields); }
  size_t place() const { return packed_magnitude(place_word()); }
  Word branch_bits() const { return struct_field(fields_, 1, kBranchFields); }
  Word part(bool one) const { return struct_field(fields_, one ? 3 : 2, kBranchFields); }

 private:
  static unsigned width() { return tag_width(kTags); }

  Word word_;
  uint32_t tag_;
  Word fields_;
};

Word make_entry(NativeCall& call, Word bits, Word key, Word value) {
  const Word fields[] = {bits, key, value};
  return call.make_union_struct(kEntry, kTags, fields);
}

/// Makes a branch. Most branches have a part that is no packed word, so they are not packed either.
Word make_branch(NativeCall& call, Word place, Word bits, Word zero, Word one) {
  if (is_packed(zero & one & bits)) {
    const Word fields[] = {place, bits, zero, one};
    return call.make_union_struct(kBranch, kTags, fields);
  }
  Word* fields = call.room();
  fields[0] = place;
  fields[1] = bits;
  fields[2] = zero;
  fields[3] = one;
  return call.make_object(ObjectKind::kStruct, kBranch, kBranchFields);
}

/// Returns whether the map and bits of a call are defined; false with an error.
bool are_defined(NativeCall& call) {
  if (!is_placeholder(call.arg(0)) && !is_placeholder(call.arg(1))) return true;
  call.fail_undefined();
  return false;
}

/// The path of branches from the top of a map to some part of it.
class Path {
 public:
  /// Follows the bits down to a part that is no branch.
  Tree descend(Word map, Word bits) {
    size_ = 0;
    many_.clear();
    Tree at(map);
    for (; at.is_branch(); at = Tree(at.part(bit_at(bits, at.place())))) push(at.word());
    return at;
  }
  size_t size() const { return size_; }
  Tree top() const { return Tree(size_ <= kSome ? some_[size_ - 1] : many_[size_ - 1 - kSome]); }
  Tree pop() {
    const Tree branch = top();
    if (size_-- > kSome) many_.pop_back();
    return branch;
  }

  /// Returns the map with another part at the end of the path of these bits.
  Word replace(NativeCall& call, Word bits, Word part) {
    while (size_ > 0) {
      const Tree branch = pop();
      const bool one = bit_at(bits, branch.place());
      part = make_branch(call, branch.place_word(), branch.branch_bits(), one ? branch.part(false) : part,
                         one ? part : branch.part(true));
    }
    return part;
  }

 private:
  static constexpr size_t kSome = 64;

  void push(Word branch) {
    if (size_ < kSome) {
      some_[size_] = branch;
    } else {
      many_.push_back(branch);
    }
    ++size_;
  }

  size_t size_ = 0;
  Word some_[kSome];
  std::vector<Word> many_;
};

/// At : <@ K@, @ V@>(Map@<K@, V@>, Bits@) { Map@<K@, V@>; }, the map of the one entry with these bits or the empty map.
Word at(NativeCall& call) {
  if (!are_defined(call)) return 0;
  const Word bits = call.arg(1);
  Tree found(call.arg(0));
  while (found.is_branch()) found = Tree(found.part(bit_at(bits, found.place())));
  if (found.tag() == kEntry && differ(found.entry_bits(), bits) == kSame) return found.word();
  return packed_enum(kEmpty, kTags);
}

/// PutAt : <@ K@, @ V@>(Map@<K@, V@>, Bits@, K@, V@) { Map@<K@, V@>; }
Word put_at(NativeCall& call) {
  if (!are_defined(call)) return 0;
  Path path;
  Tree at = path.descend(call.arg(0), call.arg(1));
  const size_t words = (path.size() + 1) * object_words(kBranchFields) + object_words(kEntryFields);
  if (!call.has_room(words)) {
    if (!call.reserve(words)) return kOutOfMemory;
    at = path.descend(call.arg(0), call.arg(1));
  }
  const Word bits = call.arg(1);
  const Word entry = make_entry(call, bits, call.arg(2), call.arg(3));
  if (at.tag() == kEmpty) return entry;

  const size_t place = differ(at.entry_bits(), bits);
  if (place == kSame) return path.replace(call, bits, entry);
  while (path.size() > 0 && path.top().place() >= place) at = path.pop();
  const bool one = bit_at(bits, place);
  const Word fork =
      make_branch(call, pack_int(static_cast<int64_t>(place)), bits, one ? at.word() : entry, one ? entry : at.word());
  return path.replace(call, bits, fork);
}

/// RemoveAt : <@ K@, @ V@>(Map@<K@, V@>, Bits@) { Map@<K@, V@>; }
Word remove_at(NativeCall& call) {
  if (!are_defined(call)) return 0;
  Path path;
  const Tree nearest = path.descend(call.arg(0), call.arg(1));
  if (nearest.tag() == kEmpty || differ(nearest.entry_bits(), call.arg(1)) != kSame) return call.arg(0);
  if (path.size() == 0) return packed_enum(kEmpty, kTags);
  const size_t words = path.size() * object_words(kBranchFields);
  if (!call.has_room(words)) {
    if (!call.reserve(words)) return kOutOfMemory;
    path.descend(call.arg(0), call.arg(1));
  }
  const Word bits = call.arg(1);
  const Tree last = path.pop();
  return path.replace(call, bits, last.part(!bit_at(bits, last.place())));
}

constexpr NativeEffect kPure = NativeEffect::kPure;
constexpr NativeRow kRows[] = {
    {"/Std/Data/Bits%", "Push", 2, kPure, push, Intrinsic::kBitPush},
    {"/Std/Data/Bits%", "PutInt", 3, kPure, put_int},
    {"/Std/Data/Bits%", "PutText", 3, kPure, put_text},
    {"/Std/Data/Bits%", "PutBits", 3, kPure, put_bits},
    {"/Std/Data/Bits%", "Differ", 2, kPure, differ_place},
    {"/Std/Map%", "At", 2, kPure, at},
    {"/Std/Map%", "PutAt", 4, kPure, put_at},
    {"/Std/Map%", "RemoveAt", 2, kPure, remove_at},
};

}  // namespace

std::span<const NativeRow> map_natives() { return kRows; }

}  // namespace fble
