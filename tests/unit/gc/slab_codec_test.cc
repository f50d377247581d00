// Codes of random objects, decoded to the same place and to another.
#include "gc/slab_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fble {
namespace {

constexpr size_t kWords = 4096;

struct Objects {
  std::vector<Word> words = std::vector<Word>(kWords);
  size_t used = 0;

  Word address() const { return reinterpret_cast<Word>(&words[used]); }
  bool add(Word header, const std::vector<Word>& fields) {
    if (used + 1 + fields.size() > kWords) return false;
    words[used++] = header;
    for (const Word field : fields) words[used++] = field;
    return true;
  }
  const Word* end() const { return words.data() + used; }
};

Word header(uint32_t fields, uint32_t tag = 0, ObjectKind kind = ObjectKind::kStruct) {
  return Object::make_header(kind, fields, tag);
}

/// Returns the bytes of the code; 0 if there is none. Compares what is decoded.
size_t check(const Objects& objects, size_t limit) {
  // The byte behind the limit shows whether it is respected.
  std::vector<uint8_t> code(limit + 1, 0xa5);
  const size_t bytes = encode_objects(objects.words.data(), objects.end(), code.data(), limit);
  EXPECT_EQ(code[limit], 0xa5);
  EXPECT_LE(bytes, limit);
  if (bytes == 0) return 0;
  code.resize(bytes);  // so that sanitizers notice reads behind it
  code.shrink_to_fit();
  std::vector<Word> decoded(objects.used + 1, kPoison);
  const Word* end = decode_objects(code.data(), bytes, objects.words.data(), decoded.data());
  EXPECT_EQ(end, decoded.data() + objects.used);
  EXPECT_EQ(decoded.back(), kPoison);
  EXPECT_TRUE(std::equal(objects.words.data(), objects.end(), decoded.data()));
  return bytes;
}

TEST(SlabCodec, CellsOfAListTakeTheirHeads) {
  std::mt19937_64 random(1);
  for (const int direction : {-1, 1}) {
    Objects list;
    // The step is the same for all cells, to either side.
    while (list.add(header(2, 1), {random() % 500 * 2 + 1, list.address() + static_cast<Word>(direction * 24)})) {}
    const size_t cells = list.used / 3;
    const size_t bytes = check(list, kWords * sizeof(Word));
    EXPECT_GT(bytes, 2 * cells);
    EXPECT_LT(bytes, 2 * cells + 64);
  }
}

TEST(SlabCodec, LongRunsAreSplit) {
  constexpr size_t kCells = 200'000;
  std::vector<Word> words;
  words.reserve(3 * kCells);
  for (size_t i = 0; i < kCells; ++i) {
    const Word at = reinterpret_cast<Word>(words.data() + words.size());
    words.insert(words.end(), {header(2), i % 1000 * 2 + 1, at + 24});
  }
  std::vector<uint8_t> code(words.size() * sizeof(Word));
  const size_t bytes = encode_objects(words.data(), words.data() + words.size(), code.data(), code.size());
  ASSERT_NE(bytes, 0u);
  std::vector<Word> decoded(words.size());
  EXPECT_EQ(decode_objects(code.data(), bytes, words.data(), decoded.data()), decoded.data() + decoded.size());
  EXPECT_EQ(words, decoded);
}

/// A word of one of the kinds that the codec distinguishes, at the edges of each.
Word random_field(std::mt19937_64& random, Word address, Word step) {
  switch (random() % 9) {
    case 0: return random() % 256;
    case 1: return 255 + random() % 3;
    case 2: return 65535 + random() % 3;
    case 3: return (Word{1} << 32) - 1 + random() % 3;
    case 4: return address + 8 * (random() % 100) - 400;
    case 5: return address + (Word{1} << 31) - 1 + random() % 3;
    case 6: return address - (Word{1} << 31) - 1 + random() % 3;
    case 7: return address + step;
    default: return random();
  }
}

TEST(SlabCodec, RandomObjectsSurvive) {
  size_t encoded = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    std::mt19937_64 random(seed);
    Objects objects;
    // Some shapes of objects; most fields of a shape are of one kind.
    const size_t shapes = 1 + random() % 6;
    std::vector<uint32_t> counts;
    for (size_t i = 0; i < shapes; ++i)
      counts.push_back(static_cast<uint32_t>(1 + random() % (seed % 50 == 0 ? 12 : 8)));
    const Word step = 8 * (random() % 64);
    const Word same = random();
    const unsigned wild = seed % 4 == 0 ? 20 : 1;
    for (bool fits = true; fits;) {
      const size_t shape = random() % shapes;
      for (uint64_t run = 1 + random() % 80; run > 0 && fits; --run) {
        std::vector<Word> fields;
        for (uint32_t i = 0; i < counts[shape]; ++i) {
          const bool is_wild = random() % 100 < wild;
          fields.push_back(is_wild                ? random_field(random, objects.address(), step)
                           : (shape + i) % 4 == 0 ? objects.address() + step + 8 * i
                           : (shape + i) % 4 == 1 ? same + i
                                                  : random() % 1000);
        }
        fits = objects.add(header(counts[shape], static_cast<uint32_t>(shape)), fields);
      }
    }
    const size_t bytes = check(objects, kWords * sizeof(Word));
    if (bytes == 0) continue;
    ++encoded;
    for (size_t limit = bytes; limit > 0; limit = limit * 2 / 3) check(objects, limit);
  }
  EXPECT_GT(encoded, 100u);
}

TEST(SlabCodec, UnlikeObjectsHaveNoCode) {
  std::mt19937_64 random(3);
  Objects objects;
  while (objects.add(header(2), {random(), random()})) {}
  EXPECT_EQ(check(objects, kWords * sizeof(Word) / 2), 0u);
  // A large object is written as it is.
  Objects large;
  large.add(header(40), std::vector<Word>(40, kUnitWord));
  EXPECT_EQ(check(large, kWords), 1 + 41 * sizeof(Word));
  EXPECT_EQ(check(large, 41 * sizeof(Word)), 0u);
}

}  // namespace
}  // namespace fble
