// Work on a thread of its own, and system calls that wait: frontends/std/native/{long_work,waiting}.h.
#include "frontends/std/native/long_work.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "frontends/std/native/waiting.h"
#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

using std::chrono::milliseconds;

class LongWorkTest : public testing::Test {
 protected:
  LongWorkTest() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
  }
  /// Nothing is interrupted any more when a run begins.
  ~LongWorkTest() override {
    machine_.carrier().attention = 0;
    Carrier& carrier = machine_.carrier();
    static_cast<void>(carrier.run(io_functions().run_function, std::vector<Word>{kUnitWord}));
    EXPECT_FALSE(interrupt_requested());
  }

  /// Asks to stop after a while, and interrupts the system call that this thread makes.
  std::thread interrupt_later() {
    return std::thread([this, waiting = pthread_self()] {
      std::this_thread::sleep_for(milliseconds(30));
      machine_.carrier().request(Attention::kInterrupt);
      pthread_kill(waiting, SIGUSR1);
    });
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_};
};

TEST_F(LongWorkTest, IsFinished) {
  const auto result = std::make_shared<int>(0);
  const std::thread::id here = std::this_thread::get_id();
  const auto elsewhere = std::make_shared<bool>(false);
  EXPECT_TRUE(finish_long_work([=] {
    std::this_thread::sleep_for(milliseconds(20));
    *elsewhere = std::this_thread::get_id() != here;
    *result = 42;
  }));
  EXPECT_EQ(*result, 42);
  EXPECT_TRUE(*elsewhere);
}

TEST_F(LongWorkTest, SignalsDoNotEndIt) {
  const auto done = std::make_shared<bool>(false);
  std::thread signals([waiting = pthread_self()] {
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(milliseconds(5));
      pthread_kill(waiting, SIGUSR1);
    }
  });
  EXPECT_TRUE(finish_long_work([=] {
    std::this_thread::sleep_for(milliseconds(60));
    *done = true;
  }));
  EXPECT_TRUE(*done);
  signals.join();
}

TEST_F(LongWorkTest, AnInterruptLeavesItAlone) {
  const auto may_end = std::make_shared<std::atomic<bool>>(false);
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  std::thread interrupt = interrupt_later();
  EXPECT_FALSE(finish_long_work([=] {
    while (!*may_end) std::this_thread::sleep_for(milliseconds(1));
    *ended = true;
  }));
  EXPECT_FALSE(*ended);
  *may_end = true;
  while (!*ended) std::this_thread::sleep_for(milliseconds(1));
  interrupt.join();
  EXPECT_FALSE(finish_long_work([] { ADD_FAILURE() << "begun after an interrupt"; }));
}

TEST_F(LongWorkTest, WaitsAreRepeatedUntilAnInterrupt) {
  int calls = 0;
  const auto interrupted_twice = [&] {
    errno = EINTR;
    return ++calls < 3 ? -1 : 5;
  };
  EXPECT_EQ(wait_in(interrupted_twice), 5);
  EXPECT_EQ(calls, 3);
  errno = 0;
  EXPECT_EQ(wait_in([] { return errno = EPIPE, -1; }), -1);
  EXPECT_EQ(errno, EPIPE);

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread interrupt = interrupt_later();
  char byte;
  EXPECT_EQ(wait_in([&] { return read(ends[0], &byte, 1); }), -1);
  EXPECT_EQ(errno, EINTR);
  interrupt.join();
  EXPECT_EQ(wait_in([] { return ADD_FAILURE() << "called after an interrupt", 0; }), -1);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace fble
