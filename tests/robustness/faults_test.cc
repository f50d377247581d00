// The commands under injected faults: interrupted, short and refused system calls, and allocations that fail.
//
// tests/support/fault_shim.cc makes the faults. It is preloaded into a build of the command that is linked dynamically.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/robustness/edges.h"

namespace fble {
namespace {

using testing::HasSubstr;

class FaultsTest : public EdgesTest {
 protected:
  CommandResult run_with(const std::string& plan, const std::vector<std::string>& words, Stream out = Stream::kFile,
                         Stream err = Stream::kFile) const {
    Surroundings around{.out = out, .err = err};
    around.environment = {std::string("LD_PRELOAD=") + FBLE_FAULT_SHIM, "FBLE_FAULT_PLAN=" + plan};
    Process process = start(words, around, FBLE_DYNAMIC_COMMAND);
    return finish(process);
  }
};

/// The tasks of each command: a small one, and a large one.
std::vector<std::vector<std::string>> tasks() {
  std::vector<std::vector<std::string>> all;
  for (const Subcommand& sub : subcommands()) {
    all.push_back(sub.words);
    if (!sub.long_words.empty()) all.push_back(sub.long_words);
  }
  all.push_back({"--jit=eager", "--log=trace", "Lines.fble"});
  all.push_back({"check", "Malformed.fble"});
  all.push_back({"Undefined.fble"});
  all.push_back({"test", "--stats", "--jit=eager", "Ok.fble"});
  return all;
}

TEST_F(FaultsTest, ThePlanIsFollowed) {
  EXPECT_EQ(run_with("write:EIO:1", {"Hello.fble"}).err,
            "error: cannot write to standard output: Input/output error\n");
  EXPECT_EQ(run_with("write:EIO:2", {"Hello.fble"}).out, "hello\n");
  EXPECT_EQ(run_with("nonsense", {"Hello.fble"}).status, 99);
}

TEST_F(FaultsTest, InterruptedAndShortCallsAreRepeated) {
  for (const std::vector<std::string>& words : tasks()) {
    const CommandResult usual = run_with("", words);
    for (const char* plan :
         {"write:EINTR:2%1;read:EINTR:2%2;open:EINTR:2%3;poll:EINTR:2%4", "write:short:2%1;read:EINTR:3%1",
          "write:EAGAIN:2%5;poll:EAGAIN:2%6;write:short:2%7", "write:EINTR:1;read:EINTR:1;open:EINTR:1;poll:EINTR:1"}) {
      for (const Stream out : {Stream::kFile, Stream::kSlow}) {
        const CommandResult result = run_with(plan, words, out);
        EXPECT_EQ(result.status, usual.status) << words_text(words) << " with " << plan;
        EXPECT_EQ(result.out, usual.out) << words_text(words) << " with " << plan;
        if (std::ranges::count(words, "--stats") == 0) {
          EXPECT_EQ(result.err, usual.err) << words_text(words) << " with " << plan;
        }
      }
    }
  }
}

TEST_F(FaultsTest, ACacheThatCannotBeWrittenIsSilent) {
  const CommandResult usual = run_with("", {"check", "Hello.fble"});
  for (const char* plan : {"write:ENOSPC:1+", "write:ENOSPC:2", "write:EIO:1", "write:short:2%7", "write:EINTR:2%3"}) {
    SCOPED_TRACE(plan);
    Surroundings around;
    around.environment = {std::string("LD_PRELOAD=") + FBLE_FAULT_SHIM, std::string("FBLE_FAULT_PLAN=") + plan,
                          "XDG_CACHE_HOME=" + folder() + "/cache"};
    for (const char* name : {"empty cache", "same cache"}) {
      Process process = start({"check", "Hello.fble"}, around, FBLE_DYNAMIC_COMMAND);
      const CommandResult result = finish(process);
      EXPECT_EQ(result.status, usual.status) << name;
      EXPECT_EQ(result.err, usual.err) << name;
    }
    EXPECT_TRUE(std::filesystem::exists(folder() + "/cache/fble-jit"));
    std::filesystem::remove_all(folder() + "/cache");
  }
}

TEST_F(FaultsTest, AnExecutableThatCannotBeWrittenLeavesTheOldOne) {
  const std::vector<std::string> words{"build", "Hello.fble", "-o", "made/hello"};
  write("made/hello", "old");
  for (const auto& [plan, reason] : {std::pair{"write:ENOSPC:1", "No space left on device"},
                                     {"write:short:1;write:ENOSPC:2", "No space left on device"},
                                     {"write:EIO:1", "Input/output error"}}) {
    const CommandResult result = run_with(plan, words);
    EXPECT_EQ(result.status, 5) << plan;
    EXPECT_EQ(result.err, std::string("error: cannot write 'made/hello': ") + reason + "\n") << plan;
    EXPECT_EQ(read("made/hello"), "old") << plan;
  }
  for (const char* plan :
       {"malloc:ENOMEM:3000%5", "mmap:ENOMEM:1+", "mmap:ENOMEM:2", "mmap:ENOMEM:3", "mmap:ENOMEM:4"}) {
    const CommandResult result = run_with(plan, words);
    EXPECT_THAT(result.status, testing::AnyOf(0, 6)) << plan;
    if (result.status == 6) EXPECT_THAT(result.err, HasSubstr("out of memory")) << plan;
  }
  std::string before;
  for (const char* plan : {"write:short:2%7;open:EINTR:2%3", "write:EINTR:2%3;read:EINTR:2%5", ""}) {
    EXPECT_EQ(run_with(plan, words).status, 0) << plan;
    const std::string made = read("made/hello");
    if (before.empty()) before = made;
    EXPECT_TRUE(made == before) << plan;
  }
  const std::filesystem::directory_iterator files(folder() + "/made");
  EXPECT_EQ(std::distance(files, {}), 1) << "temporary files are left";
}

/// The words that run a program of tests/std/Threads, which needs an empty folder.
std::vector<std::string> threads_words(const std::string& io, const std::string& name) {
  const std::string root = FBLE_SOURCE_DIR "/tests/std";
  return {"--io=" + io, "-I", root + "/reference_natives", "-I", root, root + "/Threads/" + name + ".fble"};
}

/// The words that have a program without threads use connections.
std::vector<std::string> network_words() {
  const std::string root = FBLE_SOURCE_DIR;
  return {"-I", root + "/tests/std", "-I", root + "/frontends/std", "-m", "/StdTests/Io%", "--", "network"};
}

TEST_F(FaultsTest, ThreadsWaitUntilTheirCallsSucceed) {
  for (const char* name : {"Files", "Connections", "Mixed"}) {
    const CommandResult usual = run_with("", threads_words("uring", name));
    EXPECT_EQ(usual.status, 0) << usual.err;
    for (const char* io : {"uring", "epoll", "blocking"}) {
      for (const char* plan :
           {"write:EINTR:3%1;read:EINTR:3%2;poll:EINTR:3%3;accept:EINTR:2%4", "read:short:3%5",
            "write:short:9%6;open:EINTR:2%7", "accept:EMFILE:2", "accept:ENFILE:1;accept:EMFILE:2"}) {
        const CommandResult result = run_with(plan, threads_words(io, name));
        EXPECT_EQ(result.status, 0) << name << " with " << plan << " and " << io << ": " << result.err;
        EXPECT_EQ(result.out, usual.out) << name << " with " << plan << " and " << io;
      }
    }
  }
}

/// The attempt continues.
TEST_F(FaultsTest, AConnectThatIsInterruptedConnects) {
  std::vector<std::vector<std::string>> programs{network_words()};
  for (const char* io : {"uring", "epoll", "blocking"}) {
    for (const char* name : {"Connections", "Sockets"}) programs.push_back(threads_words(io, name));
  }
  for (const std::vector<std::string>& words : programs) {
    const CommandResult usual = run_with("", words);
    EXPECT_EQ(usual.status, 0) << words_text(words) << usual.err;
    for (const char* plan : {"connect:EINTR:1", "connect:EINTR:1+"}) {
      const CommandResult result = run_with(plan, words);
      EXPECT_EQ(result.status, 0) << words_text(words) << " with " << plan << ": " << result.err;
      EXPECT_EQ(result.out, usual.out) << words_text(words) << " with " << plan;
    }
  }
}

/// An interrupt by the user ends the attempt, and the program.
TEST_F(FaultsTest, AConnectEndsWithAnInterrupt) {
  const CommandResult result = run_with("connect:SIGINT:1;connect:EINTR:1", network_words());
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr(": interrupted\n"));
}

/// A byte waits until there is room for it.
TEST_F(FaultsTest, AByteThatIsRefusedIsSentLater) {
  const CommandResult usual = run_with("", threads_words("uring", "Sockets"));
  EXPECT_EQ(usual.status, 0) << usual.err;
  for (const char* io : {"uring", "epoll", "blocking"}) {
    const CommandResult result = run_with("write:EAGAIN:1;write:EAGAIN:2", threads_words(io, "Sockets"));
    EXPECT_EQ(result.out, usual.out) << io;
    EXPECT_EQ(result.status, 0) << io << result.err;
  }
}

/// Where the system watches no more descriptors, a native waits in place.
TEST_F(FaultsTest, WhatCannotBeWatchedIsWaitedForInPlace) {
  for (const char* io : {"uring", "epoll", "blocking"}) {
    const CommandResult result = run_with("watch:ENOSPC:1+", threads_words(io, "Alone"));
    EXPECT_EQ(result.out, "late: cannot read the connection: Connection timed out\nin time: hello\n") << io;
    EXPECT_EQ(result.status, 0) << io << result.err;
  }
}

/// A look finds nothing in memory, so the disk is asked.
TEST_F(FaultsTest, ThreadsReadFilesThatAreNotInMemory) {
  const CommandResult usual = run_with("", threads_words("uring", "Files"));
  for (const char* io : {"uring", "epoll", "blocking"}) {
    for (const char* plan : {"look:EAGAIN:1%1", "look:EAGAIN:2%2"}) {
      const CommandResult result = run_with(plan, threads_words(io, "Files"));
      EXPECT_EQ(result.status, 0) << plan << " and " << io << ": " << result.err;
      EXPECT_EQ(result.out, usual.out) << plan << " and " << io;
    }
  }
}

/// A thread is stopped while the disk is read for it. It has taken nothing, and the next one reads all.
TEST_F(FaultsTest, AReadThatIsStoppedTakesNothing) {
  write("Stopped.fble", R"(
Str .= /Std/Char/Ascii%;
External@, Io@ .= /Std/Io%;
List@ .= /Std/List%;
Monad@ .= /Std/Monad%;
Result@ .= /Std/Result%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
File = /Std/Io/File%;
T = /Std/Io/Thread%;
m = T.External;
T.Main((Monad@<External@> _, Io@<External@> _, List@<String@> _) {
  Result@<File.File@> in := m.do(File.Open(Str|'text', File.Read));
  String@ rest := m.do(T.Within((T.Scope@ scope) {
    T.Task@<String@> first := m.do(T.Fork(scope, File.ReadLine(in.ok)));
    T.Task@<String@> next := m.do(T.Fork(scope, File.ReadAll(in.ok)));
    Unit@ _ := m.do(T.Yield);
    Unit@ _ := m.do(T.Stop(first));
    T.Join(next);
  }));
  File.File@ out := m.do(File.Stdout);
  Unit@ _ := m.do(File.PutText(out, rest));
  m.return(/Std/Io/Cli%.Success);
});
)");
  write("text", "first\nsecond\n");
  for (const char* io : {"uring", "epoll"}) {
    const CommandResult result = run_with("look:EAGAIN:1+", {std::string("--io=") + io, "Stopped.fble"});
    EXPECT_EQ(result.out, "first\nsecond\n") << io;
    EXPECT_EQ(result.status, 0) << io << result.err;
    EXPECT_EQ(run_with("", {std::string("--io=") + io, "Stopped.fble"}).out, "second\n") << io;
  }
}

/// The signal comes after the scheduler has looked for one, and before it waits.
TEST_F(FaultsTest, AnInterruptJustBeforeAWaitIsNotLost) {
  for (const char* io : {"uring", "epoll", "blocking"}) {
    const CommandResult result = run_with("poll:SIGINT:1", threads_words(io, "Interrupted"));
    EXPECT_EQ(result.status, 130) << io;
    EXPECT_EQ(result.out, "waits\nthread cleaned\nmain cleaned\n") << io;
  }
}

TEST_F(FaultsTest, ADiskThatFillsUpEndsTheThreadThatWrites) {
  for (const char* io : {"uring", "epoll", "blocking"}) {
    const CommandResult result = run_with("write:ENOSPC:1+", threads_words(io, "Files"));
    EXPECT_NE(result.status, 0) << io;
    EXPECT_GT(result.status, 0) << io;
  }
}

TEST_F(FaultsTest, DisksThatFillUpLater) {
  for (const Subcommand& sub : subcommands()) {
    const std::vector<std::string>& words = sub.long_words.empty() ? sub.words : sub.long_words;
    if (!sub.has_output || std::string(sub.name) == "suite" || std::string(sub.name) == "bisect") continue;
    // The output's first byte arrives, then there is no more room; the message does not need the second write.
    const CommandResult result = run_with("write:short:1;write:ENOSPC:2", words);
    EXPECT_EQ(result.status, sub.statuses.other_error) << words_text(words);
    EXPECT_EQ(result.out.size(), 1) << words_text(words);
    EXPECT_EQ(result.err, "error: cannot write to standard output: No space left on device\n") << words_text(words);
  }
  const CommandResult silent = run_with("write:ENOSPC:1+", {"--mistake"});
  EXPECT_EQ(silent.status, 116);
  EXPECT_EQ(silent.err, "");
}

TEST_F(FaultsTest, FilesThatCannotBeOpenedOrRead) {
  for (const Subcommand& sub : subcommands()) {
    if (std::string(sub.name) == "suite" || std::string(sub.name) == "bisect") continue;
    const CommandResult usual = run_with("", sub.words);
    for (const char* plan : {"open:EMFILE:1+", "read:EIO:1+", "open:EMFILE:2", "read:EIO:2"}) {
      const CommandResult result = run_with(plan, sub.words);
      if (result.status == 0) {
        EXPECT_EQ(result.out, usual.out) << sub.name << " with " << plan;
        continue;
      }
      EXPECT_GT(result.status, 0) << sub.name << " with " << plan;
      EXPECT_THAT(result.err, HasSubstr("error: ")) << sub.name << " with " << plan;
    }
  }
}

#if !__has_feature(address_sanitizer)  // it has an allocator of its own
class AllocationFaultsTest : public FaultsTest {
 protected:
  void expect_usual_or_out_of_memory(const Subcommand& sub, const std::string& plan, const CommandResult& usual) const {
    const CommandResult result = run_with(plan, sub.words);
    const std::string where = std::string(sub.name) + " with " + plan + ": " + result.err;
    if (result.status == usual.status) {
      EXPECT_EQ(result.out, usual.out) << where;
      EXPECT_EQ(result.err, usual.err) << where;
      return;
    }
    EXPECT_EQ(result.status, sub.statuses.out_of_memory) << where;
    EXPECT_THAT(result.err, HasSubstr("out of memory")) << where;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << where;
  }
};

TEST_F(AllocationFaultsTest, TheNthAllocation) {
  for (const Subcommand& sub : subcommands()) {
    if (std::string(sub.name) == "suite" || std::string(sub.name) == "bisect") continue;
    const CommandResult usual = run_with("", sub.words);
    for (uint64_t n = 1; n < 100'000; n += 1 + n / 4) {
      expect_usual_or_out_of_memory(sub, "malloc:ENOMEM:" + std::to_string(n), usual);
      expect_usual_or_out_of_memory(sub, "malloc:ENOMEM:" + std::to_string(n) + "+", usual);
    }
    for (uint64_t n = 1; n < 30; ++n) {
      expect_usual_or_out_of_memory(sub, "mmap:ENOMEM:" + std::to_string(n), usual);
      expect_usual_or_out_of_memory(sub, "mmap:ENOMEM:" + std::to_string(n) + "+", usual);
    }
  }
}

TEST_F(AllocationFaultsTest, OneInMany) {
  for (const Subcommand& sub : subcommands()) {
    const CommandResult usual = run_with("", sub.words);
    for (int seed = 1; seed <= 8; ++seed) {
      const std::string plan = "malloc:ENOMEM:1000%" + std::to_string(seed);
      if (std::string(sub.name) == "suite" || std::string(sub.name) == "bisect") {
        // Their children have the faults, too, and the command reports how they ended.
        const CommandResult result = run_with(plan, sub.words);
        EXPECT_THAT(result.status, testing::AnyOf(0, 1, 5, 6)) << sub.name << " with " << plan << ": " << result.err;
      } else {
        expect_usual_or_out_of_memory(sub, plan, usual);
      }
    }
  }
}
#endif

}  // namespace
}  // namespace fble
