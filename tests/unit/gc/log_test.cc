// gc/log.h on descriptors of all kinds.
#include "gc/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace fble {
namespace {

/// A pipe whose ends are closed with it.
struct Pipe {
  explicit Pipe(int flags = 0) {
    if (pipe2(ends, flags) != 0) std::abort();
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~Pipe() {
    close_reader();
    close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  /// Reads until the other end is closed, in small pieces with pauses.
  std::string read_slowly() const {
    std::string text;
    char piece[3000];
    for (ssize_t count; (count = read(ends[0], piece, sizeof(piece))) > 0;) {
      text.append(piece, static_cast<size_t>(count));
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return text;
  }
  int ends[2];
};

std::string long_text() {
  std::string text;
  while (text.size() < 400'000) text += std::to_string(text.size()) + "\n";
  return text;
}

std::string contents(const std::string& name) {
  std::ifstream stream(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Returns the text that a slow reader gets from a pipe, whose writing end blocks or not.
std::string through_pipe(int flags, const WritePatience& patience) {
  Pipe pipe(flags);
  const std::string text = long_text();
  std::string received;
  std::thread reader([&] { received = pipe.read_slowly(); });
  std::string_view rest = text;
  EXPECT_EQ(write_all(pipe.ends[1], rest, patience), 0);
  EXPECT_TRUE(rest.empty());
  close(pipe.ends[1]);
  reader.join();
  pipe.ends[1] = -1;
  return received;
}

TEST(WriteAll, WaitsForSlowReaders) {
  const std::string text = long_text();
  EXPECT_EQ(through_pipe(0, {}), text);
  EXPECT_EQ(through_pipe(0, {.milliseconds = 10'000}), text);
}

TEST(WriteAll, WaitsWhereTheDescriptorDoesNot) {
  // Only the writing end is non-blocking.
  for (const int patience : {-1, 10'000}) {
    Pipe pipe;
    fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
    const std::string text = long_text();
    std::string received;
    std::thread reader([&] { received = pipe.read_slowly(); });
    std::string_view rest = text;
    EXPECT_EQ(write_all(pipe.ends[1], rest, {.milliseconds = patience}), 0);
    close(pipe.ends[1]);
    pipe.ends[1] = -1;
    reader.join();
    EXPECT_EQ(received, text);
  }
}

TEST(WriteAll, LosesPatienceWithReadersThatDoNotRead) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    fcntl(pipe.ends[1], F_SETFL, flags);
    const std::string text = long_text();
    std::string_view rest = text;
    EXPECT_EQ(write_all(pipe.ends[1], rest, {.milliseconds = 20}), ETIMEDOUT);
    EXPECT_LT(rest.size(), text.size());  // what fits was written
    EXPECT_GT(rest.size(), 0);
  }
}

TEST(WriteAll, SaysWhyNot) {
  std::string_view text = "text";
  EXPECT_EQ(write_all(-1, text), EBADF);
  Pipe pipe;
  pipe.close_reader();
  EXPECT_EQ(write_all(pipe.ends[1], text), EPIPE);
  EXPECT_EQ(write_all(pipe.ends[1], text, {.milliseconds = 1000}), EPIPE);
  if (const int full = open("/dev/full", O_WRONLY | O_CLOEXEC); full >= 0) {
    EXPECT_EQ(write_all(full, text), ENOSPC);
    close(full);
  }
  EXPECT_EQ(text, "text");
}

std::atomic<int> interrupts{0};
extern "C" void count_interrupt(int) { ++interrupts; }

TEST(WriteAll, GoesOnAfterSignalsUnlessToldOtherwise) {
  struct sigaction action{};
  struct sigaction old{};
  action.sa_handler = count_interrupt;
  sigaction(SIGUSR1, &action, &old);
  interrupts = 0;
  const pthread_t writer = pthread_self();
  std::atomic<bool> done{false};
  std::thread nuisance([&] {
    while (!done) {
      pthread_kill(writer, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(through_pipe(0, {}), long_text());
  EXPECT_GT(interrupts, 0);
  Pipe pipe;
  const std::string text = long_text();
  std::string_view rest = text;
  EXPECT_EQ(write_all(pipe.ends[1], rest, {.give_up = [] { return interrupts > 0; }}), EINTR);
  EXPECT_FALSE(rest.empty());
  done = true;
  nuisance.join();
  sigaction(SIGUSR1, &old, nullptr);
}

TEST(Log, IsLostWhereItCannotBeWritten) {
  EXPECT_EXIT(
      {
        close(STDERR_FILENO);
        log_print("{} {}\n", "nothing to be", "seen");
        log_text("more\n");
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "^$");
}

TEST(Files, AreReplacedAndAppendedTo) {
  const std::string name = testing::TempDir() + "/fble-log-test";
  std::filesystem::remove(name);
  EXPECT_EQ(append_to_file(name, "one "), 0);
  EXPECT_EQ(append_to_file(name, "two"), 0);
  EXPECT_EQ(contents(name), "one two");
  EXPECT_EQ(write_file(name, "three"), 0);
  EXPECT_EQ(contents(name), "three");
  EXPECT_EQ(write_file(testing::TempDir(), ""), EISDIR);
  EXPECT_EQ(write_file(name + "/x", ""), ENOTDIR);
  std::filesystem::remove(name);
}

TEST(Files, ThatMayNotGrowAreAnError) {
  const std::string name = testing::TempDir() + "/fble-log-limit-test";
  EXPECT_EXIT(
      {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        limit.rlim_cur = limit.rlim_max = 1000;
        setrlimit(RLIMIT_FSIZE, &limit);
        std::_Exit(write_file(name, long_text()) == EFBIG ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EQ(contents(name), long_text().substr(0, 1000));
  std::filesystem::remove(name);
}

}  // namespace
}  // namespace fble
