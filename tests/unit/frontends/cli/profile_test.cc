// `fble-jit profile`: the program does what it does without, and the profile says where its time goes.
#include <gmock/gmock.h>

#include <map>
#include <regex>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// Two loops that are the same but for their names: Right has three times as many turns as Left. They take turns, as a
/// busy machine is not as fast all the time. The functions that they call are compiled into them.
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
  Sub(Add(a, b), Add(Sub(a, b), b));
};
(Int@, Int@) { Int@; } Left = (Int@ n, Int@ sum) {
  Lt(0, n).?(false: sum);
  Left(Sub(n, 1), LeftWork(n, sum));
};
(Int@, Int@) { Int@; } RightWork = (Int@ a, Int@ b) {
  Sub(Add(a, b), Add(Sub(a, b), b));
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
  Int@ sum = Both(Int|100, 0);
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
  write_twins("30", "90");
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

TEST_F(ProfileCommand, TwinsHaveTheSharesOfTheirWork) {
  write_twins("400_000", "1_200_000");
  const CommandResult result = profile({"--rate", "20000", "--folded", "folded"}, {"Twins.fble"});
  ASSERT_EQ(result.status, 0) << result.err;
  const double left = time_of("/Twins%.Left").first;
  const double right = time_of("/Twins%.Right").first;
  EXPECT_NEAR(100 * left / (left + right), 25, 3) << result.err;
  EXPECT_GT(left + right, 0.8 * time_of("").second);
  // The functions that are compiled into the loops are there, too.
  EXPECT_GT(time_of("/Twins%.Right;/Twins%.RightWork").first, 0);
  EXPECT_THAT(result.err, HasSubstr("/Twins%.RightWork  "));
  EXPECT_LE(time_of("[unknown]").first, time_of("").second / 1000);
}

TEST_F(ProfileCommand, WritesAllFormats) {
  write_twins("100_000", "300_000");
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

TEST_F(ProfileCommand, GoReadsThePprof) {
  write_twins("100_000", "300_000");
  if (run({}, "", {}, "go version").status != 0) GTEST_SKIP() << "go is not there";
  ASSERT_EQ(profile({"--pprof", "profile.pb.gz"}, {"Twins.fble"}).status, 0);
  const CommandResult top = run({}, "", {"HOME=.", "PPROF_TMPDIR=."}, "go tool pprof -top profile.pb.gz");
  EXPECT_EQ(top.status, 0) << top.err;
  EXPECT_THAT(top.out, HasSubstr("Type: cpu"));
  EXPECT_THAT(top.out, HasSubstr("/Twins%.Right"));
}

TEST_F(ProfileCommand, MistakesAreReported) {
  write_twins("3", "9");
  EXPECT_EQ(profile({"--rate", "0"}, {"Twins.fble"}).status, 116);
  EXPECT_EQ(profile({"--rate", "100001"}, {"Twins.fble"}).status, 116);
  const CommandResult result = profile({"--annotate", "None.fble", "--folded", "no/folder"}, {"Twins.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("error: no samples in None.fble\n"));
  EXPECT_THAT(result.err, HasSubstr("no/folder"));
  write("Bad.fble", "Bad");
  EXPECT_EQ(profile({}, {"Bad.fble"}).status, 114);
}

}  // namespace
}  // namespace fble
