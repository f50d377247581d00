#include "interp/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fble {
namespace {

using testing::ElementsAre;

TEST(Schedule, IsPrintedAndParsed) {
  const Schedule schedule{{3, 1}, {7, 0}, {1000000000000, 4294967295}};
  EXPECT_EQ(schedule_text(schedule), "3:1,7:0,1000000000000:4294967295");
  EXPECT_EQ(parse_schedule(schedule_text(schedule)), schedule);
  EXPECT_EQ(parse_schedule(" 3:1,\n7:0 1000000000000:4294967295\n"), schedule);
  EXPECT_EQ(parse_schedule(""), Schedule{});
}

TEST(Schedule, RefusesWhatIsNone) {
  for (const char* text : {"3", "3:", ":1", "3:1x", "3:-1", "x", "3:1,3:2", "4:1,3:1", "0:1", "3:4294967296"}) {
    EXPECT_EQ(parse_schedule(text), std::nullopt) << text;
  }
}

/// Four threads, all ready but the first.
class FourThreads {
 public:
  FourThreads() {
    for (uint32_t i = 0; i < 4; ++i) threads_[i].id = i;
    for (uint32_t i = 1; i < 4; ++i) ready_.push(threads_[i]);
  }

  /// Returns the threads that get the first turns, while all four may have them.
  std::vector<uint32_t> first_turns(Turns& turns, size_t count) {
    std::vector<uint32_t> order;
    VirtualThread* current = &threads_[0];
    while (order.size() < count) {
      VirtualThread* next = turns.choose(current, ready_);
      if (next == nullptr) break;
      order.push_back(next->id);
      if (next == current) continue;
      ready_.push(*current);
      ready_.remove(*next);
      current = next;
    }
    return order;
  }

  VirtualThread threads_[4];
  ThreadList ready_;
};

class TurnsTest : public testing::Test, public FourThreads {};

TEST_F(TurnsTest, AreKeptInTheUsualOrder) {
  ThreadOptions options;
  options.schedule.emplace();
  Turns turns(options);
  EXPECT_THAT(first_turns(turns, 3), ElementsAre(0, 0, 0));
  EXPECT_EQ(turns.choose(nullptr, ready_)->id, 1u);
  EXPECT_TRUE(turns.departures().empty());
}

TEST_F(TurnsTest, DepartByASchedule) {
  ThreadOptions options{.schedule = Schedule{{2, 3}, {4, 0}}, .records = true};
  Turns turns(options);
  EXPECT_THAT(first_turns(turns, 6), ElementsAre(0, 3, 3, 0, 0, 0));
  EXPECT_EQ(turns.departures(), options.schedule);
}

TEST_F(TurnsTest, EndAScheduleThatDoesNotFit) {
  ThreadOptions options{.schedule = Schedule{{2, 9}, {3, 1}}};
  Turns turns(options);
  EXPECT_THAT(first_turns(turns, 6), ElementsAre(0));
  EXPECT_EQ(turns.choose(&threads_[0], ready_), nullptr);
  EXPECT_EQ(turns.take_misfit(), "the schedule does not fit the program: thread 9 cannot have turn 2");
  EXPECT_THAT(first_turns(turns, 3), ElementsAre(0, 0, 0));
}

TEST_F(TurnsTest, AreRandomByASeedAndCanBeReplayed) {
  ThreadOptions options{.seed = 7, .records = true};
  Turns turns(options);
  const std::vector<uint32_t> order = first_turns(turns, 200);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_GT(std::ranges::count(order, i), 20) << i;
  EXPECT_LT(turns.departures().size(), 200u);
  ThreadOptions replay{.schedule = turns.departures()};
  FourThreads other;
  Turns again(replay);
  EXPECT_EQ(other.first_turns(again, 200), order);
  ThreadOptions next{.seed = 8};
  FourThreads third;
  Turns different(next);
  EXPECT_NE(third.first_turns(different, 200), order);
}

TEST_F(TurnsTest, ShowEachChoice) {
  ThreadOptions options{.schedule = Schedule{{2, 3}}};
  Turns turns(options);
  std::vector<TurnChoice> choices;
  turns.observe([&](TurnChoice&& choice) { choices.push_back(std::move(choice)); });
  first_turns(turns, 2);
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].chosen, 0u);
  EXPECT_THAT(choices[0].others, ElementsAre(1, 2, 3));
  EXPECT_EQ(choices[1].turn, 2u);
  EXPECT_EQ(choices[1].chosen, 3u);
  EXPECT_THAT(choices[1].others, ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace fble
