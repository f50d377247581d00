#include "jit/engine/chaos.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fble {
namespace {

/// Returns the decisions of a run with the seed and fuel at each of many opportunities.
std::vector<bool> decisions(uint64_t seed, uint64_t fuel) {
  Chaos chaos(seed, fuel);
  std::vector<bool> all;
  for (int i = 0; i < 2000; ++i) {
    const bool happens = chaos.decide(i % 2 == 0 ? ChaosKind::kCollect : ChaosKind::kSpill);
    // The disturbance itself draws further numbers.
    if (happens) chaos.below(100);
    all.push_back(happens);
  }
  return all;
}

TEST(Chaos, OneSeedIsOneRun) {
  EXPECT_EQ(decisions(7, UINT64_MAX), decisions(7, UINT64_MAX));
  EXPECT_NE(decisions(7, UINT64_MAX), decisions(8, UINT64_MAX));
}

TEST(Chaos, LessFuelIsTheBeginningOfMore) {
  const std::vector<bool> whole = decisions(7, UINT64_MAX);
  const auto happened = static_cast<uint64_t>(std::count(whole.begin(), whole.end(), true));
  ASSERT_GT(happened, 100u);
  for (const uint64_t fuel : {uint64_t{0}, uint64_t{1}, uint64_t{50}, happened - 1}) {
    std::vector<bool> expected(whole.size());
    uint64_t left = fuel;
    for (size_t i = 0; i < whole.size(); ++i) {
      expected[i] = whole[i] && left > 0;
      if (expected[i]) --left;
    }
    EXPECT_EQ(decisions(7, fuel), expected);
  }
}

TEST(Chaos, Counts) {
  Chaos chaos(1, 3);
  EXPECT_TRUE(chaos.spend(ChaosKind::kExit));
  EXPECT_TRUE(chaos.spend(ChaosKind::kExit));
  EXPECT_TRUE(chaos.has_fuel());
  EXPECT_TRUE(chaos.spend(ChaosKind::kFlush));
  EXPECT_FALSE(chaos.has_fuel());
  EXPECT_FALSE(chaos.spend(ChaosKind::kExit));
  EXPECT_EQ(chaos.count(), 3u);
  EXPECT_EQ(chaos.count(ChaosKind::kExit), 2u);
  EXPECT_STREQ(chaos_kind_text(ChaosKind::kCollectAll), "collect-all");
}

TEST(Chaos, NumbersAreBelowTheirBound) {
  Chaos chaos(3, 0);
  bool seen[10] = {};
  for (int i = 0; i < 1000; ++i) seen[chaos.below(10)] = true;
  for (const bool one : seen) EXPECT_TRUE(one);
}

}  // namespace
}  // namespace fble
