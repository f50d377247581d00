// Programs with threads that end for a reason that Attempt does not catch: an interrupt, wherever the main thread is,
// a heap that is full, an output that fails. All clean-ups run.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

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

}  // namespace
}  // namespace fble
