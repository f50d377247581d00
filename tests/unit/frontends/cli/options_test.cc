// Usage: options, their mistakes and --help.
#include <gmock/gmock.h>

#include "frontends/cli/cli.h"
#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class OptionsTest : public CommandTest {
 protected:
  /// Expects a mistake: one line with the error, and no standard output.
  void expect_mistake(const std::vector<std::string>& words, int status, const std::string& message) {
    const CommandResult result = run(words);
    EXPECT_EQ(result.status, status) << message;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
};

const Command& command(std::string_view name) {
  for (const Command& each : commands()) {
    if (each.name == name) return each;
  }
  ADD_FAILURE();
  return commands()[0];
}

Options parse(std::string_view name, std::vector<std::string> words) {
  Options options;
  EXPECT_TRUE(parse_options(command(name), words, options));
  return options;
}

TEST(ParseOptions, ModulesAndRoots) {
  const Options options = parse("test", {"-I", "a", "-Ib", "--module", "/M%", "-I", "c"});
  EXPECT_EQ(options.roots, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(options.module, "/M%");
}

TEST(ParseOptions, ArgumentsFollowTwoDashes) {
  const Options options = parse("", {"-m", "/M%", "--", "-x", "--", "y"});
  EXPECT_EQ(options.args, (std::vector<std::string>{"-x", "--", "y"}));
}

TEST(ParseOptions, ArgumentsFollowTheModule) {
  const Options options = parse("", {"-m", "/M%", "--stats", "word", "--stats", "--"});
  EXPECT_TRUE(options.stats);
  EXPECT_EQ(options.args, (std::vector<std::string>{"word", "--stats", "--"}));
}

TEST(ParseOptions, ArgumentsFollowTheFile) {
  const Options options = parse("", {"--jit=off", "x.fble", "-m", "--"});
  EXPECT_EQ(options.file, "x.fble");
  EXPECT_EQ(options.args, (std::vector<std::string>{"-m", "--"}));
}

TEST(ParseOptions, ValuesFollowEqualSigns) {
  const Options options = parse("mem-test", {"--module=/M%", "--max-heap=3M", "--gc-stress=5", "--deps-file=d",
                                             "--deps-target", "t", "--growth"});
  EXPECT_EQ(options.module, "/M%");
  EXPECT_EQ(options.heap.max_bytes, size_t{3} << 20);
  EXPECT_EQ(options.heap.stress, 5u);
  EXPECT_EQ(options.deps_file, "d");
  EXPECT_TRUE(options.growth);
}

TEST(ParseOptions, Sizes) {
  EXPECT_EQ(parse("", {"--max-heap", "4096", "a.fble"}).heap.max_bytes, 4096u);
  EXPECT_EQ(parse("", {"--max-heap", "64k", "a.fble"}).heap.max_bytes, 65536u);
  EXPECT_EQ(parse("", {"--max-heap", "2G", "a.fble"}).heap.max_bytes, size_t{2} << 30);
}

TEST(ParseOptions, Nursery) { EXPECT_EQ(parse("", {"--nursery=1K", "a.fble"}).heap.nursery_bytes, 1024u); }

TEST(ParseOptions, Disturbances) {
  const Options options = parse("", {"--deopt-at=3/14", "--deopt-sweep", "--shadow-check", "--chaos=7",
                                     "--chaos-fuel=0", "--log=trace,chaos", "a.fble"});
  const JitOptions& jit = options.jit;
  ASSERT_TRUE(jit.deopt_at);
  EXPECT_EQ(jit.deopt_at->trace, 3u);
  EXPECT_EQ(jit.deopt_at->exit, 14u);
  EXPECT_TRUE(jit.deopt_sweep && jit.shadow_check && jit.log_traces && jit.log_chaos);
  EXPECT_EQ(jit.chaos, 7u);
  EXPECT_EQ(jit.chaos_fuel, 0u);
  EXPECT_FALSE(parse("", {"--log=chaos", "a.fble"}).jit.log_traces);
}

TEST(ParseOptions, TheLastModeCounts) {
  EXPECT_TRUE(parse("", {"--jit=off", "a.fble"}).interprets);
  const Options on = parse("", {"--jit=off", "--jit=eager", "--jit=on", "a.fble"});
  EXPECT_FALSE(on.interprets || on.jit.eager);
  const Options eager = parse("", {"--jit=off", "--jit=eager", "a.fble"});
  EXPECT_FALSE(eager.interprets);
  EXPECT_TRUE(eager.jit.eager);
}

TEST(ParseOptions, TheLastListOfDumpsCounts) {
  const JitOptions jit = parse("", {"--dump=ir,asm", "--dump=asm,side-table", "a.fble"}).jit;
  EXPECT_FALSE(jit.dump_ir || jit.dump_bytecode);
  EXPECT_TRUE(jit.dump_asm && jit.dump_side_table);
}

TEST(ParseOptions, TunablesAreSetByName) {
  const JitOptions jit = parse("", {"--jit-param", "hot_calls=7", "--jit-param=max_depth=3", "a.fble"}).jit;
  EXPECT_EQ(jit.params.hot_calls, 7u);
  EXPECT_EQ(jit.params.max_depth, 3u);
  EXPECT_EQ(jit.params.hot_exits, JitParams().hot_exits);
  EXPECT_EQ(parse("", {"--jit-param", "memo_bits=0", "a.fble"}).jit.params.memo_bits, 0u);
}

TEST_F(OptionsTest, TunablesThatMustNotBeNone) {
  expect_mistake({"--jit-param=hot_calls=0", "a.fble"}, 116, "invalid argument to --jit-param option: 'hot_calls=0'");
}

TEST(ParseOptions, Threads) {
  const Options options =
      parse("", {"--threads-schedule=3:1,7:0", "--threads-yield", "5", "--threads-move", "--log=threads",
                 "--thread-param", "hot_stacks=2", "--threads-record=f", "a.fble"});
  EXPECT_EQ(options.threads.schedule, (Schedule{{3, 1}, {7, 0}}));
  EXPECT_EQ(options.threads.yield, 5u);
  EXPECT_TRUE(options.threads.moves && options.threads.log && options.threads.records);
  EXPECT_FALSE(options.jit.log_traces);
  EXPECT_EQ(options.threads.params.hot_stacks, 2u);
  EXPECT_EQ(parse("", {"--threads-seed=9", "a.fble"}).threads.seed, 9u);
}

TEST_F(OptionsTest, MistakesOfThreads) {
  expect_mistake({"--threads-schedule=3", "a.fble"}, 116, "--threads-schedule must be TURN:THREAD,..., not '3'");
  expect_mistake({"--threads-schedule=@none", "a.fble"}, 116, "cannot read the schedule: 'none'");
  expect_mistake({"--threads-seed=0", "a.fble"}, 116, "invalid argument to --threads-seed option: '0'");
  expect_mistake({"--threads-seed=1", "--threads-schedule=3:1", "a.fble"}, 116, "do not go together");
  expect_mistake({"--thread-param=stacks=1", "a.fble"}, 116, "--thread-param must be one of hot_stacks, ");
}

TEST(ParseOptions, WhereTheProgramBegins) {
  EXPECT_EQ(parse("bisect", {"--jit=eager", "--seeds", "5", "a.fble", "--x"}).words_before_program, 3u);
  EXPECT_EQ(parse("bisect", {"-m", "/M%", "--chaos=4", "--", "-x"}).words_before_program, 3u);
  EXPECT_EQ(parse("bisect", {"-m", "/M%", "word"}).words_before_program, 2u);
  EXPECT_EQ(parse("bisect", {"-m", "/M%"}).words_before_program, 2u);
}

TEST(ParseOptions, StressWithoutNumberIsOne) { EXPECT_EQ(parse("", {"--gc-stress", "a.fble"}).heap.stress, 1u); }

TEST_F(OptionsTest, MistakesWhenRunning) {
  expect_mistake({}, 116, "missing required --module option.");
  expect_mistake({"--bogus"}, 116, "invalid argument: '--bogus'");
  expect_mistake({"foo", "-m", "/M%"}, 116, "invalid argument: 'foo'");
  expect_mistake({"-m"}, 116, "missing argument to -m option.");
  expect_mistake({"-I"}, 116, "missing argument to -I option.");
  expect_mistake({"-m", "/A%", "-m", "/B%"}, 116, "duplicate module options");
  expect_mistake({"-m", ""}, 116, "the argument to -m is empty.");
  expect_mistake({"-p", "nope", "-m", "/A%"}, 116, "package 'nope' not found");
  expect_mistake({"-m", "/A%", "--deps-file", "x"}, 116, "--deps-file requires --deps-target.");
  expect_mistake({"-m", "/A%", "--deps-target", "x"}, 116, "--deps-target requires --deps-file.");
  expect_mistake({"-m", "/A%", "--deps-target", "x", "--deps-target", "y"}, 116, "duplicate --deps-target option.");
  expect_mistake({"--jit=maybe", "-m", "/A%"}, 116, "'maybe'");
  expect_mistake({"--jit", "-m"}, 116, "'-m'");
  expect_mistake({"--max-heap", "x", "-m", "/A%"}, 116, "invalid argument to --max-heap option: 'x'");
  expect_mistake({"--max-heap", "0", "-m", "/A%"}, 116, "invalid argument to --max-heap option: '0'");
  expect_mistake({"--nursery", "-1", "-m", "/A%"}, 116, "invalid argument to --nursery option: '-1'");
  expect_mistake({"--max-heap", "99999999999999999G", "-m", "/A%"}, 116, "invalid argument to --max-heap option");
  expect_mistake({"--gc-stress=0", "-m", "/A%"}, 116, "invalid argument to --gc-stress option: '0'");
  expect_mistake({"--deopt-at=7", "-m", "/A%"}, 116, "--deopt-at must be TRACE/EXIT, not '7'");
  expect_mistake({"--deopt-at=x/1", "-m", "/A%"}, 116, "--deopt-at must be TRACE/EXIT, not 'x/1'");
  expect_mistake({"--chaos=0", "-m", "/A%"}, 116, "invalid argument to --chaos option: '0'");
  expect_mistake({"--chaos-fuel=much", "-m", "/A%"}, 116, "invalid argument to --chaos-fuel option: 'much'");
  expect_mistake({"--chaos=1", "--deopt-every=2", "-m", "/A%"}, 116, "--chaos and --deopt-every do not go together.");
  expect_mistake({"--log=traces", "-m", "/A%"}, 116, "invalid argument to --log option: 'traces'");
  expect_mistake({"missing.fble"}, 116, "cannot read file 'missing.fble'");
  expect_mistake({""}, 116, "invalid argument: ''");
}

TEST_F(OptionsTest, TheProfilePeriodIsANumber) {
  expect_mistake({"--profile-sample-period", "often", "-m", "/A%"}, 116, "often");
  expect_mistake({"test", "--profile-sample-period", "-7", "-m", "/A%"}, 4, "-7");
}

TEST_F(OptionsTest, MistakesOfModulePaths) {
  expect_mistake({"-m", "a"}, 116, "'a':1:1: error: syntax error, unexpected WORD");
  expect_mistake({"test", "-m", "/A"}, 4, "'/A':1:3: error: syntax error, unexpected end of file");
}

TEST_F(OptionsTest, EachCommandHasItsStatusForMistakes) {
  for (const auto& [name, status] : {std::pair<std::string, int>{"test", 4},
                                     {"mem-test", 4},
                                     {"check", 2},
                                     {"disassemble", 2},
                                     {"deps", 2},
                                     {"bisect", 4},
                                     {"suite", 2}}) {
    expect_mistake({name, "--bogus"}, status, "invalid argument: '--bogus'");
  }
  expect_mistake({"test"}, 4, "missing required --module option.");
  expect_mistake({"test", "word"}, 4, "invalid argument: 'word'");
  expect_mistake({"test", "-m", "/A%", "a.fble"}, 4, "invalid argument: 'a.fble', as --module is given");
  expect_mistake({"deps", "-m", "/A%"}, 2, "missing required --target option.");
  expect_mistake({"suite"}, 2, "missing the folder");
  expect_mistake({"suite", ".", "--modes", "nope"}, 2, "unknown mode 'nope'");
  expect_mistake({"suite", "no-such-folder"}, 2, "cannot read folder 'no-such-folder'");
  expect_mistake({"check", "--all"}, 2, "--all requires the folders of -I or -p.");
  expect_mistake({"check", "--all", "-I", ".", "-m", "/A%"}, 2, "--all goes without a module.");
  expect_mistake({"check", "--all", "-I", ".", "a.fble"}, 2, "--all goes without a module.");
  expect_mistake({"test", "--all", "-I", "."}, 4, "invalid argument: '--all'");
  expect_mistake({"check", "--growth", "-m", "/A%"}, 2, "invalid argument: '--growth'");
}

TEST_F(OptionsTest, HelpNamesEveryOptionAndCommand) {
  const CommandResult main = run({"--help"});
  EXPECT_EQ(main.status, 0);
  EXPECT_EQ(main.err, "");
  for (const Command& each : commands()) {
    EXPECT_THAT(main.out, HasSubstr(each.name));
    std::vector<std::string> words{"-h"};
    if (each.name[0] != '\0') words.insert(words.begin(), each.name);
    const CommandResult help = run(words);
    EXPECT_EQ(help.status, 0);
    for (const char* part : {"Usage: fble-jit", "-h, --help", "Exit status:", "Example"}) {
      EXPECT_THAT(help.out, HasSubstr(part)) << each.name;
    }
  }
  EXPECT_THAT(main.out, HasSubstr("--max-heap SIZE"));
  EXPECT_THAT(main.out, HasSubstr("--gc-stress[=N]"));
}

TEST_F(OptionsTest, VersionIsOneLine) {
  for (const char* option : {"-v", "--version"}) {
    const CommandResult result = run({option});
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, StartsWith("fble-jit "));
    EXPECT_EQ(std::ranges::count(result.out, '\n'), 1);
  }
}

TEST_F(OptionsTest, HelpThatCannotBeWritten) {
  if (access("/dev/full", W_OK) != 0) return;
  EXPECT_NE(run({"--help"}, "", {}, "exec \"$@\" > /dev/full").status, 0);
}

}  // namespace
}  // namespace fble
