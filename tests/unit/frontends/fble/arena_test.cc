// The arena: what it owns is aligned, apart, and destroyed in reverse order.
#include "frontends/fble/arena.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fble {
namespace {

struct Noted {
  std::string* notes;
  char name;
  ~Noted() { notes->push_back(name); }
};

TEST(Arena, DestroysInReverseOrder) {
  std::string notes;
  {
    Arena arena;
    for (const char name : {'a', 'b', 'c'}) arena.make<Noted>(&notes, name);
    EXPECT_EQ(notes, "");
  }
  EXPECT_EQ(notes, "cba");
}

TEST(Arena, ObjectsAreAlignedAndDoNotOverlap) {
  Arena arena;
  std::vector<uint64_t*> words;
  std::vector<char*> bytes;
  for (uint32_t i = 0; i < 20000; ++i) {
    bytes.push_back(arena.make<char>(static_cast<char>(i)));
    words.push_back(arena.make<uint64_t>(i));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(words.back()) % alignof(uint64_t), 0u);
  }
  for (uint32_t i = 0; i < 20000; ++i) {
    ASSERT_EQ(*words[i], i);
    ASSERT_EQ(*bytes[i], static_cast<char>(i));
  }
}

TEST(Arena, AnObjectMayBeLargerThanABlock) {
  struct Large {
    std::array<char, 1 << 20> bytes;
  };
  Arena arena;
  auto* before = arena.make<uint64_t>(uint64_t{7});
  auto* large = arena.make<Large>();
  large->bytes.fill(1);
  auto* after = arena.make<uint64_t>(uint64_t{8});
  EXPECT_EQ(*before, 7u);
  EXPECT_EQ(*after, 8u);
}

}  // namespace
}  // namespace fble
