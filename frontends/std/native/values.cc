// Tested by tests/unit/frontends/std/values_test.cc.
#include "frontends/std/native/values.h"

#include <bit>

#include "gc/integer.h"

namespace fble {
namespace {

constexpr uint32_t kIntTags = 3;
constexpr uint32_t kIntNegative = 0;
constexpr uint32_t kIntZero = 1;
constexpr uint32_t kIntPositive = 2;
constexpr uint32_t kDigitOne = 0;  // ends the digits; the others carry the rest
constexpr uint32_t kDigit2p1 = 2;
constexpr size_t kMaxDigits = size_t{1} << 28;
constexpr size_t kDigitsPerLook = size_t{1} << 16;
constexpr uint32_t kListEmpty = 1;

ReadError check_struct(Word word, uint32_t count) {
  if (is_placeholder(word)) return ReadError::kUndefined;
  if (is_packed(word)) {
    const unsigned header = kOffsetBits * (count - 1);
    const unsigned last_offset = count == 1 ? 0 : word >> (1 + header - kOffsetBits) & 63;
    return packed_bits(word) >= header + last_offset ? ReadError::kNone : ReadError::kShape;
  }
  const Object* object = as_object(word);
  return object->kind() == ObjectKind::kStruct && object->count() == count ? ReadError::kNone : ReadError::kShape;
}

Read<IntValue> read_machine_int(Word word) {
  if (is_placeholder(word)) return {.error = ReadError::kUndefined};
  if (is_packed(word)) return {.value = {packed_is_negative(word), packed_magnitude(word), false}};
  const Object* object = as_object(word);
  if (object->kind() != ObjectKind::kBytes) return {.error = ReadError::kShape};
  return {.value = {big_is_negative(object), object->fields[0], object->count() > 1}};
}

}  // namespace

UnionView view_union(Word word, uint32_t tag_count) {
  if (is_placeholder(word)) return {.error = ReadError::kUndefined};
  const unsigned width = tag_width(tag_count);
  if (is_pointer(word)) {
    const ObjectKind kind = as_object(word)->kind();
    if (kind != ObjectKind::kUnion && kind != ObjectKind::kStruct) return {.error = ReadError::kShape};
  }
  const UnionView view{.tag = union_tag(word, width), .arg = union_arg(word, width)};
  if (view.tag >= tag_count) return {.error = ReadError::kShape};
  return view;
}

bool ListReader::is_interrupted() {
  until_look_ = kItemsPerLook;
  if (!interrupt_requested()) return false;
  error_ = ReadError::kInterrupted;
  return true;
}

bool ListReader::next_of_any(Word& element) {
  static_assert(kEmptyList == (((kUnitWord - 1) << 1) | (kListEmpty << 1) | 1));
  if (is_packed(rest_) && (rest_ & 2) == 0 && packed_bits(rest_) > kOffsetBits) {
    // The usual packed cell, taken apart in one step: see NativeCall::make_cons.
    const unsigned head_bits = rest_ >> 2 & 63;
    const Word content = rest_ >> (2 + kOffsetBits);
    if (content >> head_bits != 0) {
      element = ((content & ((Word{1} << head_bits) - 1)) | Word{1} << head_bits) << 1 | 1;
      rest_ = content >> head_bits << 1 | 1;
      return true;
    }
  }
  const UnionView view = view_union(rest_, 2);
  error_ = view.error;
  if (view.error != ReadError::kNone || view.tag == kListEmpty) return false;
  error_ = check_struct(view.arg, 2);
  if (error_ != ReadError::kNone) return false;
  element = struct_field(view.arg, 0, 2);
  rest_ = struct_field(view.arg, 1, 2);
  return true;
}

bool append_utf8(std::string& out, uint64_t code_point) {
  if (code_point <= 0x7f) {
    out.push_back(static_cast<char>(code_point));
    return true;
  }
  if (code_point > 0x7fffffff) return false;
  // n bytes carry 5n + 1 bits: 7 - n in the first, 6 in each other.
  unsigned bytes = 2;
  while (code_point >> (5 * bytes + 1) != 0) ++bytes;
  const unsigned lead = 0xff00u >> bytes & 0xff;
  out.push_back(static_cast<char>(lead | code_point >> (6 * (bytes - 1))));
  for (unsigned left = bytes - 1; left-- > 0;) {
    out.push_back(static_cast<char>(0x80 | (code_point >> (6 * left) & 0x3f)));
  }
  return true;
}

namespace {

/// Decodes the code point at the place, and moves the place past it. Returns nothing, and leaves the place, if the
/// bytes there are malformed.
std::optional<uint32_t> decode_one(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const int ones = std::countl_one(lead);
  if (ones < 2 || ones > 4 || text.size() - at < static_cast<size_t>(ones)) return std::nullopt;
  uint32_t code_point = lead & (0x7fu >> ones);
  for (int i = 1; i < ones; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + static_cast<size_t>(i)]);
    if ((byte & 0xc0) != 0x80) return std::nullopt;
    code_point = code_point << 6 | (byte & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[ones - 2] || surrogate || code_point > 0x10ffff) return std::nullopt;
  at += static_cast<size_t>(ones);
  return code_point;
}

constexpr uint32_t kLoneBytes = 0xdc00;

}  // namespace

std::optional<std::vector<uint32_t>> decode_utf8(std::string_view text) {
  std::vector<uint32_t> code_points;
  code_points.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const std::optional<uint32_t> code_point = decode_one(text, at);
    if (!code_point) return std::nullopt;
    code_points.push_back(*code_point);
  }
  return code_points;
}

std::vector<uint32_t> decode_name(std::string_view name) {
  std::vector<uint32_t> code_points;
  code_points.reserve(name.size());
  for (size_t at = 0; at < name.size();) {
    const std::optional<uint32_t> code_point = decode_one(name, at);
    code_points.push_back(code_point ? *code_point : kLoneBytes + static_cast<unsigned char>(name[at++]));
  }
  return code_points;
}

Read<IntValue> read_int(Word word, IntForm form) {
  if (form == IntForm::kMachine) return read_machine_int(word);
  Read<IntValue> result;
  UnionView view = view_union(word, kIntTags);
  result.value.negative = view.tag == kIntNegative;
  if (view.error == ReadError::kNone && view.tag == kIntZero) return result;
  uint64_t digit = 1;
  size_t digits = 0;
  while (view.error == ReadError::kNone) {
    view = view_union(view.arg, 3);
    if (view.error != ReadError::kNone) break;
    if (digit == 0) result.value.overflow = true;
    if (view.tag == kDigitOne || view.tag == kDigit2p1) result.value.magnitude |= digit;
    if (view.tag == kDigitOne) return result;
    digit <<= 1;
    // A recursive value may have no end.
    if (++digits == kMaxDigits) view.error = ReadError::kTooLong;
    if (digits % kDigitsPerLook == 0 && interrupt_requested()) view.error = ReadError::kInterrupted;
  }
  result.error = view.error;
  return result;
}

Read<uint64_t> read_char(Word word, IntForm form) {
  const ReadError shape = check_struct(word, 1);
  if (shape != ReadError::kNone) return {.error = shape};
  const Read<IntValue> position = read_int(struct_field(word, 0, 1), form);
  if (position.error != ReadError::kNone) return {.error = position.error};
  if (!position.value.in_range(0, 0x7fffffff)) return {.error = ReadError::kNotUnicode};
  return {.value = position.value.magnitude};
}

Read<std::string> read_string(Word word, IntForm form, size_t max_bytes) {
  Read<std::string> result;
  ListReader letters(word);
  for (Word element; letters.next(element);) {
    const Read<uint64_t> letter = read_char(element, form);
    result.error = letter.error;
    if (letter.error != ReadError::kNone) return result;
    append_utf8(result.value, letter.value);
    if (result.value.size() > max_bytes) {
      result.error = ReadError::kTooLong;
      return result;
    }
  }
  result.error = letters.error();
  return result;
}

Read<std::string> read_name(Word word, IntForm form) {
  constexpr size_t kMaxBytes = size_t{1} << 24;
  Read<std::string> result;
  ListReader letters(word);
  for (Word element; letters.next(element);) {
    const Read<uint64_t> letter = read_char(element, form);
    result.error = letter.error;
    if (result.error == ReadError::kNone && result.value.size() >= kMaxBytes) result.error = ReadError::kTooLong;
    if (result.error != ReadError::kNone) return result;
    if (letter.value >= kLoneBytes + 0x80 && letter.value <= kLoneBytes + 0xff) {
      result.value.push_back(static_cast<char>(letter.value - kLoneBytes));
    } else {
      append_utf8(result.value, letter.value);
    }
  }
  result.error = letters.error();
  return result;
}

Read<uint32_t> read_enum(Word word, uint32_t tag_count) {
  const UnionView view = view_union(word, tag_count);
  return {.value = view.tag, .error = view.error};
}

Word fail_read(NativeCall& call, ReadError error, const char* what) {
  switch (error) {
    case ReadError::kUndefined: return call.fail_undefined();
    case ReadError::kTooLong: return call.fail(std::string(what) + " is too long");
    case ReadError::kNotUnicode: return call.fail(std::string(what) + " is not a Unicode character");
    case ReadError::kInterrupted: return 0;  // the run ends in any case
    default: return call.fail(std::string(what) + " has an unexpected type");
  }
}

Word fail_handle(NativeCall& call, Word word, const char* what) {
  return fail_read(call, is_placeholder(word) ? ReadError::kUndefined : ReadError::kShape, what);
}

size_t int_words(int64_t value, IntForm form) {
  if (form == IntForm::kMachine) return int_fits(value) ? 0 : object_words(1);
  // At most one object per binary digit and one for the sign; none when packed.
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return (static_cast<size_t>(std::bit_width(magnitude)) + 1) * object_words(1);
}

Word make_int(NativeCall& call, int64_t value) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (call.int_form() == IntForm::kMachine) {
    if (int_fits(value)) return pack_int(value);
    *call.room() = magnitude;
    return call.make_bytes(value < 0 ? 1 : 0, 1);
  }
  if (value == 0) return packed_enum(kIntZero, kIntTags);
  Word digits = packed_enum(kDigitOne, 3);
  // From the highest digit below the leading one to the lowest.
  for (int bit = std::bit_width(magnitude) - 1; bit-- > 0;) {
    digits = call.make_union(1 + (magnitude >> bit & 1), 3, digits);
  }
  return call.make_union(value < 0 ? kIntNegative : kIntPositive, kIntTags, digits);
}

Word linked_char_word(uint32_t code_point) {
  if (code_point == 0) return packed_enum(kIntZero, kIntTags);
  Word digits = packed_enum(kDigitOne, 3);
  for (int bit = std::bit_width(code_point) - 1; bit-- > 0;) {
    digits = pack_union(digits, tag_width(3), 1 + (code_point >> bit & 1));
  }
  return pack_union(digits, tag_width(kIntTags), kIntPositive);
}

Word make_list(NativeCall& call, std::span<const Word> elements) {
  Word list = packed_enum(kListEmpty, 2);
  for (size_t i = elements.size(); i-- > 0;) {
    list = call.make_cons(elements[i], list);
  }
  return list;
}

Word make_string(NativeCall& call, std::span<const uint32_t> code_points) {
  const IntForm form = call.int_form();
  Word list = packed_enum(kListEmpty, 2);
  for (size_t i = code_points.size(); i-- > 0;) {
    list = call.make_cons(char_word(code_points[i], form), list);
  }
  return list;
}

Word make_error(NativeCall& call, std::string_view message) {
  if (!call.charge(decoded_bytes(message))) return kOutOfMemory;
  const std::vector<uint32_t> text = decode_name(message);
  if (!call.reserve(list_words(text.size()) + object_words(1))) return kOutOfMemory;
  return call.make_union(1, 2, make_string(call, text));
}

}  // namespace fble
