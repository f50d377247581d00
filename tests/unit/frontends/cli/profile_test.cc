// `fble-jit profile`: the program does what it does without, and the profile says where its time goes.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <regex>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// Two loops that are the same but for their names: Right has three times as many turns as Left. They take turns, in
/// rounds that are much shorter than a time slice, as a busy machine is not as fast all the time. Each call has another
/// sum, so that no memo remembers it, and no difference is negative, so that both have the same machine code. The
/// functions that they call are compiled into them.
constexpr const char* kTwins = R"(
Int@, Add, Sub, 0, 1 .= /Std/Int%;
Lt .= /Std/Int/Cmp%;
Int .= /Std/Int/Lit%;
Show .= /Std/Int/Show%;
Char@ .= /Std/Char%;
Main@, Success .= /Std/Io/Cli%;
Io@ .= /Std/Io%;
List@ .= /Std/List%;
Monad@ .= /Std/Monad%;
Out@ .= /Std/Stream/Out%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;

(Int@, Int@) { Int@; } LeftWork = (Int@ a, Int@ b) {
  Sub(Add(Add(a, b), Add(a, 1)), Add(a, a));
};
(Int@, Int@) { Int@; } Left = (Int@ n, Int@ sum) {
  Lt(0, n).?(false: sum);
  Left(Sub(n, 1), LeftWork(n, sum));
};
(Int@, Int@) { Int@; } RightWork = (Int@ a, Int@ b) {
  Sub(Add(Add(a, b), Add(a, 1)), Add(a, a));
};
(Int@, Int@) { Int@; } Right = (Int@ n, Int@ sum) {
  Lt(0, n).?(false: sum);
  Right(Sub(n, 1), RightWork(n, sum));
};
(Int@, Int@) { Int@; } Both = (Int@ times, Int@ sum) {
  Lt(0, times).?(false: sum);
  Both(Sub(times, 1), Right(Int|TURNS3, Left(Int|TURNS1, sum)));
};

Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> _) {
  Out@<Char@, M@> out := m.do(/Std/Io/File/Utf8%.Stdout(m, io));
  Int@ sum = Both(Int|1000, 0);
  Unit@ _ := m.do(out(Show(sum)));
  m.return(Success);
};
Main;
)";

class ProfileCommand : public CommandTest {
 protected:
  void write_twins(const std::string& turns, const std::string& three_times) const {
    std::string text = std::regex_replace(kTwins, std::regex("TURNS1"), turns);
    write("Twins.fble", std::regex_replace(text, std::regex("TURNS3"), three_times));
  }
  CommandResult profile(std::vector<std::string> options, const std::vector<std::string>& program) const {
    options.insert(options.begin(), "profile");
    options.insert(options.end(), program.begin(), program.end());
    return run(options);
  }
  /// Returns the microseconds of each path, from --folded.
  std::map<std::string, double> folded() const {
    std::map<std::string, double> times;
    std::istringstream lines(read("folded"));
    for (std::string line; std::getline(lines, line);) {
      const size_t space = line.rfind(' ');
      times[line.substr(0, space)] += std::stod(line.substr(space + 1));
    }
    return times;
  }
  /// Returns the time of paths with the name, and of all.
  std::pair<double, double> time_of(const std::string& name) const {
    double some = 0;
    double all = 0;
    for (const auto& [path, time] : folded()) {
      all += time;
      if ((path + ";").find(name + ";") != std::string::npos) some += time;
    }
    return {some, all};
  }
};

TEST_F(ProfileCommand, ChangesNothingInAllModes) {
  write_twins("3", "9");
  const CommandResult plain = run({"Twins.fble"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  const std::vector<std::vector<std::string>> modes = {
      {"--jit=off"},
      {"--jit=on"},
      {"--jit=eager", "--deopt-every=3"},
      {"--jit=eager", "--chaos=1"},
      {"--jit=off", "--gc-stress=1"},
      {"--jit=eager", "--gc-stress=1", "--heap-verify"},
      {"--jit=eager", "--shadow-check"},
  };
  for (std::vector<std::string> mode : modes) {
    mode.insert(mode.end(), {"--rate", "20000", "--folded", "folded"});
    const CommandResult result = profile(mode, {"Twins.fble"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, plain.out);
    EXPECT_THAT(result.err, HasSubstr(" s of processor time")) << mode[0];
    EXPECT_THAT(read("folded"), HasSubstr("[root];")) << mode[0];
  }
}

// The system may stop a virtual machine for a hundredth of a second, which is then the time of one sample. So the
// shares are medians of three runs, with thousands of samples each.
TEST_F(ProfileCommand, TwinsHaveTheSharesOfTheirWork) {
  constexpr int kTurns = 240'000;
  for (const int ratio : {1, 3, 10, 20}) {
    write_twins(std::to_string(kTurns / (ratio + 1)), std::to_string(kTurns / (ratio + 1) * ratio));
    std::vector<double> shares;
    std::string report;
    for (int i = 0; i < 3; ++i) {
      const CommandResult result = profile({"--rate", "20000", "--folded", "folded"}, {"Twins.fble"});
      ASSERT_EQ(result.status, 0) << result.err;
      const double left = time_of("/Twins%.Left").first;
      const double right = time_of("/Twins%.Right").first;
      shares.push_back(100 * left / (left + right));
      EXPECT_GT(left + right, 0.8 * time_of("").second) << result.err;
      // The functions that are compiled into the loops are there, too.
      EXPECT_GT(time_of("/Twins%.Right;/Twins%.RightWork").first, 0);
      EXPECT_THAT(result.err, HasSubstr("/Twins%.RightWork  "));
      EXPECT_LE(time_of("[unknown]").first, time_of("").second / 1000);
      report += result.err;
    }
    std::ranges::sort(shares);
    EXPECT_NEAR(shares[1], 100.0 / (1 + ratio), 3) << testing::PrintToString(shares) << report;
  }
}

TEST_F(ProfileCommand, WritesAllFormats) {
  write_twins("10_000", "30_000");
  const CommandResult result = profile({"--html", "page.html", "--pprof", "profile.pb.gz", "--speedscope",
                                        "profile.json", "--folded", "folded", "--annotate", "Twins.fble"},
                                       {"Twins.fble"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(read("page.html"), HasSubstr("/Twins%.Right"));
  EXPECT_EQ(read("profile.pb.gz").substr(0, 2), "\x1f\x8b");
  EXPECT_THAT(read("profile.json"), HasSubstr("/Twins%.Right"));
  EXPECT_THAT(result.err, HasSubstr("   self    total  ./Twins.fble\n"));
  EXPECT_THAT(result.err, testing::ContainsRegex("[0-9]\\.[0-9] %    [ 0-9]+   Right\\(Sub\\(n, 1\\)"));
}

/// Two functions that make the same cells: what Keep makes lives to the end, and Waste makes three times as many that
/// die young. The numbers are so large that no cell fits into a word.
constexpr const char* kCells = R"(
Int@, Add, Decr, Exp2, 0 .= /Std/Int%;
Int .= /Std/Int/Lit%;
Show .= /Std/Int/Show%;
IsZero .= /Std/Int/Sign%;
Print .= /Std/Io/Cli/Print%;
Unit@, Unit .= /Std/Unit%;

Numbers@ = +(*(Int@ head, Numbers@ tail) items, Unit@ empty);
Numbers@ None = Numbers@(empty: Unit);
Int@ Large = Exp2(Int|61);
(Int@, Numbers@) { Numbers@; } Keep = (Int@ n, Numbers@ tail) {
  IsZero(n).?(true: tail);
  Int@ head = Add(n, Large);
  Keep(Decr(n), Numbers@(items: @(head, tail)));
};
(Int@, Numbers@) { Numbers@; } Waste = (Int@ n, Numbers@ tail) {
  IsZero(n).?(true: tail);
  Int@ head = Add(n, Large);
  Waste(Decr(n), Numbers@(items: @(head, tail)));
};
(Int@, Int@) { Int@; } Repeat = (Int@ times, Int@ sum) {
  IsZero(times).?(true: sum);
  Repeat(Decr(times), Add(sum, Waste(Int|100, None).items.head));
};
(Numbers@, Int@) { Int@; } Length = (Numbers@ list, Int@ sum) {
  list.?(empty: sum);
  Length(list.items.tail, Add(sum, Int|1));
};

Numbers@ kept = Keep(Int|1_000_000, None);
Int@ sum = Repeat(Int|30_000, 0);
Print(Show(Add(sum, Length(kept, 0))));
)";

TEST_F(ProfileCommand, AllocationsHaveTheirSharesAndSurvivors) {
  write("Cells.fble", kCells);
  const CommandResult plain = run({"Cells.fble"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  for (const char* jit : {"off", "on", "eager"}) {
    const CommandResult result = profile({"--alloc=16K", "--jit", jit, "--folded", "folded"}, {"Cells.fble"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, plain.out);
    const double keep = time_of("/Cells%.Keep").first;
    const double waste = time_of("/Cells%.Waste").first;
    EXPECT_NEAR(100 * keep / (keep + waste), 25, 3) << jit << result.err;
    // A cell has three words.
    EXPECT_NEAR((keep + waste) / (4'000'000 * 24), 1, 0.1) << jit << result.err;
    EXPECT_GT(keep + waste, 0.95 * time_of("").second) << jit << result.err;
    EXPECT_EQ(time_of("[unknown]").first, 0) << jit;
    // The cells of Waste that survive are those of the lists that collections find unfinished.
    const std::regex row(R"( *[0-9.]+ % +[0-9.]+ MB +([0-9.]+) % +([0-9.]+) %  (\S+)  .*\n)");
    std::map<std::string, double> survived;
    for (std::sregex_iterator at(result.err.begin(), result.err.end(), row), end; at != end; ++at) {
      survived.try_emplace((*at)[3], std::stod((*at)[1]));
    }
    EXPECT_GT(survived["/Cells%.Keep"], 97) << jit << result.err;
    ASSERT_TRUE(survived.contains("/Cells%.Waste")) << jit << result.err;
    EXPECT_LT(survived["/Cells%.Waste"], 5) << jit << result.err;
  }
}

TEST_F(ProfileCommand, AllocationsAreSampledInAllModes) {
  const std::string few = std::regex_replace(kCells, std::regex("1_000_000"), "3_000");
  write("Cells.fble", std::regex_replace(few, std::regex("30_000"), "30"));
  const CommandResult plain = run({"Cells.fble"});
  const std::vector<std::vector<std::string>> modes = {
      {"--jit=eager", "--deopt-every=3"},
      {"--jit=eager", "--chaos=1"},
      {"--jit=eager", "--shadow-check"},
      {"--jit=eager", "--gc-stress=7", "--heap-verify"},
      {"--nursery", "64"},
  };
  for (std::vector<std::string> mode : modes) {
    mode.insert(mode.end(), {"--alloc=100", "--folded", "folded"});
    const CommandResult result = profile(mode, {"Cells.fble"});
    ASSERT_EQ(result.status, 0) << mode[0] << result.err;
    EXPECT_EQ(result.out, plain.out);
    const double keep = time_of("/Cells%.Keep").first;
    EXPECT_NEAR(keep, time_of("/Cells%.Waste").first, 0.25 * keep) << mode[0] << mode[1] << result.err;
  }
}

TEST_F(ProfileCommand, ShowsPicturesWhileTheProgramRuns) {
  write_twins("400_000", "1_200_000");
  const CommandResult plain = profile({"--live"}, {"Twins.fble"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  const std::regex picture(
      R"(\d+ samples in [0-9.]+ s of processor time\n\n   self    total  function\n)"
      R"(( *[0-9.]+ % +[0-9.]+ %  \S+.*\n)+\n   self    total  line\n( *[0-9.]+ % +[0-9.]+ %  .*:\d+\n)+\n)");
  EXPECT_TRUE(std::regex_search(plain.err, picture)) << plain.err;
  EXPECT_EQ(plain.err.find('\x1b'), std::string::npos);
  // On a terminal, the last row stays free, and at the end the screen is what it was.
  const CommandResult terminal = run({"profile", "--live", "--jit=on", "Twins.fble"}, "", {},
                                     "script -q -e -c \"stty rows 10 columns 30; exec $*\" typescript");
  ASSERT_EQ(terminal.status, 0) << terminal.err << terminal.out;
  const std::string screen = read("typescript");
  EXPECT_THAT(screen, HasSubstr("\x1b[?1049h"));
  EXPECT_THAT(screen, HasSubstr("\x1b[?1049l"));
  const size_t start = screen.find("\x1b[2J") + 4;
  const std::string first = screen.substr(start, screen.find('\x1b', start) - start);
  EXPECT_LE(std::ranges::count(first, '\n'), 9) << first;
  std::istringstream rows(first);
  for (std::string row; std::getline(rows, row);) EXPECT_LE(row.size(), 31u) << row;
}

TEST_F(ProfileCommand, CountsAreExactInAllModes) {
  write_twins("3", "9");
  const std::vector<std::string> options = {"--counts", "--annotate", "Twins.fble", "--pprof", "counts.pb.gz"};
  std::vector<std::string> interpreted = options;
  interpreted.emplace_back("--jit=off");
  const CommandResult expected = profile(interpreted, {"Twins.fble"});
  ASSERT_EQ(expected.status, 0) << expected.err;
  // In each of 1000 rounds, Left and Right are called with all numbers from 3 and 9 down to 0.
  EXPECT_THAT(expected.err, testing::ContainsRegex(" 10000  +[0-9]+  /Twins%\\.Right  "));
  EXPECT_THAT(expected.err, testing::ContainsRegex(" 3000  +[0-9]+  /Twins%\\.LeftWork  "));
  EXPECT_THAT(expected.err, testing::ContainsRegex("  +9000  +[0-9]+  +[0-9]+   Right\\(Sub\\(n, 1\\)"));
  const std::string bytes = read("counts.pb.gz");
  EXPECT_EQ(bytes.substr(0, 2), "\x1f\x8b");
  const std::vector<std::vector<std::string>> modes = {
      {"--jit=on"},
      {"--jit=eager"},
      {"--jit=eager", "--deopt-every=3"},
      {"--jit=eager", "--chaos=1", "--gc-stress=1"},
      {"--jit=eager", "--deopt-sweep"},
      {"--jit=eager", "--shadow-check", "--deopt-every=5"},
  };
  for (std::vector<std::string> mode : modes) {
    mode.insert(mode.end(), options.begin(), options.end());
    const CommandResult result = profile(mode, {"Twins.fble"});
    EXPECT_EQ(result.status, 0) << mode[0] << mode[1];
    EXPECT_EQ(result.out, expected.out);
    EXPECT_EQ(result.err, expected.err) << mode[0] << mode[1];
    EXPECT_EQ(read("counts.pb.gz"), bytes);
  }
}

TEST_F(ProfileCommand, GoReadsThePprof) {
  write_twins("10_000", "30_000");
  if (run({}, "", {}, "go version").status != 0) GTEST_SKIP() << "go is not there";
  ASSERT_EQ(profile({"--pprof", "profile.pb.gz"}, {"Twins.fble"}).status, 0);
  const CommandResult top = run({}, "", {"HOME=.", "PPROF_TMPDIR=."}, "go tool pprof -top profile.pb.gz");
  EXPECT_EQ(top.status, 0) << top.err;
  EXPECT_THAT(top.out, HasSubstr("Type: cpu"));
  EXPECT_THAT(top.out, HasSubstr("/Twins%.Right"));
  ASSERT_EQ(profile({"--counts", "--pprof", "counts.pb.gz"}, {"Twins.fble"}).status, 0);
  const CommandResult counts =
      run({}, "", {"HOME=.", "PPROF_TMPDIR=."}, "go tool pprof -top -sample_index=calls counts.pb.gz");
  EXPECT_THAT(counts.out, testing::ContainsRegex(" 30001000 .* /Twins%\\.Right"));
}

TEST_F(ProfileCommand, MistakesAreReported) {
  write_twins("3", "9");
  EXPECT_EQ(profile({"--rate", "0"}, {"Twins.fble"}).status, 116);
  EXPECT_EQ(profile({"--rate", "100001"}, {"Twins.fble"}).status, 116);
  EXPECT_EQ(profile({"--alloc=0"}, {"Twins.fble"}).status, 116);
  EXPECT_EQ(profile({"--alloc", "--live"}, {"Twins.fble"}).status, 116);
  for (const char* other : {"--alloc", "--live", "--html=page", "--speedscope=page", "--folded=page"}) {
    EXPECT_EQ(profile({"--counts", other}, {"Twins.fble"}).status, 116) << other;
  }
  EXPECT_EQ(run({"--profile", "a", "--profile-blocks", "b", "Twins.fble"}).status, 116);
  const CommandResult result = profile({"--annotate", "None.fble", "--folded", "no/folder"}, {"Twins.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("error: nothing of None.fble is in the profile\n"));
  EXPECT_THAT(result.err, HasSubstr("no/folder"));
  write("Bad.fble", "Bad");
  EXPECT_EQ(profile({}, {"Bad.fble"}).status, 114);
}

}  // namespace
}  // namespace fble
