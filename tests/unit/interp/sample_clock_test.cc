// The clock counts processor time: work has samples, a wait has none and is left alone.
#include "interp/sample_clock.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <ucontext.h>

#include <atomic>
#include <cerrno>

#include "gc/clock.h"

namespace fble {
namespace {

uint64_t processor_ns() { return ns_of(CLOCK_THREAD_CPUTIME_ID); }

class SampleClockTest : public testing::Test {
 protected:
  void SetUp() override {
    test_ = this;
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGPROF, &action, &before_);
    ASSERT_EQ(clock_.start(), "");
    started_ns_ = processor_ns();
  }
  void TearDown() override {
    clock_.stop();
    sigaction(SIGPROF, &before_, nullptr);
    test_ = nullptr;
  }
  static void on_signal(int, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const auto* const words = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
    const SampleClock::Due due = test_->clock_.begin(*info, reinterpret_cast<const void*>(words[REG_RIP]));
    ++test_->signals_;
    if (due.is_due) {
      ++test_->samples_;
      test_->ns_ += due.ns;
    }
    test_->clock_.end(due.is_due);
    errno = saved_errno;
  }
  /// Runs until the clock has given some samples.
  void work(uint64_t samples) {
    while (samples_ < samples) {}
  }
  /// Waits, and again whenever a signal ends the wait, until nothing has for that time.
  static void wait_ms(int milliseconds) {
    while (poll(nullptr, 0, milliseconds) < 0) {}
  }

  static constexpr uint64_t kPeriodNs = 1'000'000;
  static inline SampleClockTest* test_ = nullptr;
  SampleClock clock_{kPeriodNs, 1};
  struct sigaction before_{};
  std::atomic<uint64_t> samples_ = 0;
  std::atomic<uint64_t> signals_ = 0;
  std::atomic<uint64_t> ns_ = 0;
  uint64_t started_ns_ = 0;
};

TEST_F(SampleClockTest, SamplesHaveTheProcessorTimeBetweenThem) {
  work(200);
  clock_.stop();
  const uint64_t passed_ns = processor_ns() - started_ns_;
  EXPECT_LE(ns_, passed_ns);
  // The handler's own time is in none, nor is what came after the last sample.
  EXPECT_GE(ns_, passed_ns / 2);
}

TEST_F(SampleClockTest, AWaitIsLeftAlone) {
  work(10);
  const uint64_t samples = samples_;
  const uint64_t signals = signals_;
  while (!clock_.is_asleep()) wait_ms(20);
  const uint64_t until_asleep = signals_;
  wait_ms(50);
  wait_ms(50);
  EXPECT_LE(samples_, samples + (until_asleep - signals));
  // The thread has run for a part of a period at most, but for what the system takes for it.
  EXPECT_LE(signals_, until_asleep + 1);
  // Work wakes it.
  work(samples_ + 20);
  EXPECT_FALSE(clock_.is_asleep());
}

TEST_F(SampleClockTest, TheTimeBeforeAWaitCountsForTheNextSample) {
  for (int i = 0; i < 200; ++i) {
    const uint64_t begin = processor_ns();
    while (processor_ns() - begin < kPeriodNs / 4) {}
    wait_ms(1);
  }
  work(samples_ + 1);
  clock_.stop();
  const uint64_t passed_ns = processor_ns() - started_ns_;
  EXPECT_LE(ns_, passed_ns);
  EXPECT_GE(ns_, passed_ns / 2);
}

}  // namespace
}  // namespace fble
