// Suites of annotated tests: frontends/cli/testing/suite.cc.
#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class SuiteTest : public CommandTest {
 protected:
  SuiteTest() {
    write("s/a/Good.fble", "# @@fble-test@@ no-error\n/a/Helper%;\n");
    write("s/a/Helper.fble", "# @@fble-test@@ none\nUnit@ = *();\nUnit@();\n");
    write("s/a/NotATest.fble", "x;\n");
    write("s/b-1/It's odd.fble", "# @@fble-test@@ compile-error 2:1\nx;\n");
    write("s/b-1/Warning.fble", "# @@fble-test@@ compile-warning 3:7\nUnit@ = *();\nUnit@ x = Unit@();\nUnit@();\n");
    write("s/b-1/Fails.fble",
          "# @@fble-test@@ runtime-error 4:16\nUnit@ = *();\nE@ = +(Unit@ a, Unit@ b);\nE@(a: Unit@()).b;\n");
    write("s/b-1/Later.fble",
          "# A test whose annotation is not on the first line.\n# @@fble-test@@ xfail\n"
          "# @@fble-test@@ compile-error 4:1\nx;\n");
    write("s/c/Module.fble", "# @@fble-test@@ compile-module\n/c/Headed%;\n");
    write("s/c/Headed.fble.@", "*();\n");
  }
};

TEST_F(SuiteTest, AllPass) {
  const CommandResult result = run({"suite", "s", "--modes", "interp,gc-stress"});
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_EQ(result.out, "6 tests and 1 modules that they use\n11 passed, 0 failed\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(SuiteTest, FailuresAreTold) {
  write("s/d/Bad.fble", "# @@fble-test@@ no-error\nx;\n");
  write("s/d/Place.fble", "# @@fble-test@@ compile-error 9:9\nx;\n");
  write("s/d/Kind.fble", "# @@fble-test@@ strange\n*();\n");
  const CommandResult result = run({"suite", "s", "--jobs", "1"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("FAIL d/Bad [no-error] (interp): exit status 2, not 0: "));
  EXPECT_THAT(result.out, HasSubstr("FAIL d/Place [compile-error 9:9] (interp): no ':9:9: error' in the output: "));
  EXPECT_THAT(result.out, HasSubstr("FAIL d/Kind [strange] (-): unknown kind of test\n"));
  EXPECT_THAT(result.out, EndsWith("6 passed, 3 failed\n"));
}

TEST_F(SuiteTest, TheRootMayBeAFolderAbove) {
  write("s/b-1/Mentions.fble", "# @@fble-test@@ no-error\n/a/Helper%;\n");
  EXPECT_EQ(run({"suite", "--root", "s", "s/b-1"}).status, 0);
  EXPECT_EQ(run({"suite", "s/b-1"}).status, 1);
  EXPECT_EQ(run({"suite", "--root", "s/a", "s/b-1"}).status, 2);
}

TEST_F(SuiteTest, Filters) {
  const CommandResult result = run({"suite", "s", "--filter", "b-1/F*", "--filter", "c/*"});
  EXPECT_THAT(result.out, EndsWith("2 passed, 0 failed\n"));
}

TEST_F(SuiteTest, NoTestsAreNoSuccess) { EXPECT_EQ(run({"suite", "s", "--filter", "nothing"}).status, 1); }

TEST_F(SuiteTest, Timeouts) {
  // A module that counts for longer than the test waits.
  write("t/Long.fble", R"(# @@fble-test@@ no-error
Unit@ = *();
(Unit@) { Unit@; } Loop = (Unit@ x) { Loop(x); };
Loop(Unit@());
)");
  const CommandResult result = run({"suite", "t", "--timeout", "1"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("timed out"));
}

}  // namespace
}  // namespace fble
