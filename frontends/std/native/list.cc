// Lists and text: the parts of /Std/List%, /Std/Stream/List%, /Std/Char/Ascii%,
// /Std/String/... and /Std/Io/File/Utf8% that are in C++ because they only loop over cells.
//
// No function here recurses along a list. The intermediate results of a list are
// in the arguments after each step, where a collection finds them.
//
// Tested by tests/std/StdTests/List.fble and Text.fble, and tests/unit/frontends/std/natives_test.cc.
#include <algorithm>
#include <bit>

#include "frontends/std/native/limbs.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// The number of cells for which turning a list reserves room at a time.
constexpr size_t kStepCells = 1024;
/// The largest number of cells of a list; longer ones are recursive values without an end.
constexpr size_t kMaxCells = size_t{1} << 32;
constexpr const char* kEndless = "out of memory: the list has too many items";
constexpr const char* kList = "list";
constexpr const char* kText = "text";

Word empty_list() { return packed_enum(1, 2); }

// ---- lists ------------------------------------------------------------------

/// Turn : <@ T@>(List@<T@> from, List@<T@> onto) { List@<T@>; }
Word turn(NativeCall& call) {
  for (size_t all = 0; all < kMaxCells; all += kStepCells) {
    if (interrupt_requested()) return 0;
    // Most lists are short: no more room than they need.
    size_t count = 0;
    ListReader counted(call.arg(0));
    for (Word item; count < kStepCells && counted.next(item);) ++count;
    if (counted.error() != ReadError::kNone) return fail_read(call, counted.error(), kList);
    if (!call.reserve(list_words(count))) return kOutOfMemory;
    ListReader items = ListReader::again(call.arg(0));
    Word done = call.arg(1);
    for (size_t i = 0; i < count; ++i) {
      Word item = 0;
      items.next(item);
      done = call.make_cons(item, done);
    }
    if (count < kStepCells) return done;
    call.set_arg(0, items.rest());
    call.set_arg(1, done);
  }
  return call.fail_out_of_memory(kEndless);
}

/// Makes the list of the first argument without its last `left` items, followed by the
/// word that `rest` returns. Returns 0 with an error. Short lists are walked only once.
template <typename Rest>
Word put_in_front(NativeCall& call, size_t left, Rest rest) {
  constexpr size_t kSome = 64;
  Word some[kSome];
  std::unique_ptr<Word[]> many;
  Word* items = some;
  size_t count = 0;
  ListReader reader(call.arg(0));
  for (Word item; reader.next(item); ++count) {
    if (count < kSome) some[count] = item;
    if (count == kMaxCells) return call.fail_out_of_memory(kEndless);
  }
  if (reader.error() != ReadError::kNone) return fail_read(call, reader.error(), kList);
  if (count < left) return call.fail("undefined: an empty list has no last item");
  const size_t wanted = count - left;
  if (count > kSome || !call.has_room(list_words(wanted))) {
    if (count > kSome && !call.charge(wanted * sizeof(Word))) return kOutOfMemory;
    if (!call.reserve(list_words(wanted))) return kOutOfMemory;
    if (count > kSome) {
      many = std::make_unique_for_overwrite<Word[]>(wanted);
      items = many.get();
    }
    ListReader again = ListReader::again(call.arg(0));
    for (size_t i = 0; i < wanted; ++i) again.next(items[i]);
  }
  Word list = rest();
  for (size_t i = wanted; i-- > 0;) list = call.make_cons(items[i], list);
  return list;
}

/// Makes the items of the first argument followed by the second. Returns 0 with an error.
Word append_arguments(NativeCall& call) {
  if (call.arg(1) == empty_list()) {
    // Nothing follows it: the result is the list itself, if it is one.
    return is_placeholder(call.arg(0)) ? call.fail_undefined() : call.arg(0);
  }
  return put_in_front(call, 0, [&] { return call.arg(1); });
}

/// Init : <@ T@>(List@<T@>) { List@<T@>; }
Word init(NativeCall& call) {
  return put_in_front(call, 1, [] { return empty_list(); });
}

/// Append : <@ T@>(List@<T@>, List@<T@>) { List@<T@>; }
Word append(NativeCall& call) { return append_arguments(call); }

/// Into : <@ A@, @ S@>(List@<A@> list, S@ return, (A@, S@) { S@; } put, (A@, List@<A@>) { List@<A@>; } items)
///          { Maybe@<S@>; }
///
/// Does the same as the stream of the list's items, if put is the function items, that is, makes a list.
Word into(NativeCall& call) {
  if (call.arg(2) != call.arg(3) || is_placeholder(call.arg(2))) return nothing_word();
  const Word list = append_arguments(call);
  if (list == 0) return 0;
  call.set_arg(0, list);
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, call.arg(0));
}

// ---- text -------------------------------------------------------------------

constexpr uint32_t kAsciiLetters = 98;

/// Returns the characters of the letters of Ascii@, in the order of its fields.
constexpr uint32_t ascii_letter(uint32_t tag) {
  return tag == 0 ? '\n' : tag == 1 ? '\t' : tag == 2 ? '\r' : ' ' + tag - 3;
}
static_assert(ascii_letter(kAsciiLetters - 1) == '~');

/// Text : (List@<Ascii@>) { String@; }
Word ascii_text(NativeCall& call) {
  Gathered<uint8_t> codes(call);
  ListReader letters(call.arg(0));
  for (Word letter; letters.next(letter);) {
    const UnionView view = view_union(letter, kAsciiLetters);
    if (view.error != ReadError::kNone) return fail_read(call, view.error, "literal");
    if (codes.size() == kMaxCells) return call.fail_out_of_memory(kEndless);
    const auto code = static_cast<uint8_t>(ascii_letter(view.tag));
    if (!add_from_list(call, codes, code, 0, letters)) return kOutOfMemory;
  }
  if (letters.error() != ReadError::kNone) return fail_read(call, letters.error(), "literal");
  if (!call.reserve(list_words(codes.size()))) return kOutOfMemory;
  Word done = empty_list();
  for (size_t i = codes.size(); i-- > 0;) done = call.make_cons(pack_int(codes[i]), done);
  return done;
}

/// ToChar : ToChar@<Ascii@>
Word ascii_char(NativeCall& call) {
  const UnionView view = view_union(call.arg(0), kAsciiLetters);
  if (view.error != ReadError::kNone) return fail_read(call, view.error, "letter");
  return pack_int(ascii_letter(view.tag));
}

/// Ascii : the struct of /Std/Char/Ascii%, first the control characters by their names.
Word ascii_characters(NativeCall& call) {
  constexpr std::string_view kControls("\0\a\b\t\t\t\n\n\v\f\r\r", 12);
  std::vector<Word> fields;
  for (const char control : kControls) fields.push_back(pack_int(control));
  fields.push_back(pack_int(' '));  // space
  for (int letter = ' '; letter <= '~'; ++letter) fields.push_back(pack_int(letter));
  if (!call.reserve(object_words(static_cast<uint32_t>(fields.size())))) return kOutOfMemory;
  return call.make_struct(fields);
}

/// The letters after a backslash, each with the character that it stands for.
constexpr std::pair<char, char> kEscapes[] = {
    {'\\', '\\'}, {'q', '\''}, {'n', '\n'}, {'t', '\t'}, {'r', '\r'},
    {'0', '\0'},  {'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'v', '\v'},
};

/// Returns the value of a digit in base 16, or -1.
int hex_digit(Word letter) {
  if (!is_packed(letter)) return -1;
  const int64_t code = unpack_int(letter);
  if (code >= '0' && code <= '9') return static_cast<int>(code - '0');
  if (code >= 'a' && code <= 'f') return static_cast<int>(code - 'a' + 10);
  if (code >= 'A' && code <= 'F') return static_cast<int>(code - 'A' + 10);
  return -1;
}

/// Takes the part of an escape after its backslash. Returns false if it is unknown.
bool take_escape(ListReader& letters, Word& character) {
  Word name;
  if (!letters.next(name)) return false;
  for (const auto& [escape, code] : kEscapes) {
    if (name == pack_int(escape)) return character = pack_int(code), true;
  }
  if (name != pack_int('u')) return false;
  int64_t code = 0;
  for (Word digit; letters.next(digit);) {
    if (digit == pack_int(';')) return character = pack_int(code), true;
    if (hex_digit(digit) < 0 || code > kMaxPackedInt / 16) return false;
    code = code * 16 + hex_digit(digit);
  }
  return false;
}

/// Escape : (String@) { String@; }
Word escape_text(NativeCall& call) {
  // The characters have to be found again after a collection, so they are counted first.
  size_t count = 0;
  ListReader counted(call.arg(0));
  for (Word letter; counted.next(letter); ++count) {
    if (count > kMaxCells) return call.fail_out_of_memory(kEndless);
    if (is_placeholder(letter)) return call.fail_undefined();
    if (letter == pack_int('\\') && !take_escape(counted, letter)) {
      if (counted.error() != ReadError::kNone) break;
      return call.fail("undefined: there is no such escape (see /Std/String/Escape%)");
    }
  }
  if (counted.error() != ReadError::kNone) return fail_read(call, counted.error(), kText);
  if (!call.charge(count * sizeof(Word)) || !call.reserve(list_words(count))) return kOutOfMemory;
  std::vector<Word> result;
  result.reserve(count);
  ListReader letters = ListReader::again(call.arg(0));
  while (result.size() < count) {
    Word letter = 0;
    letters.next(letter);
    if (letter == pack_int('\\')) take_escape(letters, letter);
    result.push_back(letter);
  }
  return make_list(call, result);
}

// ---- UTF-8, see /Std/Io/File/Utf8% -------------------------------------------

constexpr uint32_t kReplacement = 0xfffd;

/// Bytes : (Char@) { List@<Byte@>; }
Word utf8_bytes(NativeCall& call) {
  const Read<uint64_t> letter = read_char(call.arg(0), IntForm::kMachine);
  std::string bytes;
  if (letter.error == ReadError::kNone) {
    append_utf8(bytes, letter.value);
  } else if (letter.error == ReadError::kNotUnicode) {
    append_utf8(bytes, kReplacement);
  } else {
    return fail_read(call, letter.error, "character");
  }
  if (!call.reserve(list_words(bytes.size()))) return kOutOfMemory;
  Word done = empty_list();
  for (size_t i = bytes.size(); i-- > 0;) done = call.make_cons(pack_int(static_cast<uint8_t>(bytes[i])), done);
  return done;
}

/// Further : (Byte@) { Int@; }
Word utf8_further(NativeCall& call) {
  const Read<IntValue> byte = read_int(call.arg(0), IntForm::kMachine);
  if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
  if (!byte.value.in_range(0, 0xff)) return pack_int(-1);
  const int ones = std::countl_one(static_cast<uint8_t>(byte.value.magnitude));
  return pack_int(ones == 0 ? 0 : ones == 1 || ones > 6 ? -1 : ones - 1);
}

/// Whole : (List@<Byte@>) { Char@; }
Word utf8_whole(NativeCall& call) {
  uint64_t code = 0;
  unsigned count = 0;
  ListReader bytes(call.arg(0));
  for (Word word; bytes.next(word); ++count) {
    const Read<IntValue> byte = read_int(word, IntForm::kMachine);
    if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
    if (count >= 6 || !byte.value.in_range(0, 0xff)) return call.fail("these bytes are no character");
    const auto value = static_cast<uint8_t>(byte.value.magnitude);
    // The first byte, which comes last here, begins with as many ones as there are bytes.
    const bool first = (value & 0xc0) != 0x80;
    const unsigned ones = static_cast<unsigned>(std::countl_one(value));
    code |= (first ? value & (0xffu >> (ones + 1)) : value & 0x3fu) << (6 * count);
  }
  if (bytes.error() != ReadError::kNone) return fail_read(call, bytes.error(), "list");
  constexpr uint64_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
  return pack_int(static_cast<int64_t>(code < kSmallest[count] ? kReplacement : code));
}

// ---- order ------------------------------------------------------------------

/// Compares two texts: negative, 0 or positive for less, equal or greater. Sets `failed` after an error.
int compare_text(NativeCall& call, bool& failed) {
  ListReader a(call.arg(0));
  ListReader b(call.arg(1));
  failed = false;
  for (size_t i = 0; i < kMaxCells; ++i) {
    Word x = 0;
    Word y = 0;
    const bool more_a = a.next(x);
    if (a.error() != ReadError::kNone) return failed = true, fail_read(call, a.error(), kText), 0;
    const bool more_b = b.next(y);
    if (b.error() != ReadError::kNone) return failed = true, fail_read(call, b.error(), kText), 0;
    if (!more_a || !more_b) return more_a ? 1 : more_b ? -1 : 0;
    if (x == y && is_packed(x)) continue;
    x = int_of(x);
    y = int_of(y);
    if (is_placeholder(x) || is_placeholder(y)) return failed = true, call.fail_undefined(), 0;
    const Limbs m(x);
    const Limbs n(y);
    if (m.is_negative() != n.is_negative()) return m.is_negative() ? -1 : 1;
    const int sign = m.is_negative() ? -1 : 1;
    if (m.size() != n.size()) return m.size() < n.size() ? -sign : sign;
    const int order = m.is_zero() ? 0 : mpn_cmp(m.data(), n.data(), static_cast<mp_size_t>(m.size()));
    if (order != 0) return order < 0 ? -sign : sign;
  }
  return failed = true, call.fail_out_of_memory(kEndless), 0;
}

/// Eq : (String@, String@) { Bool@; }
Word text_equal(NativeCall& call) {
  bool failed = false;
  const int order = compare_text(call, failed);
  return failed ? 0 : bool_word(order == 0);
}

/// Cmp : (String@, String@) { Compared@; }
Word text_compare(NativeCall& call) {
  bool failed = false;
  const int order = compare_text(call, failed);
  return failed ? 0 : packed_enum(order < 0 ? 0 : order == 0 ? 1 : 2, 3);
}

constexpr NativeEffect kPure = NativeEffect::kPure;
constexpr NativeRow kRows[] = {
    {"/Std/List%", "Turn", 2, kPure, turn},
    {"/Std/List%", "Append", 2, kPure, append},
    {"/Std/List%", "Init", 1, kPure, init},
    {"/Std/Stream/List%", "Into", 4, kPure, into},
    {"/Std/Char/Ascii%", "Text", 1, kPure, ascii_text},
    {"/Std/Char/Ascii%", "ToChar", 1, kPure, ascii_char},
    {"/Std/Char/Ascii%", "Ascii", 0, kPure, ascii_characters},
    {"/Std/String/Escape%", "Escape", 1, kPure, escape_text},
    {"/Std/Io/File/Utf8%", "Bytes", 1, kPure, utf8_bytes},
    {"/Std/Io/File/Utf8%", "Further", 1, kPure, utf8_further},
    {"/Std/Io/File/Utf8%", "Whole", 1, kPure, utf8_whole},
    {"/Std/String/Eq%", "Eq", 2, kPure, text_equal},
    {"/Std/String/Cmp%", "Cmp", 2, kPure, text_compare},
};

}  // namespace

std::span<const NativeRow> list_natives() { return kRows; }

}  // namespace fble
