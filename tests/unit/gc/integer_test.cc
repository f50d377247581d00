// Machine integers in words: gc/integer.h.
#include "gc/integer.h"

#include <gtest/gtest.h>

#include <random>

namespace fble {
namespace {

/// Returns integers at all distances from zero and from the limits.
std::vector<int64_t> samples() {
  std::vector<int64_t> values{0, kMaxPackedInt, kMinPackedInt, kMaxPackedInt - 1, kMinPackedInt + 1};
  std::mt19937_64 random(1);
  for (int bits = 1; bits <= 62; ++bits) {
    const int64_t power = int64_t{1} << (bits - 1);
    for (const int64_t value : {power - 1, power, power + 1, static_cast<int64_t>(random() >> (64 - bits))}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  return values;
}

TEST(Integer, ComesBack) {
  for (const int64_t value : samples()) {
    ASSERT_TRUE(int_fits(value)) << value;
    const Word word = pack_int(value);
    EXPECT_TRUE(is_packed(word)) << value;
    EXPECT_EQ(unpack_int(word), value);
  }
}

TEST(Integer, LimitsAreWhereWordsEnd) {
  EXPECT_FALSE(int_fits(kMaxPackedInt + 1));
  EXPECT_FALSE(int_fits(kMinPackedInt - 1));
  EXPECT_FALSE(int_fits(INT64_MAX));
  EXPECT_FALSE(int_fits(INT64_MIN));
  EXPECT_EQ(pack_int(kMaxPackedInt), ~Word{0});
  EXPECT_EQ(pack_int(kMinPackedInt), ~Word{0} - 2);
}

TEST(Integer, EveryPackedWordIsOne) {
  EXPECT_EQ(pack_int(0), kUnitWord);
  for (Word word = 3; word < 4096; word += 2) EXPECT_EQ(pack_int(unpack_int(word)), word);
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    const Word word = (random() >> random() % 60) | 3;
    EXPECT_EQ(pack_int(unpack_int(word)), word);
  }
}

TEST(Integer, IsMagnitudeAndSign) {
  for (const int64_t value : samples()) {
    const Word word = pack_int(value);
    const Word magnitude = static_cast<Word>(value < 0 ? -value : value);
    EXPECT_EQ(packed_magnitude(word), magnitude);
    EXPECT_EQ(packed_is_negative(word), value < 0);
    EXPECT_EQ(is_natural(word), value >= 0);
    EXPECT_EQ(pack_magnitude(magnitude, value < 0), word);
  }
}

TEST(Integer, NaturalsAreToldApartFromEverythingElse) {
  EXPECT_FALSE(is_natural(make_placeholder(5)));
  EXPECT_FALSE(is_natural(0x1000));
  for (const Word other : {make_placeholder(5), Word{0x1000}, pack_int(-1)}) {
    EXPECT_FALSE(is_natural(pack_int(77) & other));
  }
  EXPECT_TRUE(is_natural(pack_int(77) & pack_int(0)));
}

TEST(Integer, SmallOnesAreShort) {
  EXPECT_EQ(packed_bits(pack_int(0)), 0u);
  EXPECT_EQ(packed_bits(pack_int(-1)), 1u);
  EXPECT_EQ(packed_bits(pack_int(1)), 1u);
  EXPECT_LE(packed_bits(pack_int('z')), 8u);
  EXPECT_LE(packed_bits(pack_int(0x10ffff)), 22u);
  EXPECT_EQ(packed_bits(pack_int(kMaxPackedInt)), kMaxPackedBits);
}

TEST(Integer, PacksIntoData) {
  for (const int64_t value : samples()) {
    const Word word = pack_int(value);
    const Word pair = pack_struct(2, [&](uint32_t field) { return field == 0 ? word : pack_int(-3); });
    EXPECT_EQ(pair != 0, packed_bits(word) + kOffsetBits + packed_bits(pack_int(-3)) <= kMaxPackedBits) << value;
    if (pair == 0) continue;
    EXPECT_EQ(unpack_int(packed_field(pair, 0, 2)), value);
    EXPECT_EQ(unpack_int(packed_field(pair, 1, 2)), -3);
    const Word just = pack_union(word, 1, 0);
    EXPECT_EQ(unpack_int(packed_arg(just, 1)), value);
  }
}

}  // namespace
}  // namespace fble
