// FBLE_JIT_PERF=1: perf shows traces by name, and nothing else is written through the file with the names.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

class PerfTest : public CommandTest {
 protected:
  const std::vector<std::string> program_{"--jit=on", FBLE_SOURCE_DIR "/tests/bench/programs/IntegerLoop.fble"};

  std::vector<std::string> with_turns(const std::string& turns) const {
    std::vector<std::string> words = program_;
    words.push_back(turns);
    return words;
  }
  /// Runs the program as a process whose number the script knows as $$.
  CommandResult run_named(const std::string& before) const {
    return run(with_turns("100000"), "", {"FBLE_JIT_PERF=1"}, before + "; echo $$ > pid; exec \"$@\"");
  }
  std::string map_name() const {
    const std::string pid = read("pid");
    return "/tmp/perf-" + pid.substr(0, pid.find('\n')) + ".map";
  }
};

TEST_F(PerfTest, ReportsTracesByName) {
  ASSERT_EQ(run({}, "", {}, "perf --version").status, 0) << "linux-perf is missing (scripts/install_packages.sh)";
  const std::string record = "perf record -q -e cpu-clock:u -F 2000 -o data ";
  if (run({}, "", {}, record + "true").status != 0) GTEST_SKIP() << "the system does not let this user record";
  ASSERT_EQ(run(with_turns("100000000"), "", {"FBLE_JIT_PERF=1"}, record + "\"$@\"").status, 0);
  EXPECT_THAT(run({}, "", {}, "perf report -q -i data --stdio --sort symbol").out, HasSubstr("trace 0 /IntegerLoop%"));
}

TEST_F(PerfTest, AnnotatesMachineCodeWithSourceLines) {
  const std::string record = "perf record -q -k mono -e cpu-clock:u -F 2000 -o data ";
  if (run({}, "", {}, record + "true").status != 0) GTEST_SKIP() << "perf is not there or must not record";
  const CommandResult recorded =
      run(with_turns("100000000"), "", {"FBLE_JIT_PERF=dump"}, record + "sh -c 'echo $$ > pid; exec \"$@\"' sh \"$@\"");
  ASSERT_EQ(recorded.status, 0) << recorded.err;
  ASSERT_EQ(run({}, "", {"HOME=."}, "perf inject -j -i data -o with-code").status, 0);
  EXPECT_THAT(run({}, "", {"HOME=."}, "perf report -q -i with-code --stdio --sort symbol").out,
              HasSubstr("trace 0 /IntegerLoop%"));
  const CommandResult lines = run({}, "", {"HOME=."}, "perf report -q -i with-code --stdio --sort srcline");
  EXPECT_THAT(lines.out, HasSubstr("IntegerLoop.fble:"));
  // The file, and those that perf makes of it.
  const std::string pid = read("pid").substr(0, read("pid").find('\n'));
  for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
    const std::string name = entry.path().filename();
    if (name == "jit-" + pid + ".dump" || name.starts_with("jitted-" + pid + "-"))
      std::filesystem::remove(entry.path());
  }
}

TEST_F(PerfTest, TheNamesAreForThisUserAlone) {
  ASSERT_EQ(run_named("umask 0").status, 0);
  struct stat found{};
  ASSERT_EQ(lstat(map_name().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode, S_IFREG | 0600u);
  EXPECT_GT(found.st_size, 0);
  std::filesystem::remove(map_name());
}

TEST_F(PerfTest, AFileOfAnEarlierProcessIsReplaced) {
  ASSERT_EQ(run_named("echo old > /tmp/perf-$$.map").status, 0);
  std::ifstream names(map_name());
  const std::string text{std::istreambuf_iterator<char>(names), {}};
  EXPECT_THAT(text, HasSubstr("trace "));
  EXPECT_THAT(text, Not(HasSubstr("old")));
  std::filesystem::remove(map_name());
}

TEST_F(PerfTest, ALinkIsNotFollowed) {
  write("mine", "precious");
  const CommandResult result = run_named("ln -s \"$PWD/mine\" /tmp/perf-$$.map");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(read("mine"), "precious");
  EXPECT_THAT(result.err, HasSubstr("no names of traces: " + map_name()));
  std::filesystem::remove(map_name());
}

}  // namespace
}  // namespace fble
