#include "frontends/cli/testing/bisect.h"

#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

TEST(Bisect, FindsTheFirstBadDecision) {
  for (const uint64_t bad : {1u, 2u, 3u, 7u, 500u, 999u, 1000u}) {
    const Bisection found = bisect_fuel(
        [&](uint64_t fuel) {
          const uint64_t done = std::min<uint64_t>(fuel, 1000);
          return ChaosRun{.good = done < bad, .disturbances = done, .last = std::to_string(done)};
        },
        UINT64_MAX);
    EXPECT_TRUE(found.failed);
    EXPECT_FALSE(found.failed_undisturbed);
    EXPECT_EQ(found.fuel, bad);
    EXPECT_EQ(found.disturbance, std::to_string(bad));
    EXPECT_LE(found.runs, 13u);
  }
}

TEST(Bisect, AGoodRunHasNone) {
  const Bisection found = bisect_fuel([](uint64_t) { return ChaosRun{}; }, 10);
  EXPECT_FALSE(found.failed);
  EXPECT_EQ(found.runs, 1u);
}

TEST(Bisect, WhatFailsUndisturbedIsTold) {
  const Bisection found = bisect_fuel([](uint64_t fuel) { return ChaosRun{.good = false, .disturbances = fuel}; }, 10);
  EXPECT_TRUE(found.failed_undisturbed);
}

class BisectTest : public CommandTest {
 protected:
  BisectTest() {
    write("M.fble", R"(
Unit@ = *();
Nat@ = +(Nat@ s, Unit@ z);
(Nat@, Nat@) { Nat@; } Add = (Nat@ a, Nat@ b) { a.?(s: Nat@(s: Add(a.s, b)), z: b); };
Nat@ 1 = Nat@(s: Nat@(z: Unit@()));
Nat@ 2 = Add(1, 1);
Nat@ 4 = Add(2, 2);
Add(4, Add(4, 4));
)");
  }
};

TEST_F(BisectTest, FindsNothingWhereNothingIsWrong) {
  CommandResult result = run({"bisect", "--evaluate", "--jit=eager", "--seeds", "3", "M.fble"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "nothing goes wrong with --chaos=1 to 3\n");
  result = run({"bisect", "--evaluate", "--jit=eager", "--chaos=9", "M.fble"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "nothing goes wrong with --chaos=9\n");
}

TEST_F(BisectTest, TellsWhatIsWrongWithoutDisturbance) {
  // The interpreter has nothing to log.
  const CommandResult result = run({"bisect", "--evaluate", "--log=trace", "--jit=eager", "M.fble"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("--chaos=1 goes wrong: exit status 0, where --jit=off has exit status 0\n"));
  EXPECT_THAT(result.out, HasSubstr("without any disturbance"));
}

TEST_F(BisectTest, RefusesWhatIsNeverTheSame) {
  write("Clock.fble", R"(
Char@ .= /Std/Char%;
Int .= /Std/Int/Lit%;
Io@ .= /Std/Io%;
List@ .= /Std/List%;
Main@ .= /Std/Io/Cli%;
Monad@ .= /Std/Monad%;
Out@ .= /Std/Stream/Out%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
Int@ .= /Std/Int%;
Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> _) {
  Out@<Char@, M@> out := m.do(/Std/Io/File/Utf8%.Stdout(m, io));
  Int@ now := m.do(io.run(/Std/Io/Clock%.Ticks));
  Unit@ _ := m.do(out(/Std/Stream/String%.String(/Std/Int/Show%.Text(Int|10, now))));
  m.return(Int|0);
};
Main;
)");
  const CommandResult result = run({"bisect", "Clock.fble"});
  EXPECT_EQ(result.status, 5) << result.out;
  EXPECT_EQ(result.err, "error: with --jit=off the program does not do the same twice\n");
}

TEST_F(BisectTest, ProgramsThatDoNotCompileDoSoAlways) {
  write("Bad.fble", "x;\n");
  const CommandResult result = run({"bisect", "--seeds", "1", "Bad.fble"});
  EXPECT_EQ(result.status, 0) << result.out;
}

TEST_F(BisectTest, DisturbancesAreLogged) {
  const CommandResult result = run({"test", "--jit=eager", "--chaos=2", "--log=chaos", "M.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, testing::StartsWith("[chaos 1: "));
}

}  // namespace
}  // namespace fble
