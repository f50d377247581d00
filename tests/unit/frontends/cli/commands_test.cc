// The subcommands on small modules: frontends/cli/{test,mem_test,check,disassemble,deps}.cc.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

class CommandsTest : public CommandTest {
 protected:
  CommandsTest() {
    write("Ok.fble", "Unit@ = *();\nUnit@();\n");
    write("Malformed.fble", "Unit@ = ;\n");
    write("Undefined.fble", "x;\n");
    write("Fails.fble", "Unit@ = *();\nE@ = +(Unit@ a, Unit@ b);\nE@(a: Unit@()).b;\n");
    write("NeedsOk.fble", "/Ok%;\n");
    write("Headed.fble.@", "*();\n");
    write("NeedsHeaded.fble", "/Headed%;\n");
  }
};

TEST_F(CommandsTest, Test) {
  EXPECT_EQ(run({"test", "-I", ".", "-m", "/Ok%"}).status, 0);
  EXPECT_EQ(run({"test", "Ok.fble"}).status, 0);
  EXPECT_EQ(run({"test", "Ok.fble", "--jit=off", "--gc-stress=1", "--heap-verify"}).status, 0);
  EXPECT_EQ(run({"test", "Malformed.fble"}).status, 2);
  EXPECT_EQ(run({"test", "Undefined.fble"}).status, 2);
  const CommandResult fails = run({"test", "Fails.fble"});
  EXPECT_EQ(fails.status, 3);
  EXPECT_THAT(fails.err, HasSubstr("./Fails.fble:3:16: error: in /Fails%: "));
}

TEST_F(CommandsTest, NativesThatDoNotExist) {
  write("A.fble", "Unit@ = *();\n(Unit@) { Unit@; } Nope;\nNope;\n");
  const CommandResult result = run({"test", "A.fble"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("./A.fble:2:20: error: in /A%: foreign value not found"));
}

TEST_F(CommandsTest, MemTest) {
  // A number as a list of bits, and counting it down.
  const std::string nat = R"(
Unit@ = *(); Unit@ Unit = Unit@();
Bit@ = +(Unit@ 0, Unit@ 1);
BitS@ = +(BitP@ cons, Unit@ nil), BitP@ = *(Bit@ msb, BitS@ tail);
Bit@ 0 = Bit@(0: Unit); Bit@ 1 = Bit@(1: Unit);
(Bit@, BitS@) { BitS@; } Cons = (Bit@ b, BitS@ s) { BitS@(cons: BitP@(b, s)); };
Result@ = *(BitS@ x, Bit@ borrow);
(BitS@) { Result@; } Decr = (BitS@ s) {
  s.?(nil: Result@(s, 1));
  Result@ d = Decr(s.cons.tail);
  d.borrow.?(0: Result@(Cons(s.cons.msb, d.x), 0));
  s.cons.msb.?(0: Result@(Cons(1, d.x), 1), 1: Result@(Cons(0, d.x), 0));
};
)";
  write("Constant.fble", nat +
                             "(BitS@) { Unit@; } F = (BitS@ n) { Result@ d = Decr(n); "
                             "d.borrow.?(0: F(d.x), 1: Unit); }; F;\n");
  write("Growth.fble", nat +
                           "List@ = +(Cell@ cell, Unit@ end), Cell@ = *(BitS@ head, List@ tail);\n"
                           "(BitS@, List@) { List@; } F = (BitS@ n, List@ l) { Result@ d = Decr(n); "
                           "d.borrow.?(0: F(d.x, List@(cell: Cell@(n, l))), 1: l); };\n"
                           "(BitS@ n) { F(n, List@(end: Unit)); };\n");
  const CommandResult constant = run({"mem-test", "Constant.fble"});
  EXPECT_EQ(constant.status, 0) << constant.err;
  const CommandResult not_growing = run({"mem-test", "--growth", "Constant.fble"});
  EXPECT_EQ(not_growing.status, 5);
  EXPECT_THAT(not_growing.err, HasSubstr("error: memory constant"));
  EXPECT_EQ(run({"mem-test", "--growth", "Growth.fble"}).status, 0);
  const CommandResult growing = run({"mem-test", "Growth.fble"});
  EXPECT_EQ(growing.status, 5);
  EXPECT_THAT(growing.err, HasSubstr("error: memory growth of "));
}

TEST_F(CommandsTest, Check) {
  EXPECT_EQ(run({"check", "Ok.fble"}).status, 0);
  EXPECT_EQ(run({"check", "Fails.fble"}).status, 0);
  EXPECT_EQ(run({"check", "Undefined.fble"}).status, 1);
  EXPECT_EQ(run({"check", "-I", ".", "-m", "/Nope%"}).status, 1);
  // Of other modules, headers are enough; to run, they are not.
  EXPECT_EQ(run({"check", "NeedsHeaded.fble"}).status, 0);
  EXPECT_EQ(run({"test", "NeedsHeaded.fble"}).status, 2);
}

TEST_F(CommandsTest, CheckAll) {
  write("all/Unit.fble", "*()();\n");
  write("all/Deep/Warns.fble", "Unit@ = *(); Spare@ = *(); Unit@();\n");
  write("all/First.fble", "/Deep/Warns%;\n");
  write("all/Second.fble", "/Deep/Warns%;\n");
  write("all/Unwritten.fble.@", "*();\n");
  write("all/NeedsUnwritten.fble", "/Unwritten%;\n");
  const std::string warning = "all/Deep/Warns.fble:1:14: warning: variable 'Spare@' defined but not used\n";
  const std::vector<std::string> all{"check", "--all", "-I", "all"};
  const CommandResult right = run(all);
  EXPECT_EQ(right.status, 0);
  EXPECT_EQ(right.err, warning);

  write("all/Wrong.fble", "a;\n");
  write("all/AlsoWrong.fble", "b;\n");
  const CommandResult wrong = run(all);
  EXPECT_EQ(wrong.status, 1);
  EXPECT_EQ(std::ranges::count(wrong.err, '\n'), 3) << wrong.err;
  for (const std::string& line :
       {std::string("all/AlsoWrong.fble:1:1: error: "), std::string("all/Wrong.fble:1:"), warning}) {
    EXPECT_THAT(wrong.err, HasSubstr(line));
  }

  const CommandResult deps = run({"check", "--all", "-I", "all/Deep", "--deps-file", "all.d", "--deps-target", "goal"});
  EXPECT_EQ(deps.status, 0);
  EXPECT_EQ(read("all.d"), "goal: all/Deep/Warns.fble\n");

  write("none/text", "");
  const CommandResult none = run({"check", "--all", "-I", "none"});
  EXPECT_EQ(none.status, 2);
  EXPECT_EQ(none.err, "error: there are no modules below the folders of -I and -p\n");
}

TEST_F(CommandsTest, Disassemble) {
  const CommandResult result = run({"disassemble", "NeedsOk.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("/NeedsOk%"));
  EXPECT_EQ(run({"disassemble", "NeedsHeaded.fble"}).status, 0);
  EXPECT_EQ(run({"disassemble", "Undefined.fble"}).status, 1);
}

TEST_F(CommandsTest, Deps) {
  const CommandResult all = run({"deps", "-t", "goal", "-I", ".", "-m", "/NeedsOk%"});
  EXPECT_EQ(all.status, 0);
  EXPECT_EQ(all.out, "goal: ./NeedsOk.fble ./Ok.fble\n");
  EXPECT_EQ(run({"deps", "-t", "goal", "-c", "NeedsHeaded.fble"}).out, "goal: ./NeedsHeaded.fble ./Headed.fble.@\n");
}

TEST_F(CommandsTest, DepsAfterAnErrorAreWhatWasRead) {
  const CommandResult result = run({"deps", "-t", "goal", "Malformed.fble"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "goal: ./Malformed.fble\n");
  EXPECT_THAT(result.err, HasSubstr("./Malformed.fble:1:9: error: syntax error"));
}

}  // namespace
}  // namespace fble
