#include "frontends/cli/testing/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// A program with two turns, each with threads 1 and 2 to choose from instead of the usual thread 0.
ExploredRun two_choices(const Schedule& schedule) {
  ExploredRun run;
  for (uint64_t turn : {1, 2}) {
    TurnChoice choice{.turn = turn, .chosen = 0, .others = {1, 2}};
    for (const Departure& departure : schedule) {
      if (departure.turn != turn) continue;
      choice.chosen = departure.thread;
      choice.others = {0, 3 - departure.thread};
    }
    run.choices.push_back(choice);
  }
  return run;
}

TEST(Explore, RunsEachOrderOnce) {
  std::set<std::string> seen;
  const auto run = [&](const Schedule& schedule) {
    EXPECT_TRUE(seen.insert(schedule_text(schedule)).second);
    return two_choices(schedule);
  };
  const Exploration one = explore(run, 1, 100);
  EXPECT_FALSE(one.is_bad);
  EXPECT_TRUE(one.is_whole);
  EXPECT_EQ(seen, (std::set<std::string>{"", "1:1", "1:2", "2:1", "2:2"}));
  seen.clear();
  EXPECT_EQ(explore(run, 2, 100).runs, 9u);
  seen.clear();
  const Exploration part = explore(run, 2, 4);
  EXPECT_EQ(part.runs, 4u);
  EXPECT_FALSE(part.is_whole);
}

TEST(Explore, EndsWithTheFirstThatDiffersOrFails) {
  const auto run = [&](const Schedule& schedule) {
    ExploredRun explored = two_choices(schedule);
    if (schedule == Schedule{{2, 1}}) explored.output = "other";
    return explored;
  };
  const Exploration found = explore(run, 2, 100);
  EXPECT_TRUE(found.is_bad);
  EXPECT_EQ(found.schedule, (Schedule{{2, 1}}));
  EXPECT_EQ(found.runs, 4u);
  EXPECT_TRUE(explore([](const Schedule&) { return ExploredRun{.failed = true}; }, 2, 100).is_bad);
}

class ExploreTest : public CommandTest {
 protected:
  /// Runs the command on a program of tests/std/Threads.
  CommandResult explore_program(const std::string& name, std::vector<std::string> words = {}) {
    words.insert(words.begin(), "explore");
    words.insert(words.end(),
                 {"-I", FBLE_SOURCE_DIR "/tests/std", FBLE_SOURCE_DIR "/tests/std/Threads/" + name + ".fble"});
    return run(words);
  }
};

TEST_F(ExploreTest, FindsTheRaceOfAProgramAndHowToRepeatIt) {
  const CommandResult result = explore_program("Race", {"--bound=1"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr("Another order makes a difference: exit status 0, in the usual order exit status 0"));
  EXPECT_THAT(result.out, HasSubstr("usual: 2\n"));
  EXPECT_THAT(result.out, HasSubstr("here:  1\n"));
  const std::string option = "--threads-schedule=";
  const size_t at = result.out.find(option);
  ASSERT_NE(at, std::string::npos);
  const std::string schedule = result.out.substr(at, result.out.find(' ', at) - at);
  EXPECT_EQ(run({schedule, "-I", FBLE_SOURCE_DIR "/tests/std", FBLE_SOURCE_DIR "/tests/std/Threads/Race.fble"}).out,
            "1\n");
}

TEST_F(ExploreTest, FindsNothingWhereThereIsNothing) {
  for (const char* name : {"Sleeping", "Locked"}) {
    const CommandResult result = explore_program(name, {"--bound=1"});
    EXPECT_EQ(result.status, 0) << result.out << result.err;
    EXPECT_THAT(result.out, HasSubstr("the program does the same in all\n")) << name;
  }
  // All orders with two departures.
  const CommandResult result = explore_program("Locked", {"--bound=2"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

TEST_F(ExploreTest, ShowsAProgramThatAlwaysFails) {
  const CommandResult result = explore_program("Deadlock");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("The usual order goes wrong: exit status 115"));
  EXPECT_THAT(result.out, HasSubstr("--threads-schedule='' (1 runs)"));
}

}  // namespace
}  // namespace fble
