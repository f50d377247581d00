// Natives' view of values: frontends/std/native/values.h.
#include "frontends/std/native/values.h"

#include <gtest/gtest.h>

#include <limits>

#include "interp/machine.h"

namespace fble {
namespace {

class ValuesTest : public testing::Test {
 protected:
  /// Makes a value that needs at most `words` words.
  template <typename Make>
  Word make(size_t words, Make&& make) {
    return machine_.build([&](NativeCall& call) {
      if (!call.reserve(words)) ADD_FAILURE() << "out of memory";
      return make(call);
    });
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_};
};

constexpr Word kPlaceholder = 7 << 2 | 2;

TEST(Utf8, EncodesByLength) {
  const std::pair<uint64_t, std::string> cases[] = {
      {0x00, std::string(1, '\0')},
      {0x7f, "\x7f"},
      {0x80, "\xc2\x80"},
      {0x7ff, "\xdf\xbf"},
      {0x800, "\xe0\xa0\x80"},
      {0xffff, "\xef\xbf\xbf"},
      {0x10000, "\xf0\x90\x80\x80"},
      {0x1fffff, "\xf7\xbf\xbf\xbf"},
      {0x200000, "\xf8\x88\x80\x80\x80"},
      {0x3ffffff, "\xfb\xbf\xbf\xbf\xbf"},
      {0x4000000, "\xfc\x84\x80\x80\x80\x80"},
      {0x7fffffff, "\xfd\xbf\xbf\xbf\xbf\xbf"},
  };
  for (const auto& [code_point, bytes] : cases) {
    std::string out;
    EXPECT_TRUE(append_utf8(out, code_point));
    EXPECT_EQ(out, bytes) << code_point;
  }
  std::string out;
  EXPECT_FALSE(append_utf8(out, 0x80000000));
  EXPECT_EQ(out, "");
}

TEST(Utf8, DecodesWhatIsWellFormed) {
  EXPECT_EQ(decode_utf8(""), std::vector<uint32_t>{});
  EXPECT_EQ(decode_utf8("a\xc3\xa9\xe2\x82\xac\xf4\x8f\xbf\xbf"), (std::vector<uint32_t>{'a', 0xe9, 0x20ac, 0x10ffff}));
}

TEST(Utf8, RejectsWhatIsMalformed) {
  for (const char* text : {"\x80", "\xbf", "\xc2", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe2\x82", "\xed\xa0\x80",
                           "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "a\xe2\x28\xa1"}) {
    EXPECT_FALSE(decode_utf8(text).has_value()) << testing::PrintToString(text);
  }
}

TEST_F(ValuesTest, IntsComeBack) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  for (const int64_t value : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{2}, int64_t{255}, int64_t{-256},
                              int64_t{1} << 29, int64_t{1} << 30, (int64_t{1} << 31) - 1, kMax, -kMax, kMin}) {
    const Word word = make(int_words(value), [&](NativeCall& call) { return make_int(call, value); });
    const Read<IntValue> read = read_int(word);
    EXPECT_EQ(read.error, ReadError::kNone);
    EXPECT_EQ(read.value.negative, value < 0);
    EXPECT_FALSE(read.value.overflow);
    EXPECT_EQ(read.value.magnitude, value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
  }
}

TEST_F(ValuesTest, SmallIntsArePacked) {
  const Word word = make(int_words(1 << 29), [](NativeCall& call) { return make_int(call, (1 << 29) - 1); });
  EXPECT_TRUE(is_packed(word));
}

TEST_F(ValuesTest, LargeIntsKeepTheirLowBits) {
  // 2^70 + 5: more digits than fit.
  Word digits = packed_enum(0, 3);
  const Word word = make(80 * object_words(1), [&](NativeCall& call) {
    for (int bit = 70; bit-- > 0;) digits = call.make_union(bit == 0 || bit == 2 ? 2 : 1, 3, digits);
    return call.make_union(2, 3, digits);
  });
  const Read<IntValue> read = read_int(word);
  EXPECT_EQ(read.error, ReadError::kNone);
  EXPECT_TRUE(read.value.overflow);
  EXPECT_EQ(read.value.magnitude, 5u);
  EXPECT_FALSE(read.value.in_range(0, 111));
}

TEST(IntValue, LowByteIsTwosComplement) {
  EXPECT_EQ((IntValue{.magnitude = 65}.low_byte()), 65);
  EXPECT_EQ((IntValue{.magnitude = 256 + 7}.low_byte()), 7);
  EXPECT_EQ((IntValue{.negative = true, .magnitude = 1}.low_byte()), 255);
}

TEST_F(ValuesTest, CharsAreStructsOfInts) {
  for (const uint32_t code_point : {0u, 1u, 'a' + 0u, 0x10ffffu}) {
    const Word as_int = make(int_words(code_point), [&](NativeCall& call) { return make_int(call, code_point); });
    EXPECT_EQ(char_word(code_point), as_int);  // one field: packed, it looks like the field
    EXPECT_EQ(read_char(char_word(code_point)).value, code_point);
  }
}

TEST_F(ValuesTest, CharsMayBeObjects) {
  const Word field = make(int_words(300), [](NativeCall& call) { return make_int(call, 300); });
  Word object[] = {Object::make_header(ObjectKind::kStruct, 1), field};
  EXPECT_EQ(read_char(reinterpret_cast<Word>(object)).value, 300u);
}

TEST_F(ValuesTest, NumbersThatAreNoCharacters) {
  const Word negative = make(int_words(-5), [](NativeCall& call) { return make_int(call, -5); });
  EXPECT_EQ(read_char(negative).error, ReadError::kNotUnicode);
}

TEST_F(ValuesTest, StringsComeBack) {
  for (const size_t length : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{100000}}) {
    std::vector<uint32_t> letters(length, 0x20ac);
    if (length > 0) letters[0] = 'x';
    const Word word = make(list_words(length), [&](NativeCall& call) { return make_string(call, letters); });
    const Read<std::string> text = read_string(word);
    EXPECT_EQ(text.error, ReadError::kNone);
    EXPECT_EQ(decode_utf8(text.value), letters);
  }
}

TEST_F(ValuesTest, ListsHoldTheirElements) {
  const std::vector<Word> elements{packed_enum(0, 2), packed_enum(1, 2)};
  const Word list = make(list_words(2), [&](NativeCall& call) { return make_list(call, elements); });
  EXPECT_EQ(union_tag(list, 1), 0u);
  EXPECT_EQ(struct_field(union_arg(list, 1), 0, 2), elements[0]);
}

TEST(ReadErrors, PlaceholdersAreUndefined) {
  EXPECT_EQ(read_int(kPlaceholder).error, ReadError::kUndefined);
  EXPECT_EQ(read_char(kPlaceholder).error, ReadError::kUndefined);
  EXPECT_EQ(read_string(kPlaceholder).error, ReadError::kUndefined);
  EXPECT_EQ(read_enum(kPlaceholder, 2).error, ReadError::kUndefined);
  Word digits[] = {Object::make_header(ObjectKind::kUnion, 1, 2), kPlaceholder};
  EXPECT_EQ(read_int(reinterpret_cast<Word>(digits)).error, ReadError::kUndefined);
}

TEST(ReadErrors, OtherShapesAreNoticed) {
  Word closure[] = {Object::make_header(ObjectKind::kClosure, 1), 0};
  Word triple[] = {Object::make_header(ObjectKind::kStruct, 3), kUnitWord, kUnitWord, kUnitWord};
  for (Word* object : {closure, triple}) {
    const Word word = reinterpret_cast<Word>(object);
    EXPECT_NE(read_char(word).error, ReadError::kNone);
    EXPECT_NE(read_string(word).error, ReadError::kNone);
  }
  EXPECT_EQ(read_int(reinterpret_cast<Word>(closure)).error, ReadError::kShape);
  EXPECT_EQ(read_enum(reinterpret_cast<Word>(closure), 2).error, ReadError::kShape);
}

TEST(ReadErrors, AnyPackedWordCanBeRead) {
  uint64_t state = 1;
  for (int i = 0; i < 100000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const Word word = state >> (state >> 58) | 1;
    read_int(word);
    read_char(word);
    read_string(word, IntForm::kUnions, 100);
    read_enum(word, 3);
  }
}

TEST(ReadErrors, StringsWithoutEndAreTooLong) {
  Word cons[] = {Object::make_header(ObjectKind::kStruct, 2, 0), char_word('a'), 0};
  cons[2] = reinterpret_cast<Word>(cons);
  EXPECT_EQ(read_string(reinterpret_cast<Word>(cons), IntForm::kUnions, 1000).error, ReadError::kTooLong);
}

TEST(ReadErrors, IntsWithoutEndAreTooLong) {
  Word digit[] = {Object::make_header(ObjectKind::kUnion, 1, 1), 0};
  digit[1] = reinterpret_cast<Word>(digit);
  Word positive[] = {Object::make_header(ObjectKind::kUnion, 1, 2), reinterpret_cast<Word>(digit)};
  EXPECT_EQ(read_int(reinterpret_cast<Word>(positive)).error, ReadError::kTooLong);
}

}  // namespace
}  // namespace fble
