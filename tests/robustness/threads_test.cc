// Programs with threads that end for a reason that Attempt does not catch: an interrupt, wherever the main thread is,
// a heap that is full, an output that fails. All clean-ups run.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// The argument is the number of an action of the main thread, which does not end by itself.
constexpr const char* kProgram = R"(
Str, StrE .= /Std/Char/Ascii%;
Bool@ .= /Std/Bool%;
Sleep .= /Std/Io/Clock%;
Success .= /Std/Io/Cli%;
External@, Io@ .= /Std/Io%;
Int@, 0, Incr .= /Std/Int%;
Int .= /Std/Int/Lit%;
List@, List .= /Std/List%;
Maybe@ .= /Std/Maybe%;
Monad@ .= /Std/Monad%;
Result@ .= /Std/Result%;
String@ .= /Std/String%;
Unit@, Unit .= /Std/Unit%;
File = /Std/Io/File%;
Network = /Std/Io/Network%;
T = /Std/Io/Thread%;
Channel@, Scope@, Task@, Within, Fork, Join, Yield, Attempt, Ensure, Shield .= T;
Channel, Send, Receive, Receiving, After, First, Wait .= T;
m = T.External;

(String@) { External@<Unit@>; }
Say = (String@ line) {
  File.File@ out := m.do(File.Stdout);
  Unit@ _ := m.do(File.PutText(out, line));
  Result@<Unit@> _ := m.do(File.Flush(out));
  m.return(Unit);
};
long = Sleep(Int|100_000_000_000);
(External@<Unit@>) { External@<Unit@>; }
Forever = (External@<Unit@> action) { Unit@ _ := m.do(action); Forever(action); };
(Int@) { Unit@; } Spin = (Int@ n) { Spin(Incr(n)); };
(Int@, List@<Int@>) { Unit@; } Fill = (Int@ n, List@<Int@> list) { Fill(Incr(n), /Std/List%.Items(n, list)); };
receive = { Channel@<Unit@> c := m.do(Channel<Unit@>(0)); Maybe@<Unit@> _ := m.do(Receive(c)); m.return(Unit); };
actions = (Task@<Unit@> task) { List[
  receive,
  { Channel@<Unit@> c := m.do(Channel<Unit@>(0)); Bool@ _ := m.do(Send(c, Unit)); m.return(Unit); },
  Join(task),
  m.return(Unit),
  long,
  { Channel@<Unit@> c := m.do(Channel<Unit@>(0));
    Wait(First[T.Map(Receiving(c), (Maybe@<Unit@> _) { Unit; }), After(Int|100_000_000_000)]); },
  { Result@<Network.Server@> server := m.do(Network.Listen(Str|localhost, 0));
    Result@<Network.Connection@> _ := m.do(Network.Accept(server.ok.listener, 0));
    m.return(Unit); },
  { Result@<Network.Server@> server := m.do(Network.Listen(Str|localhost, 0));
    Result@<Network.Connection@> c := m.do(Network.Connect(Str|localhost, server.ok.port, 0));
    String@ _ := m.do(File.ReadLine(c.ok.in));
    # Keeps the listener: one that is garbage is closed, which resets the connection.
    Result@<Network.Connection@> _ := m.do(Network.Accept(server.ok.listener, 0));
    m.return(Unit); },
  Forever(Yield),
  { Unit@ _ := m.do(Yield); m.return(Spin(0)); },
  Shield(receive),
  Within((Scope@ _) { receive; }),
  { Unit@ _ := m.do(Yield); m.return(Fill(0, /Std/List%.Empty<Int@>)); },
  Ensure(receive, { Unit@ _ := m.do(Say(StrE|'cleaning\n')); long; })
]; };
T.Main((Monad@<External@> _, Io@<External@> _, List@<String@> args) {
  Int@ number = /Std/Int/Parse%.Int(args.items.head).just;
  Result@<Unit@> _ := m.do(Attempt(Ensure(Within((Scope@ scope) {
    Task@<Unit@> task := m.do(Fork(scope, Ensure(long, Say(StrE|'thread cleaned\n'))));
    Unit@ _ := m.do(Yield);
    Unit@ _ := m.do(Say(StrE|'ready\n'));
    /Std/List/Index%.Get(actions(task), number);
  }), Say(StrE|'main cleaned\n'))));
  Unit@ _ := m.do(Say(StrE|'caught\n'));
  m.return(Success);
});
)";
constexpr int kInterruptible = 12;  ///< the first actions, which wait or compute without end
constexpr int kFills = 12;
constexpr int kCleansLong = 13;

constexpr const char* kModes[] = {"--jit=off", "--jit=eager", "--threads-move"};

/// Sends SIGINT some time after the program has written each of the lines.
std::string interrupt_after(const std::vector<std::string>& lines) {
  std::string script;
  for (const std::string& line : lines) {
    script += fmt::format("while ! grep -q '{}' .out; do sleep 0.02; done; sleep 0.1; kill -INT $$; ", line);
  }
  return fmt::format("rm -f .out; : > .out; ({}) & exec \"$@\" > .out", script);
}

class ThreadsTest : public CommandTest {
 protected:
  ThreadsTest() { write("Main.fble", kProgram); }
};

TEST_F(ThreadsTest, AnInterruptEndsEachWait) {
  for (const char* mode : kModes) {
    for (int action = 0; action < kInterruptible; ++action) {
      const CommandResult result = run({mode, "Main.fble", std::to_string(action)}, "", {}, interrupt_after({"ready"}));
      const std::string where = fmt::format("{}, action {}: {}", mode, action, result.err);
      EXPECT_EQ(result.status, 130) << where;
      EXPECT_THAT(result.err, HasSubstr(": interrupted\n")) << where;
      EXPECT_EQ(result.out, "ready\nthread cleaned\nmain cleaned\n") << where;
    }
  }
}

TEST_F(ThreadsTest, TheSecondInterruptEndsCleanUps) {
  const CommandResult result =
      run({"Main.fble", std::to_string(kCleansLong)}, "", {}, interrupt_after({"ready", "cleaning"}));
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(result.err, "error: interrupted\n");
  EXPECT_EQ(result.out, "ready\ncleaning\n");
}

TEST_F(ThreadsTest, AFullHeapEndsTheProgramAfterItsCleanUps) {
  for (const char* mode : kModes) {
    const CommandResult result = run({mode, "--max-heap=8M", "Main.fble", std::to_string(kFills)});
    EXPECT_EQ(result.status, 118) << mode;
    EXPECT_THAT(result.err, HasSubstr("out of memory: the heap has reached its limit")) << mode;
    EXPECT_EQ(result.out, "ready\nthread cleaned\nmain cleaned\n") << mode;
  }
}

TEST_F(ThreadsTest, AFailedOutputEndsTheProgramAfterItsCleanUps) {
  write("Out.fble", R"(
Str .= /Std/Char/Ascii%;
External@ .= /Std/Io%;
Result@ .= /Std/Result%;
String@ .= /Std/String%;
Unit@, Unit .= /Std/Unit%;
File = /Std/Io/File%;
T = /Std/Io/Thread%;
m = T.External;
(External@<Unit@>) { External@<Unit@>; }
Forever = (External@<Unit@> action) { Unit@ _ := m.do(action); Forever(action); };
(String@) { External@<Unit@>; }
Mark = (String@ name) {
  Result@<File.File@> file := m.do(File.Open(name, File.Write));
  Result@<Unit@> _ := m.do(File.Close(file.ok));
  m.return(Unit);
};
put = { File.File@ out := m.do(File.Stdout); File.PutText(out, Str|'a line of output, again and again'); };
T.Run({
  Result@<Unit@> _ := m.do(T.Attempt(T.Ensure(Forever(put), Mark(Str|cleaned))));
  Mark(Str|caught);
});
)");
  for (const char* mode : kModes) {
    const CommandResult result = run({mode, "Out.fble"}, "", {}, "exec \"$@\" > /dev/full");
    EXPECT_EQ(result.status, 117) << mode;
    EXPECT_THAT(result.err, HasSubstr("cannot write to standard output")) << mode;
    EXPECT_TRUE(std::filesystem::remove(folder() + "/cleaned")) << mode;
    EXPECT_FALSE(std::filesystem::remove(folder() + "/caught")) << mode;
  }
}

/// Returns what the lines of a program's comment say that it prints.
std::string expected_output(const std::string& file) {
  std::ifstream stream(file);
  std::string text;
  for (std::string line; std::getline(stream, line) && line.starts_with("#");) {
    if (line.starts_with("#> ")) text += line.substr(3) + "\n";
  }
  return text;
}

TEST_F(ThreadsTest, NothingIsLostInAnyOrderOfTurns) {
  const std::string root = FBLE_SOURCE_DIR "/tests/std";
  for (const char* name : {"Exchange", "Delivered"}) {
    const std::string file = root + "/Threads/" + name + ".fble";
    for (int seed = 1; seed <= 30; ++seed) {
      const CommandResult result = run({"--threads-seed=" + std::to_string(seed), "-I", root, file});
      EXPECT_EQ(result.out, expected_output(file)) << name << ", seed " << seed << result.err;
      EXPECT_EQ(result.status, 0) << name << ", seed " << seed;
    }
  }
}

TEST_F(ThreadsTest, TheLogHasALineForEachEvent) {
  write("Log.fble", R"(
Bool@ .= /Std/Bool%;
0 .= /Std/Int%;
Maybe@ .= /Std/Maybe%;
Result@ .= /Std/Result%;
Unit@, Unit .= /Std/Unit%;
T = /Std/Io/Thread%;
Channel@, Scope@, Task@, Channel, Fork, Join, Receive, Send, Stop, Within, Yield .= T;
m = T.External;
T.Run(Within((Scope@ scope) {
  Channel@<Unit@> c := m.do(Channel<Unit@>(0));
  receive = { Maybe@<Unit@> _ := m.do(Receive(c)); m.return(Unit); };
  Task@<Unit@> one := m.do(Fork(scope, receive));
  Unit@ _ := m.do(Yield);
  Bool@ _ := m.do(Send(c, Unit));
  Unit@ _ := m.do(Join(one));
  Task@<Unit@> two := m.do(Fork(scope, receive));
  Unit@ _ := m.do(Yield);
  Unit@ _ := m.do(Stop(two));
  Result@<Unit@> _ := m.do(T.Attempt(Within((Scope@ inner) {
    Task@<Unit@> _ := m.do(Fork(inner, { Unit@ _ := m.do(Yield); m.return(Maybe@<Unit@>(nothing: Unit).just); }));
    receive;
  })));
  m.return(Unit);
}));
)");
  for (const char* mode : kModes) {
    const CommandResult result = run({mode, "--log=threads", "Log.fble"});
    EXPECT_EQ(result.status, 0) << mode;
    EXPECT_EQ(result.err,
              "[thread 1 is started by 0]\n"
              "[thread 0 yields]\n"
              "[thread 1 waits to receive from a channel]\n"
              "[thread 1 is woken by 0]\n"
              "[thread 0 waits for a thread to end]\n"
              "[thread 0 is woken by 1]\n"
              "[thread 1 ends]\n"
              "[thread 2 is started by 0]\n"
              "[thread 0 yields]\n"
              "[thread 2 waits to receive from a channel]\n"
              "[thread 2 is woken by 0]\n"
              "[thread 0 waits for a thread to end]\n"
              "[thread 0 is woken by 2]\n"
              "[thread 2 is stopped]\n"
              "[thread 3 is started by 0]\n"
              "[thread 0 waits to receive from a channel]\n"
              "[thread 0 is woken by 3]\n"
              "[thread 3 fails]\n")
        << mode;
  }
}

/// The program connects to a server that is busy: it has no room for another connection.
TEST_F(ThreadsTest, AConnectionThatIsNotMadeYetKeepsNoOtherThreadFromRunning) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(server, 0), 0);
  ASSERT_EQ(getsockname(server, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::vector<int> guests;
  for (bool has_room = true; has_room;) {
    guests.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connect(guests.back(), reinterpret_cast<sockaddr*>(&address), size);
    pollfd entry{.fd = guests.back(), .events = POLLOUT, .revents = 0};
    has_room = poll(&entry, 1, 100) > 0;
  }
  write("Connect.fble", R"(
Str, StrE .= /Std/Char/Ascii%;
External@, Io@ .= /Std/Io%;
Int .= /Std/Int/Lit%;
List@ .= /Std/List%;
Maybe@ .= /Std/Maybe%;
Monad@ .= /Std/Monad%;
Result@ .= /Std/Result%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
File = /Std/Io/File%;
Network = /Std/Io/Network%;
T = /Std/Io/Thread%;
m = T.External;
(String@) { External@<Unit@>; }
Say = (String@ line) {
  File.File@ out := m.do(File.Stdout);
  Result@<Unit@> _ := m.do(File.WriteText(out, line));
  Result@<Unit@> _ := m.do(File.Flush(out));
  m.return(/Std/Unit%.Unit);
};
T.Main((Monad@<External@> _, Io@<External@> _, List@<String@> args) {
  connect = Network.Connect(Str|'127.0.0.1', /Std/Int/Parse%.Int(args.items.head).just, /Std/Int%.0);
  Maybe@<Result@<Network.Connection@>> late := m.do(T.Timeout(Int|20_000_000, connect));
  Unit@ _ := m.do(Say(late.?(just: StrE|'connected\n', nothing: StrE|'stopped\n')));
  *(Result@<Network.Connection@> 0, Unit@ 1) both := m.do(T.Both(connect, Say(StrE|'meanwhile\n')));
  Unit@ _ := m.do(Say(both.0.?(ok: Str|connected, error: Str|refused)));
  m.return(/Std/Io/Cli%.Success);
});
)");
  // Once it is closed the next attempt of the system is refused.
  std::atomic<bool> has_ended = false;
  std::thread closer([&] {
    while (read(".out").find("meanwhile") == std::string::npos && !has_ended) usleep(10'000);
    usleep(50'000);
    close(server);
  });
  const CommandResult result = run({"Connect.fble", std::to_string(ntohs(address.sin_port))});
  has_ended = true;
  closer.join();
  EXPECT_EQ(result.out, "stopped\nmeanwhile\nrefused");
  EXPECT_EQ(result.status, 0) << result.err;
  for (const int guest : guests) close(guest);
}

}  // namespace
}  // namespace fble
