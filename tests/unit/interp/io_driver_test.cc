// The io driver: operations by ring and by helper threads, readiness, and what outlives its thread.
#include "interp/io_driver.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "gc/clock.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "tests/support/refused.h"

namespace fble {
namespace {

/// A gate that operations wait at.
struct Gate {
  std::mutex lock;
  std::condition_variable opened;
  bool is_open = false;
  void open() {
    const std::lock_guard guard(lock);
    is_open = true;
    opened.notify_all();
  }
  void pass() {
    std::unique_lock guard(lock);
    opened.wait(guard, [&] { return is_open; });
  }
};

/// Adds one to a number, at the gate if there is one, and one to another when it is destroyed.
class Count final : public Operation {
 public:
  Count(std::atomic<int>& done, std::atomic<int>& destroyed, Gate* gate = nullptr)
      : done_(done), destroyed_(destroyed), gate_(gate) {}
  ~Count() override { ++destroyed_; }
  void work() override {
    if (gate_ != nullptr) gate_->pass();
    ++done_;
  }

 private:
  std::atomic<int>& done_;
  std::atomic<int>& destroyed_;
  Gate* gate_;
};

/// Opens /dev/null, by the ring if there is one.
class OpenNull final : public Operation {
 public:
  void work() override { take_result(open("/dev/null", O_RDONLY | O_CLOEXEC)); }
  bool prepare(io_uring_sqe& entry) override {
    io_uring_prep_openat(&entry, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
    return true;
  }
  void take_result(int result) override { descriptor = result; }
  int descriptor = -1;
};

/// Reads from a pipe that has nothing, by the ring if there is one.
class ReadPipe final : public Operation {
 public:
  ReadPipe(int pipe, std::atomic<int>& destroyed) : pipe_(pipe), destroyed_(destroyed) {}
  ~ReadPipe() override { ++destroyed_; }
  void work() override { take_result(static_cast<int>(read(pipe_, &byte_, 1))); }
  bool prepare(io_uring_sqe& entry) override {
    io_uring_prep_read(&entry, pipe_, &byte_, 1, 0);
    return true;
  }

 private:
  const int pipe_;
  std::atomic<int>& destroyed_;
  char byte_ = 0;
};

class IoDriverTest : public testing::TestWithParam<IoKind> {
 protected:
  IoDriver& io() { return machine_.carrier().machine.io; }
  Scheduler& scheduler() { return machine_.carrier().machine.scheduler; }
  /// Polls until the operation of the thread is done.
  void wait(VirtualThread& thread) {
    for (io().poll(scheduler()); thread.wait != Wait::kNothing; io().poll(scheduler())) {
      constexpr int64_t kPatienceNs = 10'000'000'000;
      const auto start = static_cast<int64_t>(now_ns());
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      io().wait(start + kPatienceNs, mask);
      ASSERT_LT(static_cast<int64_t>(now_ns()), start + kPatienceNs);
    }
    thread.list->remove(thread);  // it is ready
  }
  /// Requires: the operation of the thread is an OpenNull, and is done.
  static void expect_opened(VirtualThread& thread) {
    const std::unique_ptr<OpenNull> operation(dynamic_cast<OpenNull*>(std::exchange(thread.unfinished, nullptr)));
    ASSERT_NE(operation, nullptr);
    EXPECT_GE(operation->descriptor, 0);
    close(operation->descriptor);
  }
  void start(VirtualThread& thread, std::unique_ptr<Operation> operation) {
    io().operations.push(thread);
    thread.wait = Wait::kSystem;
    io().start(thread, std::move(operation));
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_, {.stack_bytes = size_t{1} << 20, .io = GetParam()}};
};

TEST_P(IoDriverTest, NothingIsOpenedBeforeTheFirstWait) { EXPECT_FALSE(io().is_open()); }

TEST(MemoryGuess, LooksWhileItFindsAndSeldomAfterThat) {
  MemoryGuess guess;
  EXPECT_TRUE(guess.should_look());
  guess.note(true);
  EXPECT_TRUE(guess.should_look());
  guess.note(false);
  int looks = 0;
  for (int i = 0; i < 160; ++i) looks += guess.should_look() ? 1 : 0;
  EXPECT_GT(looks, 0);
  EXPECT_LT(looks, 20);
  guess.note(true);
  EXPECT_TRUE(guess.should_look());
}

TEST_P(IoDriverTest, OperationsEnd) {
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
  VirtualThread threads[100];
  for (VirtualThread& thread : threads) start(thread, std::make_unique<Count>(done, destroyed));
  for (VirtualThread& thread : threads) {
    wait(thread);
    delete std::exchange(thread.unfinished, nullptr);
  }
  EXPECT_EQ(done, 100);
  EXPECT_EQ(destroyed, 100);
}

TEST_P(IoDriverTest, TheRingOpensFiles) {
  VirtualThread thread;
  start(thread, std::make_unique<OpenNull>());
  wait(thread);
  expect_opened(thread);
}

/// More than the ring hands over together.
TEST_P(IoDriverTest, AnyNumberOfOperationsMayBeStarted) {
  VirtualThread threads[700];
  for (VirtualThread& thread : threads) start(thread, std::make_unique<OpenNull>());
  for (VirtualThread& thread : threads) {
    ASSERT_NO_FATAL_FAILURE(wait(thread));
    expect_opened(thread);
  }
}

/// The ring cannot hand over what it has. It keeps that; the rest is done by helper threads.
TEST_P(IoDriverTest, ARingThatIsRefusedForAWhileLosesNothing) {
  VirtualThread threads[300];
  EXPECT_TRUE(run_refused({{SYS_io_uring_enter, EBUSY}}, [&] {
    for (VirtualThread& thread : threads) start(thread, std::make_unique<OpenNull>());
    io().poll(scheduler());
  }));
  for (VirtualThread& thread : threads) {
    ASSERT_NO_FATAL_FAILURE(wait(thread));
    expect_opened(thread);
  }
}

TEST_P(IoDriverTest, WithoutARingHelperThreadsWork) {
  VirtualThread threads[100];
  EXPECT_TRUE(run_refused({{SYS_io_uring_setup, EPERM}}, [&] {
    for (VirtualThread& thread : threads) start(thread, std::make_unique<OpenNull>());
  }));
  for (VirtualThread& thread : threads) {
    ASSERT_NO_FATAL_FAILURE(wait(thread));
    expect_opened(thread);
  }
}

TEST_P(IoDriverTest, WithoutThreadsOperationsAreDoneInPlace) {
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
  VirtualThread threads[3];
  EXPECT_TRUE(run_refused({{SYS_clone, EAGAIN}, {SYS_clone3, EAGAIN}}, [&] {
    for (VirtualThread& thread : threads) start(thread, std::make_unique<Count>(done, destroyed));
  }));
  EXPECT_EQ(done, 3);
  for (const VirtualThread& thread : threads) EXPECT_EQ(thread.wait, Wait::kSystem);
  for (VirtualThread& thread : threads) {
    wait(thread);
    delete std::exchange(thread.unfinished, nullptr);
  }
  EXPECT_EQ(destroyed, 3);
}

/// Of all that the driver waits with, one thing after the other is refused.
TEST_P(IoDriverTest, WithoutDescriptorsOperationsAreDoneInPlace) {
  for (const Refusal refusal : {Refusal{SYS_epoll_create1, EMFILE}, {SYS_eventfd2, EMFILE}, {SYS_epoll_ctl, ENOSPC}}) {
    Machine machine(program_, natives_, {.stack_bytes = size_t{1} << 20, .io = GetParam()});
    MachineState& state = machine.carrier().machine;
    std::atomic<int> done = 0;
    std::atomic<int> destroyed = 0;
    VirtualThread thread;
    EXPECT_TRUE(run_refused({refusal}, [&] {
      state.io.operations.push(thread);
      thread.wait = Wait::kSystem;
      state.io.start(thread, std::make_unique<Count>(done, destroyed));
    }));
    EXPECT_EQ(done, 1);
    EXPECT_EQ(thread.wait, Wait::kNothing);
    thread.list->remove(thread);
    delete std::exchange(thread.unfinished, nullptr);
    EXPECT_EQ(destroyed, 1);
  }
}

TEST_P(IoDriverTest, WhatCannotBeWatchedSaysWhy) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Watch watch(ends[0]);
  EXPECT_TRUE(run_refused({{SYS_epoll_create1, EMFILE}}, [&] { EXPECT_EQ(io().watch(watch), EMFILE); }));
  EXPECT_TRUE(run_refused({{SYS_epoll_ctl, ENOSPC}}, [&] { EXPECT_EQ(io().watch(watch), ENOSPC); }));
  // It is not noted as watched.
  EXPECT_EQ(io().watch(watch), 0);
  for (const int end : ends) close(end);
}

TEST_P(IoDriverTest, ADriverThatEndsFreesWhatIsUnderWay) {
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  constexpr int kReads = 10;
  constexpr int kStuck = 70;  // more than there are helper threads
  Gate gate;
  constexpr int kDone = 2;
  VirtualThread threads[kReads + kStuck + kDone];
  {
    Machine machine(program_, natives_, {.stack_bytes = size_t{1} << 20, .io = GetParam()});
    IoDriver& driver = machine.carrier().machine.io;
    VirtualThread* next = threads;
    driver.start(*next++, std::make_unique<Count>(done, destroyed));
    while (done == 0) usleep(1000);
    for (int i = 0; i < kReads; ++i) driver.start(*next++, std::make_unique<ReadPipe>(ends[0], destroyed));
    driver.poll(machine.carrier().machine.scheduler);
    // It is done, but its result is not taken.
    driver.start(*next++, std::make_unique<Count>(done, destroyed));
    while (done != kDone) usleep(1000);
    for (int i = 0; i < kStuck; ++i) driver.start(*next++, std::make_unique<Count>(done, destroyed, &gate));
    if (threads[0].list != nullptr) threads[0].list->remove(threads[0]);
    for (VirtualThread& thread : threads) {
      std::exchange(thread.unfinished, nullptr)->abandon(machine.carrier().machine.scheduler, thread);
    }
  }
  // What helper threads do ends after the driver.
  gate.open();
  for (int i = 0; i < kReads; ++i) ASSERT_EQ(write(ends[1], "x", 1), 1);
  while (destroyed != kReads + kStuck + kDone) usleep(1000);
  EXPECT_LE(done, kDone + kStuck);
  for (const int end : ends) close(end);
}

TEST_P(IoDriverTest, OperationsThatAreStuckDoNotKeepOthersFromBeingDone) {
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
  Gate gate;
  constexpr int kStuck = 80;  // more than the threads that start immediately
  VirtualThread stuck[kStuck];
  for (VirtualThread& thread : stuck) start(thread, std::make_unique<Count>(done, destroyed, &gate));
  VirtualThread other;
  start(other, std::make_unique<Count>(done, destroyed));
  while (other.wait != Wait::kNothing) {
    usleep(1000);
    io().next_look();
    io().poll(scheduler());
  }
  EXPECT_EQ(done, 1);
  other.list->remove(other);
  delete std::exchange(other.unfinished, nullptr);
  gate.open();
  for (VirtualThread& thread : stuck) {
    wait(thread);
    delete std::exchange(thread.unfinished, nullptr);
  }
  EXPECT_EQ(destroyed, kStuck + 1);
}

TEST_P(IoDriverTest, AnAbandonedOperationIsFreedWhenItIsDone) {
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
  Gate gate;
  VirtualThread thread;
  start(thread, std::make_unique<Count>(done, destroyed, &gate));
  io().operations.remove(thread);
  thread.wait = Wait::kNothing;
  std::exchange(thread.unfinished, nullptr)->abandon(scheduler(), thread);
  EXPECT_EQ(destroyed, 0);
  gate.open();
  while (destroyed == 0) {
    usleep(1000);
    io().poll(scheduler());
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(thread.list, nullptr);
}

TEST_P(IoDriverTest, AReadyDescriptorWakesItsThreadsInOrder) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Watch watch(ends[0]);
  ASSERT_EQ(io().watch(watch), 0);
  VirtualThread first;
  VirtualThread second;
  for (VirtualThread* thread : {&first, &second}) {
    watch.readers.push(*thread);
    thread->wait = Wait::kInput;
  }
  io().poll(scheduler());
  EXPECT_EQ(first.wait, Wait::kInput);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  io().poll(scheduler());
  EXPECT_EQ(first.wait, Wait::kNothing);
  EXPECT_EQ(first.next, &second);
  for (VirtualThread* thread : {&first, &second}) thread->list->remove(*thread);
  for (const int end : ends) close(end);
}

TEST_P(IoDriverTest, AFileIsAlwaysReady) {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  Watch watch(file);
  EXPECT_EQ(io().watch(watch), EPERM);
  close(file);
}

INSTANTIATE_TEST_SUITE_P(Kinds, IoDriverTest, testing::Values(IoKind::kUring, IoKind::kEpoll),
                         [](const auto& kind) { return kind.param == IoKind::kUring ? "uring" : "epoll"; });

}  // namespace
}  // namespace fble
