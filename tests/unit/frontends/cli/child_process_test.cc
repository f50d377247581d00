// Children of `suite`: frontends/cli/testing/child_process.h.
#include "frontends/cli/testing/child_process.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fble {
namespace {

using namespace std::chrono_literals;

ChildOutcome run_shell(const std::string& script, std::chrono::milliseconds timeout = 60s) {
  return run_child(std::vector<std::string>{"/bin/sh", "-c", script}, timeout);
}

TEST(ChildProcess, StatusAndBothStreams) {
  const ChildOutcome outcome = run_shell("echo out; echo err >&2; exit 7");
  EXPECT_TRUE(outcome.started);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 7);
  EXPECT_EQ(outcome.output, "out\nerr\n");
}

TEST(ChildProcess, HasNoInput) { EXPECT_EQ(run_shell("cat; echo end").output, "end\n"); }

TEST(ChildProcess, Signals) { EXPECT_EQ(run_shell("kill -9 $$").status, -9); }

TEST(ChildProcess, Timeout) {
  const ChildOutcome outcome = run_shell("echo begin; exec sleep 60", 200ms);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.output, "begin\n");
}

TEST(ChildProcess, MuchOutputIsCut) {
  const ChildOutcome outcome = run_shell("head -c 20000000 /dev/zero");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_LT(outcome.output.size(), 6000000u);
}

TEST(ChildProcess, CommandThatDoesNotExist) {
  const ChildOutcome outcome = run_child(std::vector<std::string>{"/no/such/command"}, 1s);
  EXPECT_FALSE(outcome.started);
  EXPECT_NE(outcome.output, "");
}

TEST(ChildProcess, ManyAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 20; ++j) EXPECT_EQ(run_shell("exit " + std::to_string(i)).status, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fble
