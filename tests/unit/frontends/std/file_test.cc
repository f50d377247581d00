// Files of natives: frontends/std/native/file.h.
#include "frontends/std/native/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "interp/carrier.h"
#include "interp/machine.h"
#include "tests/support/pseudo_terminal.h"
#include "tests/support/refused.h"

namespace fble {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = testing::TempDir() + "fble-file-test-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  static void put(File& file, const std::string& text) {
    for (const char byte : text) EXPECT_TRUE(file.put_byte(static_cast<uint8_t>(byte)));
  }
  static std::string get(File& file) {
    std::string text;
    for (int byte; (byte = file.get_byte()) != File::kEnd;) text.push_back(static_cast<char>(byte));
    return text;
  }
  std::string content(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string folder_;
};

TEST_F(FileTest, WritesAndReads) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text.push_back(static_cast<char>(i * 7));
  put(*File::open(path("a"), "wb"), text);
  EXPECT_EQ(content("a"), text);
  EXPECT_EQ(get(*File::open(path("a"), "rb")), text);
}

TEST_F(FileTest, FlushMakesOutputVisible) {
  const std::unique_ptr<File> file = File::open(path("a"), "wb");
  put(*file, "one\n");
  EXPECT_EQ(content("a"), "");
  EXPECT_TRUE(file->flush());
  EXPECT_EQ(content("a"), "one\n");
}

TEST_F(FileTest, WriteTruncatesAndAppendDoesNot) {
  put(*File::open(path("a"), "w"), "old");
  put(*File::open(path("a"), "w"), "new");
  put(*File::open(path("a"), "ab"), "er");
  EXPECT_EQ(content("a"), "newer");
}

TEST_F(FileTest, TheEndIsTheEnd) {
  put(*File::open(path("a"), "w"), "x");
  const std::unique_ptr<File> file = File::open(path("a"), "r");
  EXPECT_EQ(file->get_byte(), 'x');
  EXPECT_EQ(file->get_byte(), File::kEnd);
  put(*File::open(path("a"), "a"), "y");
  EXPECT_EQ(file->get_byte(), File::kEnd);
}

/// Reads without waiting until no more is there. Returns the number of reads; nothing if the file is not in memory.
std::optional<int> fetch_all(File& file, IoDriver& io, std::string& text) {
  for (int reads = 1;; ++reads) {
    const File::Fetched fetched = file.try_fetch(io);
    if (fetched == File::Fetched::kMustWait) return std::nullopt;
    if (!file.has_bytes()) return reads;
    while (file.has_bytes()) text.push_back(static_cast<char>(file.get_byte()));
    if (fetched == File::Fetched::kEnd) return reads;
  }
}

TEST_F(FileTest, BuffersAreAsLargeAsWhatIsThere) {
  IoDriver io(IoKind::kBlocking);
  const std::string large(300'000, 'x');
  for (const std::string& content : {std::string("little"), large}) {
    put(*File::open(path("a"), "wb"), content);
    const std::unique_ptr<File> file = File::open(path("a"), "rb", &io);
    EXPECT_EQ(file->bytes_to_read(), 65536u);  // nothing is known yet
    std::string text;
    const std::optional<int> reads = fetch_all(*file, io, text);
    if (!reads) GTEST_SKIP() << "the files are not in memory";
    EXPECT_EQ(text, content);
    EXPECT_LT(*reads, 12);
  }
}

TEST_F(FileTest, ASmallBufferGrowsWithItsFile) {
  IoDriver io(IoKind::kBlocking);
  put(*File::open(path("a"), "wb"), "little");
  const std::unique_ptr<File> file = File::open(path("a"), "rb", &io);
  std::string text;
  if (file->try_fetch(io) == File::Fetched::kMustWait) GTEST_SKIP() << "the file is not in memory";
  EXPECT_EQ(file->bytes_to_read(), 65536u);  // nothing is left
  const std::string large(300'000, 'x');
  put(*File::open(path("a"), "ab"), large);
  const std::optional<int> reads = fetch_all(*file, io, text);
  EXPECT_EQ(text, "little" + large);
  EXPECT_LT(reads.value_or(0), 20);
}

TEST_F(FileTest, WhatCannotBeOpened) {
  EXPECT_EQ(File::open(path("missing"), "rb"), nullptr);
  EXPECT_EQ(File::open(folder_, "wb"), nullptr);
  EXPECT_EQ(File::open(path("a"), "r+"), nullptr);
  EXPECT_EQ(File::open(path("a"), ""), nullptr);
}

TEST_F(FileTest, FoldersAreEmpty) {
  const std::unique_ptr<File> file = File::open(folder_, "rb");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->get_byte(), File::kEnd);
}

TEST_F(FileTest, UsingAFileTheWrongWayRoundDoesNothing) {
  const std::unique_ptr<File> output = File::open(path("a"), "w");
  EXPECT_EQ(output->get_byte(), File::kEnd);
  const std::unique_ptr<File> input = File::open(path("a"), "r");
  EXPECT_TRUE(input->put_byte('x'));
  EXPECT_TRUE(input->flush());
}

TEST_F(FileTest, AFailedOutputIsRemembered) {
  if (access("/dev/full", W_OK) != 0) return;
  EXPECT_EXIT(
      {
        {
          const std::unique_ptr<File> file = File::open("/dev/full", "wb");
          file->put_byte('x');
          if (file->flush() || file->put_byte('y') == file->flush()) _exit(1);
        }
        _exit(output_failure() == "cannot write to '/dev/full': No space left on device" ? 0 : 2);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(FileTest, OutputThatFailsWhenClosedIsRemembered) {
  if (access("/dev/full", W_OK) != 0) return;
  EXPECT_EXIT(
      {
        File::open("/dev/full", "wb")->put_byte('x');
        _exit(output_failure().empty() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(FileTest, MissingStandardStreamsStayUnusable) {
  EXPECT_EXIT(
      {
        close(STDOUT_FILENO);
        prepare_standard_streams();
        const int next = open("/dev/null", O_WRONLY);
        File::standard_output().put_byte('x');
        _exit(next != STDOUT_FILENO && !File::standard_output().flush() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

/// Connections that nothing refers to any more, whose other side is the test. Other work is under way, so that the
/// program must not wait in place.
class LingeringTest : public testing::Test {
 protected:
  class Nothing final : public Lingering {
   public:
    void give_up() override {}
  };

  LingeringTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = ends[1];
    shared_ = std::make_shared<SharedDescriptor>(ends[0], &io(), SharedDescriptor::Kind::kConnection);
    io().keep(std::make_unique<Nothing>(), INT64_MAX);
  }
  ~LingeringTest() override { close(peer_); }

  IoDriver& io() { return machine_.carrier().machine.io; }
  void poll() { io().poll(machine_.carrier().machine.scheduler); }
  /// Ends a file with more output than the system takes, as the collector does. Returns the output.
  std::string finish_full_file(int patience_ms) {
    std::string text;
    for (int i = 0; i < 4'000'000; ++i) text.push_back(static_cast<char>(i % 251));
    auto file = std::make_unique<File>(std::move(shared_), File::Direction::kWrite, "the connection", patience_ms);
    EXPECT_TRUE(file->append({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
    File::finish(std::move(file));
    return text;
  }
  /// Reads what there is. Returns false at the end.
  bool read_some(std::string& got) {
    char buffer[65536];
    ssize_t count;
    while ((count = read(peer_, buffer, sizeof(buffer))) > 0) got.append(buffer, static_cast<size_t>(count));
    return count != 0;
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_, {.stack_bytes = size_t{1} << 20}};
  int peer_ = -1;
  std::shared_ptr<SharedDescriptor> shared_;
};

TEST_F(LingeringTest, ASlowReaderGetsAll) {
  const std::string text = finish_full_file(60'000);
  std::string got;
  while (read_some(got)) poll();
  EXPECT_TRUE(got == text) << got.size();
}

TEST_F(LingeringTest, APeerThatDoesNotReadIsGivenUp) {
  const std::string text = finish_full_file(1);
  usleep(5000);
  poll();
  std::string got;
  while (read_some(got)) {}
  EXPECT_LT(got.size(), text.size());
  EXPECT_EQ(got, text.substr(0, got.size()));
}

/// The system does not know how to use a terminal without waiting. It is opened again for that, or asked first
/// whether it is ready.
void use_terminal(PseudoTerminal& pair) {
  const int person = pair.user;
  SharedDescriptor terminal(std::exchange(pair.program, -1), nullptr, SharedDescriptor::Kind::kUnknown);
  EXPECT_EQ(terminal.kind(), SharedDescriptor::Kind::kStream);
  uint8_t bytes[16];
  EXPECT_EQ(terminal.try_read(bytes, sizeof(bytes), 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  ASSERT_EQ(write(person, "yes\n", 4), 4);
  pollfd entry{.fd = terminal.descriptor, .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&entry, 1, -1), 1);
  EXPECT_EQ(terminal.try_read(bytes, sizeof(bytes), 0), 4);
  EXPECT_EQ(bytes[0], 'y');
  std::string_view answer = "thanks";
  const size_t answer_size = answer.size() + std::strlen("yes\r\n");  // and what is typed is shown
  EXPECT_EQ(terminal.try_write(answer), 0);
  EXPECT_TRUE(answer.empty());
  // The user does not read.
  const std::string much(100'000, 'x');
  std::string_view rest = much;
  EXPECT_EQ(terminal.try_write(rest), EAGAIN);
  EXPECT_GT(rest.size(), 0u);
  EXPECT_LT(rest.size(), much.size());
  // All arrives when the user does.
  size_t arrived = 0;
  while (arrived < answer_size + much.size()) {
    char piece[4096];
    const ssize_t count = read(person, piece, sizeof(piece));
    ASSERT_GT(count, 0);
    arrived += static_cast<size_t>(count);
    if (!rest.empty()) {
      const int problem = terminal.try_write(rest);
      EXPECT_TRUE(problem == 0 || problem == EAGAIN) << problem;
    }
  }
  EXPECT_EQ(fcntl(terminal.descriptor, F_GETFL) & O_NONBLOCK, 0);
}

TEST(SharedDescriptorTest, ATerminalIsUsedWhenItIsReady) {
  PseudoTerminal pair;
  use_terminal(pair);
}

TEST(SharedDescriptorTest, ATerminalIsUsedWhenItIsReadyThoughItCannotBeOpenedAgain) {
  PseudoTerminal pair;
  EXPECT_TRUE(run_refused({{SYS_openat, EACCES}, {SYS_open, EACCES}}, [&] { use_terminal(pair); }));
}

TEST(SharedDescriptorTest, SomeFilesCannotBeReadWithoutWaiting) {
  // The system makes its text when it is read, and does not know how to do that without waiting.
  SharedDescriptor made(open("/proc/self/stat", O_RDONLY | O_CLOEXEC), nullptr, SharedDescriptor::Kind::kUnknown);
  EXPECT_EQ(made.kind(), SharedDescriptor::Kind::kStored);
  uint8_t bytes[16];
  EXPECT_EQ(made.try_read(bytes, sizeof(bytes), 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  SharedDescriptor folder(open("/", O_RDONLY | O_CLOEXEC), nullptr, SharedDescriptor::Kind::kUnknown);
  EXPECT_EQ(folder.kind(), SharedDescriptor::Kind::kInPlace);
  EXPECT_EQ(folder.try_read(bytes, sizeof(bytes), 0), -1);
  EXPECT_EQ(errno, EISDIR);
  SharedDescriptor none(-1, nullptr, SharedDescriptor::Kind::kUnknown);
  EXPECT_EQ(none.kind(), SharedDescriptor::Kind::kInPlace);
  EXPECT_EQ(none.try_read(bytes, sizeof(bytes), 0), -1);
  EXPECT_EQ(errno, EBADF);
}

/// A connection whose other side is the test.
class ReceivingTest : public testing::Test {
 protected:
  ReceivingTest() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, generic, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, generic, &size), 0);
    peer_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(peer_, generic, size), 0);
    const int ours = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    close(listener);
    shared_ = std::make_shared<SharedDescriptor>(ours, &io(), SharedDescriptor::Kind::kConnection);
    EXPECT_EQ(io().watch(*shared_), 0);
  }
  ~ReceivingTest() override { close(peer_); }

  IoDriver& io() { return machine_.carrier().machine.io; }
  /// Sends bytes, and waits until the system has them for the program.
  void say(const std::string& text, int flags = 0) {
    EXPECT_EQ(send(peer_, text.data(), text.size(), flags), static_cast<ssize_t>(text.size()));
    wait_until_arrived();
  }
  void end() {
    shutdown(peer_, SHUT_WR);
    wait_until_arrived();
  }
  void wait_until_arrived() const {
    for (int left = 1; left != 0;) ASSERT_EQ(ioctl(peer_, SIOCOUTQ, &left), 0);
  }
  void take_events() { io().poll(machine_.carrier().machine.scheduler); }
  /// Reads without waiting: what there is, "wait", or an empty text at the end.
  std::string receive(size_t most = 100) {
    std::string text(most, ' ');
    const ssize_t count = shared_->try_read(reinterpret_cast<uint8_t*>(text.data()), most, 0);
    if (count < 0) return errno == EAGAIN ? "wait" : std::strerror(errno);
    return text.substr(0, static_cast<size_t>(count));
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_, {.stack_bytes = size_t{1} << 20}};
  int peer_ = -1;
  std::shared_ptr<SharedDescriptor> shared_;
};

TEST_F(ReceivingTest, AsksOnlyIfThereMayBeSomething) {
  say("one");
  take_events();
  EXPECT_EQ(receive(), "one");
  say("two");
  EXPECT_EQ(receive(), "wait");  // the event is not taken yet
  take_events();
  EXPECT_EQ(receive(2), "tw");  // all that was asked for, so there may be more
  EXPECT_EQ(receive(), "o");
  EXPECT_EQ(receive(), "wait");
}

TEST_F(ReceivingTest, AnEndBehindTheLastBytesIsSeen) {
  say("last");
  end();
  take_events();
  EXPECT_EQ(receive(), "last");
  EXPECT_EQ(receive(), "");
}

TEST_F(ReceivingTest, AnEndThatComesAfterTheEventIsSeen) {
  say("last");
  take_events();
  end();
  EXPECT_EQ(receive(), "last");
  EXPECT_EQ(receive(), "wait");
  take_events();
  EXPECT_EQ(receive(), "");
}

/// A read stops at an urgent byte, which is not part of the stream.
TEST_F(ReceivingTest, BytesBehindAnUrgentOneAreSeen) {
  say("before");
  say("!", MSG_OOB);
  say("behind");
  take_events();
  EXPECT_EQ(receive(), "before");
  EXPECT_EQ(receive(), "behind");
  EXPECT_EQ(receive(), "wait");
}

TEST_F(ReceivingTest, AResetIsSeen) {
  say("read");
  take_events();
  EXPECT_EQ(receive(), "read");
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(peer_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(std::exchange(peer_, -1));
  pollfd entry{.fd = shared_->descriptor, .events = 0, .revents = 0};
  EXPECT_EQ(::poll(&entry, 1, -1), 1);
  take_events();
  EXPECT_EQ(receive(), std::strerror(ECONNRESET));
  EXPECT_EQ(receive(), "");
}

}  // namespace
}  // namespace fble
