// An entropy coder over the fields of side tables: an adaptive binary range coder as in LZMA (7-zip's lzma.txt, "The
// LZMA Decoder"), with a model for each kind of field.
//
// A field is a bit that tells whether it is the same as in the entry before (the same field of that kind, by order of
// mention), and if not, its length in bits and its bits. So the coder knows what the committed format knows: that
// neighbours differ little.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/bench/side_tables/fields.h"

namespace fble::side_tables {

using Probability = uint16_t;  ///< of a 0, of 2048
inline constexpr Probability kEven = 1024;
inline constexpr unsigned kAdapt = 4;  ///< probabilities move by a sixteenth of what they were wrong by
inline constexpr uint32_t kTop = 1u << 24;

/// The probabilities of a field's kind.
struct FieldModel {
  std::array<Probability, 2> same;           ///< by whether the field before was the same
  std::array<Probability, 128> length;       ///< a tree of seven levels
  std::array<Probability, 65 * 16> leading;  ///< by length: a tree of the bits after the first one, up to three
};

struct Model {
  std::array<FieldModel, kFields> fields;

  Model() {
    for (FieldModel& field : fields) {
      field.same.fill(kEven);
      field.length.fill(kEven);
      field.leading.fill(kEven);
    }
  }
};

class RangeEncoder {
 public:
  void bit(Probability& zero, unsigned value) {
    const uint32_t bound = (range_ >> 11) * zero;
    if (value == 0) {
      range_ = bound;
      zero += (2048 - zero) >> kAdapt;
    } else {
      low_ += bound;
      range_ -= bound;
      zero -= zero >> kAdapt;
    }
    normalize();
  }
  void even_bit(unsigned value) {
    range_ >>= 1;
    if (value != 0) low_ += range_;
    normalize();
  }
  /// Returns the bytes. The decoder reads zeros after them, so zeros at the end are left out.
  std::vector<uint8_t> finish() {
    for (int i = 0; i < 5; ++i) shift();
    while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
    return std::move(bytes_);
  }

 private:
  void normalize() {
    while (range_ < kTop) {
      range_ <<= 8;
      shift();
    }
  }
  void shift() {
    if (low_ < 0xff000000u || low_ > 0xffffffffu) {
      const auto carry = static_cast<uint8_t>(low_ >> 32);
      if (!is_first_) bytes_.push_back(static_cast<uint8_t>(cache_ + carry));
      is_first_ = false;
      for (; pending_ > 0; --pending_) bytes_.push_back(static_cast<uint8_t>(0xff + carry));
      cache_ = static_cast<uint8_t>(low_ >> 24);
    } else {
      ++pending_;
    }
    low_ = (low_ & 0x00ffffffu) << 8;
  }

  uint64_t low_ = 0;
  uint32_t range_ = 0xffffffffu;
  uint8_t cache_ = 0;
  uint64_t pending_ = 0;
  bool is_first_ = true;
  std::vector<uint8_t> bytes_;
};

class RangeDecoder {
 public:
  explicit RangeDecoder(std::span<const uint8_t> bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
  }
  unsigned bit(Probability& zero) {
    const uint32_t bound = (range_ >> 11) * zero;
    unsigned value = 0;
    if (code_ < bound) {
      range_ = bound;
      zero += (2048 - zero) >> kAdapt;
    } else {
      code_ -= bound;
      range_ -= bound;
      zero -= zero >> kAdapt;
      value = 1;
    }
    normalize();
    return value;
  }
  unsigned even_bit() {
    range_ >>= 1;
    const unsigned value = code_ >= range_ ? 1 : 0;
    if (value != 0) code_ -= range_;
    normalize();
    return value;
  }

 private:
  uint8_t next() { return at_ == end_ ? 0 : *at_++; }
  void normalize() {
    while (range_ < kTop) {
      range_ <<= 8;
      code_ = code_ << 8 | next();
    }
  }

  const uint8_t* at_;
  const uint8_t* end_;
  uint32_t range_ = 0xffffffffu;
  uint32_t code_ = 0;
};

/// What encoder and decoder know of the entry before.
struct Context {
  std::array<std::vector<uint64_t>, kFields> before, now;
  unsigned was_same = 0;

  void begin_entry() {
    for (size_t i = 0; i < kFields; ++i) {
      std::swap(before[i], now[i]);
      now[i].clear();
    }
    was_same = 0;
  }
  /// Returns the value that the next field of the kind is expected to have.
  uint64_t expected(Field field) const {
    const size_t kind = static_cast<size_t>(field);
    const size_t order = now[kind].size();
    return order < before[kind].size() ? before[kind][order] : 0;
  }
  void note(Field field, uint64_t value) { now[static_cast<size_t>(field)].push_back(value); }
};

/// Codes values of fields. `Bits` has code(Probability&, unsigned value) and code_even(unsigned value), which return
/// the value that was coded.
template <typename Bits>
uint64_t code_value(Bits&& bits, Model& model, Context& context, Field field, uint64_t value) {
  FieldModel& of = model.fields[static_cast<size_t>(field)];
  const uint64_t expected = context.expected(field);
  const unsigned same = bits.code(of.same[context.was_same], value == expected ? 1 : 0);
  context.was_same = same;
  if (same != 0) {
    context.note(field, expected);
    return expected;
  }
  const unsigned length_to_write = static_cast<unsigned>(std::bit_width(value));
  unsigned node = 1;
  for (int level = 6; level >= 0; --level) node = node * 2 + bits.code(of.length[node], length_to_write >> level & 1);
  const unsigned length = node - 128;
  uint64_t result = length == 0 ? 0 : 1;
  unsigned tree = 1;
  for (unsigned at = 1; at < length; ++at) {
    const unsigned bit_to_write = static_cast<unsigned>(value >> (length - 1 - at) & 1);
    const bool is_leading = at <= 3;
    const unsigned bit =
        is_leading ? bits.code(of.leading[length * 16 + tree], bit_to_write) : bits.code_even(bit_to_write);
    if (is_leading) tree = tree * 2 + bit;
    result = result << 1 | bit;
  }
  context.note(field, result);
  return result;
}

struct WriteBits {
  RangeEncoder& encoder;
  unsigned code(Probability& zero, unsigned value) {
    encoder.bit(zero, value);
    return value;
  }
  unsigned code_even(unsigned value) {
    encoder.even_bit(value);
    return value;
  }
};

struct ReadBits {
  RangeDecoder& decoder;
  unsigned code(Probability& zero, unsigned) { return decoder.bit(zero); }
  unsigned code_even(unsigned) { return decoder.even_bit(); }
};

}  // namespace fble::side_tables
