// Fble values for natives: the encodings of the library's types, read and made
// without recursion.
//
//   Int@    a machine integer (gc/integer.h) or, in the reference's library,
//           +(IntP@ n, Unit@ 0, IntP@ p)         sign
//   IntP@   +(Unit@ 1, IntP@ 2p0, IntP@ 2p1)     binary digits, lowest outermost
//   Char@   *(Int@ pos)                          a Unicode code point
//   Maybe@  +(A@ just, Unit@ nothing)
//   List@   +(*(A@ head, List@ tail) items, Unit@ empty)
//   Bool@   +(Unit@ true, Unit@ false)
//   String@ List@<Char@>
//
// The declared type of a native is not checked against these, so readers accept
// any word: one that has another shape, or that holds a placeholder of a
// recursive value, is an error and never a crash. The form of integers is that
// of the library in use: NativeCall::int_form.
//
// Tested by tests/unit/frontends/std/values_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "gc/integer.h"
#include "interp/foreign.h"
#include "interp/gathered.h"

namespace fble {

// UTF-8.

/// Appends the encoding of the code point. Like the library, encodes all
/// numbers of up to 31 bits; returns false and appends nothing for the rest.
bool append_utf8(std::string& out, uint64_t code_point);

/// Returns the code points of well-formed UTF-8 (Unicode 15, table 3-7), else nothing.
std::optional<std::vector<uint32_t>> decode_utf8(std::string_view text);

/// Decodes a name of the system: any bytes but NUL, most often UTF-8. A byte that is not part
/// of valid UTF-8 becomes a code point of its own, U+DC00 plus the byte, from which it is
/// restored.
std::vector<uint32_t> decode_name(std::string_view name);
/// The largest memory of the results of both functions above, to be charged.
inline size_t decoded_bytes(std::string_view text) { return text.size() * sizeof(uint32_t); }

// Reading.

enum class ReadError : uint8_t {
  kNone,
  kUndefined,    ///< a part is the placeholder of a recursive value
  kShape,        ///< not a value of the type that the library gives the native
  kTooLong,      ///< a string without an end, or beyond the caller's limit
  kNotUnicode,   ///< a character that has no encoding
  kInterrupted,  ///< the user has asked the program to stop
};

template <typename T>
struct Read {
  T value{};
  ReadError error = ReadError::kNone;
};

/// The low 64 bits of an Int@ of any size.
struct IntValue {
  bool negative = false;
  uint64_t magnitude = 0;  ///< modulo 2^64
  bool overflow = false;   ///< the magnitude has more bits

  /// Returns the low byte of the number in two's complement.
  uint8_t low_byte() const { return static_cast<uint8_t>(negative ? 0 - magnitude : magnitude); }
  /// Returns whether the number is within the bounds, both included and not negative.
  bool in_range(uint64_t low, uint64_t high) const {
    return !negative && !overflow && magnitude >= low && magnitude <= high;
  }
};

Read<IntValue> read_int(Word word, IntForm form = IntForm::kUnions);
Read<uint64_t> read_char(Word word, IntForm form = IntForm::kUnions);
/// Reads a String@ as UTF-8 of at most `max_bytes`.
Read<std::string> read_string(Word word, IntForm form = IntForm::kUnions, size_t max_bytes = size_t{1} << 24);
/// Reads a String@ as a name of the system: see decode_name.
Read<std::string> read_name(Word word, IntForm form);
/// Reads the tag of a union value of unit types.
Read<uint32_t> read_enum(Word word, uint32_t tag_count);

/// A union value in either representation; `error` if the word is none.
struct UnionView {
  uint32_t tag = 0;
  Word arg = 0;
  ReadError error = ReadError::kNone;
};
UnionView view_union(Word word, uint32_t tag_count);

/// Walks along a list. A list may have no end: then only the user's interrupt ends the walk.
class ListReader {
 public:
  explicit ListReader(Word list) : rest_(list) {}
  /// Walks along what has been read before, and is not interrupted.
  static ListReader again(Word list) {
    ListReader reader(list);
    reader.until_look_ = 0;  // the next look would be in 2^64 items
    return reader;
  }

  /// Takes the next element. Returns false at the end of the list or of its defined part, and after an interrupt.
  bool next(Word& element) {
    if (--until_look_ == 0 && is_interrupted()) return false;
    if (is_usual_cell(rest_)) {
      element = as_object(rest_)->fields[0];
      rest_ = as_object(rest_)->fields[1];
      return true;
    }
    return rest_ != kEmptyList && next_of_any(element);
  }
  /// Takes up to `most` of the next elements as long as they are in usual cells and `take(element, index)` accepts
  /// them, and returns their number.
  template <typename Take>
  size_t take_cells(size_t most, Take&& take) {
    most = std::min(most, until_look_ - 1);
    Word rest = rest_;
    size_t count = 0;
    while (count < most && is_usual_cell(rest) && take(as_object(rest)->fields[0], count)) {
      rest = as_object(rest)->fields[1];
      ++count;
    }
    rest_ = rest;
    until_look_ -= count;
    return count;
  }
  /// Returns the rest of the list.
  Word rest() const { return rest_; }
  /// Returns why there is no next element, if not because the list ends.
  ReadError error() const { return error_; }

 private:
  static constexpr Word kEmptyList = 7;

  static constexpr size_t kItemsPerLook = 4096;

  static bool is_usual_cell(Word list) {
    constexpr Word kShape = ~(Word{0xf} << 4);  // all of the header except the flags
    return is_pointer(list) && (as_object(list)->header & kShape) == Object::make_header(ObjectKind::kStruct, 2, 0);
  }
  bool next_of_any(Word& element);
  bool is_interrupted();

  Word rest_;
  size_t until_look_ = kItemsPerLook;
  ReadError error_ = ReadError::kNone;
};

/// Appends an item that was made from the elements of the list in argument `index`. May collect: then `elements`
/// continues at the same element. Returns false, with an error, when memory has run out.
template <typename T>
[[nodiscard]] bool add_from_list(NativeCall& call, Gathered<T>& items, T item, uint32_t index, ListReader& elements) {
  if (items.is_full()) {
    call.set_arg(index, elements.rest());
    if (!items.grow()) return false;
    elements = ListReader(call.arg(index));
  }
  items.push(item);
  return true;
}

/// Ends the call with the run-time error for a failed read of the named argument.
Word fail_read(NativeCall& call, ReadError error, const char* what);
/// The result of a body after a failed NativeCall::reserve or charge, which has recorded the error.
inline constexpr Word kOutOfMemory = 0;

/// Returns the resource of type T of a handle, or null if the word is no such handle.
template <typename T>
T* handle_resource(Word word) {
  if (!is_pointer(word) || as_object(word)->kind() != ObjectKind::kNative) return nullptr;
  NativeResource* resource = native_resource(word);
  return typeid(*resource) == typeid(T) ? static_cast<T*>(resource) : nullptr;
}
/// Ends the call because the word is no handle on a `what`.
Word fail_handle(NativeCall& call, Word word, const char* what);

// Making. The comment of each function has the number of words to reserve before.

/// Makes the word of a small result, which needs no memory.
inline Word packed_enum(uint32_t tag, uint32_t tag_count) { return pack_union(kUnitWord, tag_width(tag_count), tag); }
inline Word nothing_word() { return packed_enum(1, 2); }

inline Word bool_word(bool value) { return packed_enum(value ? 0 : 1, 2); }

/// Returns the number of words to reserve for an Int@ of the value.
size_t int_words(int64_t value, IntForm form = IntForm::kUnions);
/// Makes an integer in the form of the call.
Word make_int(NativeCall& call, int64_t value);

/// Makes a character of the form kUnions.
Word linked_char_word(uint32_t code_point);
/// Makes a character. Every code point is a packed word, as is the integer of that size: a struct of one field has the
/// same word as the field.
inline Word char_word(uint32_t code_point, IntForm form = IntForm::kUnions) {
  return form == IntForm::kMachine ? pack_int(code_point) : linked_char_word(code_point);
}

/// Returns the number of words to reserve for a list of `count` packed elements.
inline size_t list_words(size_t count) { return count * object_words(2); }
/// Makes a list; elements must be packed words or reserved after the last collection.
Word make_list(NativeCall& call, std::span<const Word> elements);
// Result@ is +(T@ ok, String@ error): the result of natives that may fail for external reasons.

inline Word ok_word(NativeCall& call, Word value) { return call.make_union(0, 2, value); }
/// Makes the ok of a result without a value of interest; takes no room.
inline Word ok_unit() { return packed_enum(0, 2); }
/// Makes the error of a result; reserves its own room.
Word make_error(NativeCall& call, std::string_view message);

/// Makes a String@ in the form of the call; reserve list_words(code_points.size()).
Word make_string(NativeCall& call, std::span<const uint32_t> code_points);

}  // namespace fble
