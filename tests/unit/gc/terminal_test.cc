// Terminals whose user does not read: gc/terminal.h, and writes with a patience.
#include "gc/terminal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>

#include <cerrno>
#include <climits>
#include <string>

#include "gc/log.h"
#include "tests/support/pseudo_terminal.h"
#include "tests/support/refused.h"

namespace fble {
namespace {

class TerminalTest : public testing::Test {
 protected:
  bool blocks() const { return (fcntl(terminal_.program, F_GETFL) & O_NONBLOCK) == 0; }

  PseudoTerminal terminal_;
};

TEST_F(TerminalTest, IsOpenedAgainWithoutBlocking) {
  const int again = open_terminal_again(terminal_.program);
  ASSERT_GE(again, 0);
  const std::string text(4096, 'x');
  size_t written = 0;
  ssize_t count;
  while ((count = write(again, text.data(), text.size())) > 0) written += static_cast<size_t>(count);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_GT(written, 0u);
  char byte;
  EXPECT_EQ(read(again, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_TRUE(blocks());
  close(again);
}

TEST_F(TerminalTest, NothingElseIsOpenedAgain) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(open_terminal_again(ends[1]), -1);
  EXPECT_EQ(ready_bytes(ends[1]), size_t{PIPE_BUF});
  for (const int end : ends) close(end);
  EXPECT_EQ(open_terminal_again(ends[1]), -1);
}

/// The pieces that need most room are line ends, which become two bytes.
TEST_F(TerminalTest, TakesWhatIsPromised) {
  const std::string piece(ready_bytes(terminal_.program), '\n');
  ASSERT_GT(piece.size(), 0u);
  size_t pieces = 0;
  for (pollfd entry{.fd = terminal_.program, .events = POLLOUT, .revents = 0}; poll(&entry, 1, 0) > 0; ++pieces) {
    ASSERT_EQ(write(terminal_.program, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
  }
  EXPECT_GT(pieces, 0u);
}

/// Writes more than the terminal takes.
void expect_patience_ends(int descriptor) {
  const std::string text(100'000, 'x');
  std::string_view rest = text;
  EXPECT_EQ(write_all(descriptor, rest, {.milliseconds = 10}), ETIMEDOUT);
  EXPECT_LT(rest.size(), text.size());
}

TEST_F(TerminalTest, APatienceEnds) {
  expect_patience_ends(terminal_.program);
  EXPECT_TRUE(blocks());
}

TEST_F(TerminalTest, APatienceEndsWhereItCannotBeOpenedAgain) {
  EXPECT_TRUE(run_refused({{SYS_openat, EACCES}, {SYS_open, EACCES}}, [&] {
    EXPECT_EQ(open_terminal_again(terminal_.program), -1);
    expect_patience_ends(terminal_.program);
  }));
}

}  // namespace
}  // namespace fble
