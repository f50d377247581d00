// Packing against an obvious model: a packed value is a string of bits.
#include "gc/value.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gc/object.h"

namespace fble {
namespace {

/// The content of a packed word, first bit first.
using Bits = std::string;

Bits number_bits(uint64_t number, unsigned width) {
  Bits bits;
  for (unsigned i = 0; i < width; ++i) bits += (number >> i & 1) != 0 ? '1' : '0';
  return bits;
}

/// A data value of a shape, with the model's representation.
struct Data {
  bool is_union = false;
  uint32_t tag = 0;
  unsigned width = 0;
  std::vector<Data> parts;  ///< the argument, or the fields

  /// Returns the bits; nothing if the value, or a part of it, does not fit into a word.
  std::optional<Bits> model() const {
    Bits bits;
    if (is_union) {
      const std::optional<Bits> arg = parts[0].model();
      if (!arg) return std::nullopt;
      bits = number_bits(tag, width) + *arg;
    } else {
      Bits offsets;
      Bits contents;
      for (size_t i = 0; i < parts.size(); ++i) {
        const std::optional<Bits> part = parts[i].model();
        if (!part) return std::nullopt;
        contents += *part;
        if (i + 1 < parts.size()) offsets += number_bits(contents.size(), kOffsetBits);
      }
      bits = offsets + contents;
    }
    return bits.size() <= kMaxPackedBits ? std::optional<Bits>(bits) : std::nullopt;
  }

  /// Returns the word of the code under test; 0 if the value does not fit.
  Word pack() const {
    std::vector<Word> words;
    for (const Data& part : parts) {
      words.push_back(part.pack());
      if (words.back() == 0) return 0;
    }
    if (is_union) return pack_union(words[0], width, tag);
    return pack_struct(static_cast<uint32_t>(words.size()), [&](uint32_t i) { return words[i]; });
  }
};

Word word_of(const Bits& bits) {
  Word word = 1;
  for (size_t i = 0; i < bits.size(); ++i) word |= static_cast<Word>(bits[i] == '1') << (1 + i);
  return word | Word{1} << (1 + bits.size());
}

Data make_struct(std::vector<Data> fields) { return {false, 0, 0, std::move(fields)}; }
Data make_union(uint32_t tag, unsigned width, Data arg) { return {true, tag, width, {std::move(arg)}}; }

/// Compares the word of a value with the model, and takes it apart again.
void check(const Data& data) {
  const std::optional<Bits> bits = data.model();
  const Word word = data.pack();
  if (!bits) {
    ASSERT_EQ(word, 0u);
    return;
  }
  ASSERT_EQ(word, word_of(*bits)) << *bits;
  ASSERT_TRUE(is_packed(word));
  ASSERT_FALSE(is_pointer(word));
  ASSERT_FALSE(is_placeholder(word));
  ASSERT_EQ(placeholder_mask(word), 0u);
  ASSERT_EQ(packed_bits(word), bits->size());
  if (data.is_union) {
    ASSERT_EQ(packed_tag(word, data.width), data.tag);
    ASSERT_EQ(packed_arg(word, data.width), data.parts[0].pack());
    ASSERT_EQ(union_tag(word, data.width), data.tag);
    ASSERT_EQ(union_arg(word, data.width), data.parts[0].pack());
  } else {
    const uint32_t count = static_cast<uint32_t>(data.parts.size());
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(packed_field(word, i, count), data.parts[i].pack()) << *bits << " field " << i << " of " << count;
      ASSERT_EQ(struct_field(word, i, count), data.parts[i].pack());
    }
    if (count > 1) {
      // Of all structs whose fields have as many bits, it is the one with zeros.
      const auto zeros = [&](uint32_t i) { return std::bit_floor(data.parts[i].pack()) | 1; };
      ASSERT_EQ(packed_layout(word, count), pack_struct(count, zeros)) << *bits;
    }
  }
}

/// Returns all values that nest `depth` deep and whose structs and unions are small.
std::vector<Data> all_values(int depth) {
  if (depth == 0) return {make_struct({})};
  const std::vector<Data> smaller = all_values(depth - 1);
  std::vector<Data> values = smaller;
  for (const Data& part : smaller) {
    for (unsigned width = 0; width <= 2; ++width) {
      for (uint32_t tag = 0; tag < 1u << width; ++tag) values.push_back(make_union(tag, width, part));
    }
    values.push_back(make_struct({part}));
    for (const Data& second : smaller) {
      values.push_back(make_struct({part, second}));
      if (depth > 1) continue;
      for (const Data& third : smaller) values.push_back(make_struct({part, second, third}));
    }
  }
  return values;
}

TEST(Value, UnitIsTheEmptyContent) {
  EXPECT_EQ(word_of(""), kUnitWord);
  EXPECT_EQ(pack_struct(0, [](uint32_t) { return Word{0}; }), kUnitWord);
  EXPECT_EQ(packed_bits(kUnitWord), 0u);
}

TEST(Value, SmallShapesAgreeWithTheModel) {
  const std::vector<Data> values = all_values(3);
  EXPECT_GT(values.size(), 10'000u);
  for (const Data& value : values) {
    check(value);
    if (HasFatalFailure()) return;
  }
}

/// Returns a value whose content has exactly `bits` bits.
Data random_value(std::mt19937_64& random, unsigned bits) {
  if (bits == 0) return random() % 2 == 0 ? make_struct({}) : make_union(0, 0, make_struct({}));
  if (bits > kOffsetBits && random() % 2 == 0) {
    const unsigned most = std::min(bits / kOffsetBits, 10u);
    const unsigned extra = 1 + static_cast<unsigned>(random() % most);
    unsigned rest = bits - extra * kOffsetBits;
    std::vector<Data> fields;
    for (unsigned i = 0; i < extra; ++i) {
      const unsigned part = static_cast<unsigned>(random() % (rest + 1));
      fields.push_back(random_value(random, part));
      rest -= part;
    }
    fields.push_back(random_value(random, rest));
    return make_struct(std::move(fields));
  }
  const unsigned width = 1 + static_cast<unsigned>(random() % std::min(bits, 24u));
  const uint32_t tag = static_cast<uint32_t>(random()) & ((1u << width) - 1);
  return make_union(tag, width, random_value(random, bits - width));
}

TEST(Value, RandomShapesUpToTheLimitAgreeWithTheModel) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const unsigned bits = static_cast<unsigned>(random() % (kMaxPackedBits + 1));
    const Data value = random_value(random, bits);
    ASSERT_EQ(value.model()->size(), bits);
    check(value);
    if (HasFatalFailure()) return;
  }
}

TEST(Value, ContentsAroundTheLimitFitExactlyIfTheModelSaysSo) {
  std::mt19937_64 random(2);
  int fits = 0;
  int too_large = 0;
  for (int i = 0; i < 20'000; ++i) {
    // One more level around values that may be at the limit already.
    const unsigned bits = 40 + static_cast<unsigned>(random() % (kMaxPackedBits - 39));
    Data value = random_value(random, bits);
    if (random() % 2 == 0) {
      const unsigned width = static_cast<unsigned>(random() % 25);
      value = make_union(static_cast<uint32_t>(random()) & ((1u << width) - 1), width, std::move(value));
    } else {
      std::vector<Data> fields(1 + random() % 13, make_struct({}));
      fields[random() % fields.size()] = std::move(value);
      fields[random() % fields.size()] = random_value(random, static_cast<unsigned>(random() % 20));
      value = make_struct(std::move(fields));
    }
    ++(value.model() ? fits : too_large);
    check(value);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(fits, 2'000);
  EXPECT_GT(too_large, 2'000);
}

TEST(Value, FullWordsStillTakeWhatNeedsNoBits) {
  const Word full = word_of(Bits(kMaxPackedBits, '1'));
  EXPECT_EQ(full, ~Word{0});
  EXPECT_EQ(pack_union(full, 0, 0), full);
  EXPECT_EQ(pack_union(full, 1, 0), 0u);
  EXPECT_EQ(pack_struct(1, [&](uint32_t) { return full; }), full);
  EXPECT_EQ(pack_struct(2, [&](uint32_t) { return full; }), 0u);
  const Word almost = word_of(Bits(kMaxPackedBits - 1, '0'));
  EXPECT_EQ(pack_union(almost, 1, 1), word_of('1' + Bits(kMaxPackedBits - 1, '0')));
}

TEST(Value, StructsWithTooManyFieldsArePackedNever) {
  for (uint32_t count = 12; count < 100; ++count) {
    EXPECT_EQ(pack_struct(count, [](uint32_t) { return kUnitWord; }), 0u) << count;
  }
  EXPECT_NE(pack_struct(11, [](uint32_t) { return kUnitWord; }), 0u);
}

TEST(Value, TagWidthTellsTagsApart) {
  EXPECT_EQ(tag_width(1), 0u);
  for (uint32_t count = 2; count < 5'000; ++count) {
    const unsigned width = tag_width(count);
    EXPECT_GE(1u << width, count);
    EXPECT_LT(1u << (width - 1), count);
  }
  EXPECT_EQ(tag_width(Object::kMaxTag), 24u);
}

TEST(Value, EveryWordIsOfOneKind) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    const Word word = random() >> (random() % 60);
    EXPECT_EQ(is_packed(word) + is_pointer(word) + is_placeholder(word), 1);
    EXPECT_EQ(placeholder_mask(word), is_placeholder(word) ? 2u : 0u);
    const uint32_t id = static_cast<uint32_t>(word >> 2);
    const Word placeholder = make_placeholder(id);
    EXPECT_TRUE(is_placeholder(placeholder));
    EXPECT_FALSE(is_promise(placeholder));
    EXPECT_EQ(placeholder_id(placeholder), id);
    const uint32_t count = 1 + static_cast<uint32_t>(random() % kMostPromisedFields);
    const uint32_t index = static_cast<uint32_t>(random() % count);
    const Word promise = placeholder | promise_bits(index, count);
    EXPECT_TRUE(is_placeholder(promise));
    EXPECT_TRUE(is_promise(promise));
    EXPECT_EQ(placeholder_id(promise), id);
    EXPECT_EQ(promised_index(promise), index);
    EXPECT_EQ(promised_count(promise), count);
  }
}

TEST(Value, UnionsOfStructsAreReadInBothWays) {
  // One object: as a union its argument is the object itself, as a struct it has fields.
  Word memory[3] = {Object::make_header(ObjectKind::kStruct, 2, 5), kUnitWord, word_of("101")};
  const Word word = reinterpret_cast<Word>(memory);
  EXPECT_EQ(union_tag(word, 3), 5u);
  EXPECT_EQ(union_arg(word, 3), word);
  EXPECT_EQ(struct_field(union_arg(word, 3), 1, 2), word_of("101"));

  Word plain[2] = {Object::make_header(ObjectKind::kUnion, 1, Object::kMaxTag), word};
  EXPECT_EQ(union_tag(reinterpret_cast<Word>(plain), 24), Object::kMaxTag);
  EXPECT_EQ(union_arg(reinterpret_cast<Word>(plain), 24), word);
}

TEST(Value, HeadersKeepTheirParts) {
  for (const ObjectKind kind : {ObjectKind::kStruct, ObjectKind::kUnion, ObjectKind::kClosure, ObjectKind::kNative}) {
    for (const uint32_t count : {1u, 2u, 1000u, UINT32_MAX}) {
      for (const uint32_t tag : {0u, 1u, Object::kMaxTag}) {
        for (const Word flags : {Word{0}, Word{kPermanentFlag}}) {
          const Object object{Object::make_header(kind, count, tag, flags), {}};
          EXPECT_EQ(object.kind(), kind);
          EXPECT_EQ(object.count(), count);
          EXPECT_EQ(object.tag(), tag);
          EXPECT_EQ(object.is_permanent(), flags != 0);
          EXPECT_FALSE(object.is_forwarded());
          EXPECT_EQ(object.size_words(), object_words(count));
        }
      }
    }
  }
}

}  // namespace
}  // namespace fble
