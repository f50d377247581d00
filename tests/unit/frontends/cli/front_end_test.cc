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

TEST_F(FrontEndTest, MakeReadsTheRule) {
  const std::vector<std::string> names = {
      "a b",     "a#b",   "a$b", "a:b",   "a%b",  "a\\b", "a\\ b",   "a\\#b", "a\\:b", "a\\%b", "a\\\\b",
      "a\\\\ b", "a=b",   "a;b", "a|b",   "|",    "a*b",  "a?b",     "a[b]",  "~x",    "a\nb",  "a\tb",
      "a\rb",    " lead", "=",   "'a:b'", "a::b", "a\"b", "a\n=; b", "\\*",   "$(x)",  "a\\$b", "@x"};
  for (const std::string& name : names) {
    const std::string file = "in/" + name + ".fble";
    write(file, "");
    // The file is also first in the rule, where more letters are special.
    std::filesystem::copy_file(folder() + "/" + file, folder() + "/" + name + ".fble",
                               std::filesystem::copy_options::overwrite_existing);
    write("rule.d", dependency_rule("goal", {name + ".fble", file}));
    write("Makefile", "goal:\n\t@echo made; touch goal\ninclude rule.d\n");
    const auto made = [&] {
      const CommandResult result = run({}, "", {}, "exec make -s goal");
      EXPECT_EQ(result.status, 0) << result.err;
      EXPECT_EQ(result.err, "");
      return result.out;
    };
    EXPECT_EQ(made(), "made\n") << name;
    EXPECT_EQ(made(), "") << name;
    const auto now = std::filesystem::file_time_type::clock::now();
    for (const std::string& changed : {name + ".fble", file}) {
      std::filesystem::last_write_time(folder() + "/" + name + ".fble", now - std::chrono::hours(2));
      std::filesystem::last_write_time(folder() + "/" + file, now - std::chrono::hours(2));
      std::filesystem::last_write_time(folder() + "/goal", now - std::chrono::hours(1));
      EXPECT_EQ(made(), "") << changed;
      std::filesystem::last_write_time(folder() + "/" + changed, now);
      EXPECT_EQ(made(), "made\n") << changed;
    }
    // A '?' for a letter that cannot be written must not match other files.
    for (const std::string& done : {std::string("goal"), name + ".fble", file}) {
      std::filesystem::remove(folder() + "/" + done);
    }
  }
}

TEST_F(FrontEndTest, NamesTheByteOrderMark) {
  write("A.fble", "\xEF\xBB\xBFUnit@ = *();\nUnit@();\n");
  const CommandResult result = run({"check", "A.fble"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err,
            "./A.fble:1:1: warning: U+FEFF (byte order mark) is not seen, and is a part of the word here\n"
            "./A.fble:2:1: error: variable 'Unit@' not defined\n");
}

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

TEST_F(FrontEndTest, ModulesThatAreNotBrokenAreStillChecked) {
  write("Main.fble", "A .= /A%; B .= /B%; C .= /C%; D .= /D%; E .= /Missing%; A(B, C, D, E, undefined);\n");
  write("A.fble", "@(A: x);\n");
  write("B.fble", "@(B: *()(), : x);\n");
  write("C.fble", "A .= /A%; @(C: A(A), D: y);\n");
  write("D.fble", "B .= /B%; C .= /C%; @(D: B(C), E: C.f);\n");
  const CommandResult result = run({"test", "-I", ".", "-m", "/Main%"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err,
            "./B.fble:1:13: error: syntax error, unexpected ':', expecting WORD\n"
            "./Main.fble:1:46: error: module /Missing% not found\n"
            "./A.fble:1:6: error: variable 'x' not defined\n"
            "./C.fble:1:25: error: variable 'y' not defined\n"
            "./Main.fble:1:71: error: variable 'undefined' not defined\n");
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
