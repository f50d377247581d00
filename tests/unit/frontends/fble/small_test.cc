// Small containers: frontends/fble/small.h.
#include "frontends/fble/small.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <unordered_set>

namespace fble {
namespace {

TEST(SmallVectorTest, GrowsOutOfItsArray) {
  SmallVector<int, 3> list{7, 8};
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(list.size(), static_cast<size_t>(i) + 2);
    list.push_back(i);
    ASSERT_EQ(list.back(), i);
  }
  EXPECT_EQ(list[0], 7);
  EXPECT_EQ(list[1], 8);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(list[i + 2], static_cast<int>(i));
  list.push_back(list[0]);  // an item of its own, when it may have to grow
  EXPECT_EQ(list.back(), 7);
  const std::span<const int> span = list;
  EXPECT_EQ(span.size(), 103u);
  list.resize(1);
  list.resize(3);
  EXPECT_EQ(list[0], 7);
  EXPECT_EQ(list[2], 0);
}

TEST(PointerMapTest, IsAMap) {
  std::mt19937_64 random(1);
  for (const uint64_t keys : {1, 5, 100, 10000}) {
    PointerMap<int> map;
    std::unordered_map<uintptr_t, int> twin;
    EXPECT_EQ(map.find(16), nullptr);
    for (int i = 0; i < 3000; ++i) {
      const uintptr_t key = (random() % keys + 1) * 16;  // like pointers
      const int* found = map.find(key);
      const auto expected = twin.find(key);
      ASSERT_EQ(found != nullptr, expected != twin.end());
      if (found != nullptr) ASSERT_EQ(*found, expected->second);
      map[key] = i;
      twin[key] = i;
      ASSERT_EQ(map.size(), twin.size());
    }
  }
}

TEST(PointerSetTest, IsASet) {
  std::mt19937_64 random(2);
  PointerSet set;
  std::unordered_set<uintptr_t> twin;
  for (int i = 0; i < 200; ++i) {
    const uintptr_t key = random() % 100 + 1;
    ASSERT_EQ(set.insert(key), twin.insert(key).second) << i;
  }
}

}  // namespace
}  // namespace fble
