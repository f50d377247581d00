#include "interp/tag_path.h"

#include <gtest/gtest.h>

namespace fble {
namespace {

TEST(TagPath, EqualPathsAreTheSame) {
  const TagPath a({{1, 2}, {0, 3}});
  const TagPath b({{1, 2}, {0, 3}});
  EXPECT_EQ(a, b);
  EXPECT_EQ(&a[0], &b[0]);
  EXPECT_FALSE(a == TagPath({{1, 2}}));
  EXPECT_FALSE(a == TagPath({{1, 2}, {0, 4}}));
}

TEST(TagPath, HasItsSteps) {
  const TagPath path({{1, 2}, {0, 3}});
  ASSERT_EQ(path.size(), 2u);
  EXPECT_EQ(path[1], (TagStep{0, 3}));
  EXPECT_EQ(std::vector<TagStep>(path.begin(), path.end()), (std::vector<TagStep>{{1, 2}, {0, 3}}));
  EXPECT_TRUE(TagPath(std::vector<TagStep>{}).empty());
}

}  // namespace
}  // namespace fble
