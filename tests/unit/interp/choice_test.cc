// Choices: what ends their waits, and that nothing else does after that.
#include "interp/choice.h"

#include <gtest/gtest.h>

namespace fble {
namespace {

TEST(Choice, IsInAllListsOrInNone) {
  VirtualThread thread;
  VirtualThread other;
  WaiterList a;
  WaiterList b;
  a.push(other);
  Choice choice(thread, 3);
  choice.add(a, 0, Wait::kReceive, nullptr);
  choice.add(b, 2, Wait::kSend, nullptr);
  choice.add(a, 3, Wait::kReceive, nullptr);
  EXPECT_EQ(a.size(), 1u);
  choice.enter();
  EXPECT_EQ(a.size(), 3u);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(a.first(), &other);
  EXPECT_FALSE(a.first()->is_case);
  ASSERT_TRUE(b.first()->is_case);
  EXPECT_EQ(static_cast<ChoiceCase*>(b.first())->choice, &choice);
  EXPECT_EQ(static_cast<ChoiceCase*>(b.first())->index, 2u);
  choice.withdraw();
  EXPECT_EQ(a.size(), 1u);
  EXPECT_TRUE(b.empty());
  a.remove(other);
}

}  // namespace
}  // namespace fble
