// From options to bytecode: frontends/cli/front_end.h.
#include "frontends/cli/front_end.h"

#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

TEST(DependencyRule, IsWrappedNear80Columns) {
  const std::string name(30, 'x');
  EXPECT_EQ(dependency_rule("t", {"a", "b"}), "t: a b\n");
  EXPECT_EQ(dependency_rule("t", {name, name, name}), "t: " + name + " " + name + " \\\n " + name + "\n");
  EXPECT_EQ(dependency_rule("t", {}), "t:\n");
}

TEST(DependencyRule, EscapesWhatMakeWouldSplit) {
  EXPECT_EQ(dependency_rule("t", {"a b", "$c#"}), "t: a\\ b $$c\\#\n");
}

class FrontEndTest : public CommandTest {};

TEST_F(FrontEndTest, ErrorsNameTheFileAsSearched) {
  write("src/A/B.fble", "x;");
  const CommandResult result = run({"test", "-I", "src", "-m", "/A/B%"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err, "src/A/B.fble:1:1: error: variable 'x' not defined\n");
}

TEST_F(FrontEndTest, ModulesThatAreNotThere) {
  const CommandResult result = run({"test", "-m", "/Nope%"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err, "'/Nope%':1:1: error: module /Nope% not found\n");
}

TEST_F(FrontEndTest, WarningsDoNotStopAProgram) {
  write("A.fble", "Unit@ = *();\nUnit@ x = Unit@();\nUnit@();\n");
  const CommandResult result = run({"test", "A.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "./A.fble:2:7: warning: variable 'x' defined but not used\n");
}

TEST_F(FrontEndTest, WritesADependencyFile) {
  write("A.fble", "/B%;");
  write("B.fble", "*();");
  EXPECT_EQ(run({"test", "-I", ".", "-m", "/A%", "--deps-file", "out.d", "--deps-target", "goal"}).status, 0);
  EXPECT_EQ(read("out.d"), "goal: ./A.fble ./B.fble\n");
}

TEST_F(FrontEndTest, DependencyFileThatCannotBeWritten) {
  write("A.fble", "*();");
  const CommandResult result = run({"test", "A.fble", "--deps-file", "no/out.d", "--deps-target", "goal"});
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("cannot write 'no/out.d': No such file or directory"));
}

TEST_F(FrontEndTest, WhatIsNotAProgram) {
  write("A.fble", "Unit@ = *();\nUnit@();\n");
  const CommandResult result = run({"A.fble"});
  EXPECT_EQ(result.status, 114);
  EXPECT_EQ(result.err, "error: module /A% is not a program: its type is Unit@, expected /Std/Io/Cli%.Main@\n");
  EXPECT_EQ(run({"-m", "/Std/Bool%"}).status, 114);
}

TEST_F(FrontEndTest, AProgramNeedNotMentionTheMainType) {
  write("A.fble",
        "Monad@ .= /Std/Monad%; Io@ .= /Std/Io%; List@ .= /Std/List%; String@ .= /Std/String%; Int .= /Std/Int/Lit%;\n"
        "<<@>@ M@>(Monad@<M@> m, Io@<M@> _, List@<String@> _) { m.return(Int|3); };\n");
  const CommandResult result = run({"A.fble"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 3);
}

}  // namespace
}  // namespace fble
