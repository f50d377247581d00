#include "fuzz/hang.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace fble {
namespace {

/// A child process that computes or waits, until the test ends.
class Child {
 public:
  explicit Child(bool computes) : id(fork()) {
    if (id != 0) return;
    alarm(600);
    volatile unsigned turns = 0;  // without it the loop would be nothing, and may be left out
    while (true) {
      turns = turns + 1;
      if (!computes) pause();
    }
  }
  ~Child() {
    kill(id, SIGKILL);
    waitpid(id, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const pid_t id;
};

void wait_until_it_has_run(const Child& child) {
  while (processor_seconds(child.id) < 0.05) usleep(1000);
}

TEST(Hang, AChildThatComputesHasALimitOfProcessorTime) {
  const Child child(true);
  wait_until_it_has_run(child);
  EXPECT_TRUE(hangs(child.id, 0, seconds_of(CLOCK_MONOTONIC), 0.04));
  // A thousand seconds have passed, of which it had few.
  EXPECT_FALSE(hangs(child.id, 0, seconds_of(CLOCK_MONOTONIC) - 1000, 300));
}

TEST(Hang, AChildThatWaitsHasALimitOfTime) {
  const Child child(false);
  usleep(200'000);
  EXPECT_FALSE(hangs(child.id, 0, seconds_of(CLOCK_MONOTONIC), 300));
  while (!hangs(child.id, 0, seconds_of(CLOCK_MONOTONIC) - 1000, 300)) usleep(1000);
}

}  // namespace
}  // namespace fble
