// The verifier accepts sound code and reports the errors of other code.
#include "interp/bytecode_verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "interp/bytecode_text.h"

namespace fble {
namespace {

std::unique_ptr<ProgramCode> parse(std::string_view text) {
  BytecodeParse parsed = parse_bytecode(text, "test");
  EXPECT_NE(parsed.program, nullptr) << parsed.error << "\n" << text;
  return std::move(parsed.program);
}

std::string verify(std::string_view text) {
  const std::unique_ptr<ProgramCode> program = parse(text);
  return program == nullptr ? "does not parse" : verify_bytecode(*program);
}

/// Verifies a function of two arguments, eight slots and one capture, with
/// tables to refer to. Returns the first line of the problem, or nothing.
std::string check(std::string_view body) {
  std::string problem = verify(fmt::format(R"(
    globals 2
    module "/A%" code 0 global 0
    code 0 "/A%" arity 0 slots 1 captures 0 functions 1 constants 0x3
    {{
      constant s0 k0
      return s0
    }}
    code 1 "/A%.f" arity 2 slots 8 captures 1 functions 0 1 constants 0x3 0x5
      literal global 1 alphabet (0/2) letters 0
      foreign "/A%" "x" at 1:1
    {{
      {}
    }}
    )",
                                           body));
  return problem.substr(0, problem.find('\n'));
}

TEST(BytecodeVerify, AcceptsCodeOfAllKinds) {
  EXPECT_EQ(check("return s0"), "");
  EXPECT_EQ(check(R"(
      capture s2 c0
      function s3 f0
      closure s4 f1 (c0)
      closure s4 f1 (s3)
      literal s5 0
      foreign s6 0
      set_global g1 s5
      global s6 g1
      struct s6 (s5 s5 s0)
      union s6 1 w1 s6
      union_struct s6 3 w2 ()
      field s7 s6 2 3
      arg s7 s6 1 w1
      capture_field s7 c0 1 2
      global_field s7 g1 0 2
      arg_field s7 s6 1 w1 0 2
      choose s7 s6 w2 (s5 c0 g1 7)
      known_arg s7 s6 w1
      list s7 (s6 s7)
      move s2 s7
      return s2)"),
            "");
}

TEST(BytecodeVerify, AcceptsBranchesThatJoin) {
  EXPECT_EQ(check(R"(
      select s0 w2 [a b c c]
    a: constant s2 k0
      jump end
    b: constant s2 k1
      jump end
    c: move s2 s1
    end:
      return s2)"),
            "");
  EXPECT_EQ(check(R"(
      select_arg s2 s0 w1 [a b]
    a: return s2
    b: tail_call1 s1 s2)"),
            "");
}

TEST(BytecodeVerify, AcceptsGroupsAndCalls) {
  EXPECT_EQ(check(R"(
      declare 2 s2
      closure s4 f1 (s3)
      declare 1 s5
      move s6 s5
      define s5 (s4)
      define s2 (s4 s5)
      return s3)"),
            "");
  EXPECT_EQ(check(R"(
      call s0 (s1) s2 b5
      call_global g0 (s2) s2 b6
      call2 s0 s1 s2 s2 b6
      call_global1 g0 s2 s1 b6
      tail_call s2 (s2 s2 s2))"),
            "");
}

TEST(BytecodeVerify, AcceptsCodeThatIsNeverReached) { EXPECT_EQ(check("return s0\n move s2 s7\n return s6"), ""); }

#define EXPECT_PROBLEM(body, expected) EXPECT_EQ(check(body), "code 1 \"/A%.f\", word " expected)

TEST(BytecodeVerify, InstructionsAreWholeAndEnd) {
  EXPECT_PROBLEM("words 99 1 2", "0: this is no whole instruction");
  EXPECT_PROBLEM("move s0 s1\n words 0", "3: this is no whole instruction");
  EXPECT_PROBLEM("move s0 s1", "0: control passes the end of the code");
  EXPECT_PROBLEM("return s0\n jump +1", "2: control passes the end of the code");
  EXPECT_PROBLEM("halt s0", "0: this instruction is for the interpreter's own code only");
  EXPECT_PROBLEM("apply_held", "0: this instruction is for the interpreter's own code only");
  EXPECT_PROBLEM("native_body", "0: this instruction is for the interpreter's own code only");
}

TEST(BytecodeVerify, OperandsAreInRange) {
  EXPECT_PROBLEM("return s8", "0: s8 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("move s8 s0\n return s0", "0: s8 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("struct s0 (s1 s4294967295)\n return s0", "0: s4294967295 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("constant s0 k2\n return s0", "0: constant k2 is not in a table of 2");
  EXPECT_PROBLEM("capture s0 c1\n return s0", "0: capture c1 is not in a table of 1");
  EXPECT_PROBLEM("global s0 g2\n return s0", "0: global g2 is not in a table of 2");
  EXPECT_PROBLEM("set_global g2 s0\n return s0", "0: global g2 is not in a table of 2");
  EXPECT_PROBLEM("function s0 f2\n return s0", "0: function f2 is not in a table of 2");
  EXPECT_PROBLEM("closure s0 f2 (s0)\n return s0", "0: function f2 is not in a table of 2");
  EXPECT_PROBLEM("closure s0 f1 (c1)\n return s0", "0: capture c1 is not in a table of 1");
  EXPECT_PROBLEM("closure s0 f1 (s9)\n return s0", "0: s9 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("literal s0 1\n return s0", "0: literal 1 is not in a table of 1");
  EXPECT_PROBLEM("foreign s0 1\n return s0", "0: foreign 1 is not in a table of 1");
  EXPECT_PROBLEM("capture_field s0 c1 0 2\n return s0", "0: capture c1 is not in a table of 1");
  EXPECT_PROBLEM("global_field s0 g2 0 2\n return s0", "0: global g2 is not in a table of 2");
  EXPECT_PROBLEM("choose s0 s1 w1 (s0 s8)\n return s0", "0: s8 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("choose s0 s1 w1 (c0 c1)\n return s0", "0: capture c1 is not in a table of 1");
  EXPECT_PROBLEM("choose s0 s1 w1 (g0 g2)\n return s0", "0: global g2 is not in a table of 2");
  EXPECT_PROBLEM("choose s0 s1 w1 (3 4)\n return s0", "0: 4 is not a packed word");
  EXPECT_PROBLEM("choose s0 s1 w1 (3 1)\n return s0", "0: 1 is not a packed word");
  EXPECT_PROBLEM("tail_call_global g2 (s0)", "0: global g2 is not in a table of 2");
}

TEST(BytecodeVerify, DataIsWellFormed) {
  EXPECT_PROBLEM("union s0 2 w1 s0\n return s0", "0: tag 2 does not fit into 1 bits");
  EXPECT_PROBLEM("union s0 1 w0 s0\n return s0", "0: tag 1 does not fit into 0 bits");
  EXPECT_PROBLEM("union s0 0 w25 s0\n return s0", "0: no tag has 25 bits");
  EXPECT_PROBLEM("union_struct s0 4 w2 ()\n return s0", "0: tag 4 does not fit into 2 bits");
  EXPECT_PROBLEM("arg s0 s0 2 w1\n return s0", "0: tag 2 does not fit into 1 bits");
  EXPECT_PROBLEM("known_arg s0 s0 w4294967295\n return s0", "0: no tag has 4294967295 bits");
  EXPECT_PROBLEM("field s0 s0 2 2\n return s0", "0: a struct of 2 has no field 2");
  EXPECT_PROBLEM("capture_field s0 c0 2 2\n return s0", "0: a struct of 2 has no field 2");
  EXPECT_PROBLEM("global_field s0 g0 2 2\n return s0", "0: a struct of 2 has no field 2");
  EXPECT_PROBLEM("arg_field s0 s0 1 w1 3 2\n return s0", "0: a struct of 2 has no field 3");
  EXPECT_PROBLEM("arg_field s0 s0 2 w1 1 2\n return s0", "0: tag 2 does not fit into 1 bits");
  EXPECT_PROBLEM("closure s0 f1 ()\n return s0", "0: a closure without captured values is a function");
  EXPECT_PROBLEM("closure s0 f1 (s0 s0)\n return s0", "0: the code has 1 captures and gets 2");
  EXPECT_PROBLEM("closure s0 f0 (s0)\n return s0", "0: the code has 0 captures and gets 1");
  EXPECT_PROBLEM("function s0 f1\n return s0", "0: the code has 1 captures and gets 0");
}

TEST(BytecodeVerify, JumpsLeadForwardToInstructions) {
  EXPECT_PROBLEM("select s0 w1 []\n return s0", "0: a select needs a choice");
  EXPECT_PROBLEM("select_arg s0 s0 w1 []\n return s0", "0: a select needs a choice");
  EXPECT_PROBLEM("select s0 w1 [a a a]\n a: return s0", "0: there are more choices than tags");
  EXPECT_PROBLEM("choose s0 s0 w1 ()\n return s0", "0: a select needs a choice");
  EXPECT_PROBLEM("choose s0 s0 w1 (s0 s1 s0)\n return s0", "0: there are more choices than tags");
  EXPECT_PROBLEM("select s0 w1 [a +3]\n a: return s0", "0: no instruction starts at the jump's target, word 3");
  EXPECT_PROBLEM("a: move s0 s1\n jump a\n return s0", "3: a jump that is not forward");
  EXPECT_PROBLEM("jump +0\n return s0", "0: a jump that is not forward");
  EXPECT_PROBLEM("jump +3\n return s0", "0: no instruction starts at the jump's target, word 3");
  EXPECT_PROBLEM("jump +4\n return s0", "0: no instruction starts at the jump's target, word 4");
  EXPECT_PROBLEM("jump +1\n return s0", "0: no instruction starts at the jump's target, word 1");
}

TEST(BytecodeVerify, SlotsAreWrittenBeforeTheyAreRead) {
  EXPECT_PROBLEM("return s2", "0: s2 is read before it is written");
  EXPECT_PROBLEM("struct s3 (s0 s3)\n return s3", "0: s3 is read before it is written");
  EXPECT_PROBLEM("closure s2 f1 (s2)\n return s2", "0: s2 is read before it is written");
  EXPECT_PROBLEM("call s0 (s1) s2 b5\n return s3", "6: s3 is read before it is written");
  EXPECT_PROBLEM("select s0 w1 [a b]\n a: constant s2 k0\n jump end\n b: constant s3 k0\n end: return s2",
                 "14: s2 is read before it is written");
  EXPECT_PROBLEM("select s0 w1 [a end]\n a: constant s2 k0\n end: return s2", "9: s2 is read before it is written");
  EXPECT_PROBLEM("declare 2 s2\n define s2 (s0 s4)\n return s2", "3: s4 is read before it is written");
}

TEST(BytecodeVerify, CalleesLieAboveWhatIsInUse) {
  EXPECT_PROBLEM("call s0 (s1) s0 b4\n return s0", "0: b4 must be b5 or above: 2 slots and the header are below it");
  EXPECT_PROBLEM("call_global g0 () s0 b2\n return s0",
                 "0: b2 must be b3 or above: 0 slots and the header are below it");
  EXPECT_PROBLEM("constant s3 k0\n call s0 (s1) s0 b6\n return s3",
                 "3: b6 must be b7 or above: 4 slots and the header are below it");
  EXPECT_PROBLEM("constant s3 k0\n declare 1 s4\n call1 s0 s1 s0 b7\n define s4 (s3)\n return s4",
                 "6: b7 must be b8 or above: 5 slots and the header are below it");
  EXPECT_PROBLEM("call s0 (s1) s0 b8\n return s0", "0: the arguments at b8 need 9 slots, the frame has 8");
  EXPECT_PROBLEM("call3 s0 s1 s1 s1 s0 b6\n return s0", "0: the arguments at b6 need 9 slots, the frame has 8");
  EXPECT_PROBLEM("call_global2 g0 s1 s1 s0 b7\n return s0", "0: the arguments at b7 need 9 slots, the frame has 8");
  EXPECT_PROBLEM("call s0 (s1) s0 b4294967295\n return s0",
                 "0: the arguments at b4294967295 need 4294967296 slots, the frame has 8");
  // A value that is not needed later may be overwritten.
  EXPECT_EQ(check("constant s3 k0\n call s0 (s1) s3 b5\n return s3"), "");
  EXPECT_EQ(check("call s0 (s1) s0 b7\n return s0"), "");
}

TEST(BytecodeVerify, TailCallsHaveRoomToMoveArguments) {
  EXPECT_EQ(check("tail_call s0 (s1 s1 s1 s1 s1 s1)"), "");
  EXPECT_PROBLEM("tail_call s0 (s1 s1 s1 s1 s1 s1 s1)", "0: moving the arguments takes 9 slots, the frame has 8");
  EXPECT_PROBLEM("move s5 s1\n tail_call_global g0 (s0 s1 s5)",
                 "3: moving the arguments takes 9 slots, the frame has 8");
}

TEST(BytecodeVerify, GroupsNest) {
  EXPECT_PROBLEM("declare 1 s2\n return s2", "3: the activation ends within a group");
  EXPECT_PROBLEM("define s2 (s0)\n return s2", "0: no group is open");
  EXPECT_PROBLEM("declare 0 s2\n define s2 ()\n return s0", "0: a group without values");
  EXPECT_PROBLEM("declare 7 s2\n return s2", "0: s8 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("declare 4294967295 s4294967295\n return s2", "0: s4294967295 is outside of the frame of 8 slots");
  EXPECT_PROBLEM("declare 2 s2\n define s2 (s0)\n return s2", "3: the open group is that of word 0");
  EXPECT_PROBLEM("declare 1 s2\n define s3 (s0)\n return s2", "3: the open group is that of word 0");
  EXPECT_PROBLEM("declare 1 s2\n declare 1 s3\n define s2 (s0)\n define s3 (s0)\n return s2",
                 "6: the open group is that of word 3");
  EXPECT_PROBLEM("select s0 w1 [a b]\n a: declare 1 s2\n b: define s2 (s0)\n return s2",
                 "0: a jump into or out of a group");
  EXPECT_PROBLEM("declare 1 s2\n jump end\n define s2 (s0)\n end: return s0", "3: a jump into or out of a group");
  EXPECT_PROBLEM("declare 1 s2\n move s2 s0\n define s2 (s0)\n return s2", "3: s2 belongs to an open group");
  EXPECT_PROBLEM("declare 2 s2\n declare 1 s3\n define s3 (s0)\n define s2 (s0 s0)\n return s2",
                 "3: s3 belongs to an open group");
}

TEST(BytecodeVerify, TheProblemIsShownWithItsNeighbours) {
  EXPECT_EQ(verify(R"(
    globals 1
    code 0 "/A%.f" arity 1 slots 4 captures 0
    {
      move s1 s0
      move s1 s0
      move s1 s0
      move s2 s3
      move s1 s0
      return s1
    }
    )"),
            "code 0 \"/A%.f\", word 9: s3 is read before it is written\n"
            "      3  move s1 s0\n"
            "      6  move s1 s0\n"
            ">     9  move s2 s3\n"
            "     12  move s1 s0\n"
            "     15  return s1\n");
}

TEST(BytecodeVerify, TablesAreSound) {
  auto tables = [](std::string_view text) {
    std::string problem = verify(fmt::format("globals 1\n code 0 \"/A%\" {} {{\n return s0\n }}\n", text));
    return problem.substr(0, problem.find('\n'));
  };
  EXPECT_EQ(tables("arity 1 slots 1"), "");
  EXPECT_EQ(tables("arity 2 slots 1"), "code 0 \"/A%\": 2 arguments do not fit into 1 slots");
  EXPECT_EQ(tables("arity 1 slots 1 constants 0x1"), "code 0 \"/A%\": constant 0x1 is not a packed word");
  EXPECT_EQ(tables("arity 1 slots 1 constants 0x8"), "code 0 \"/A%\": constant 0x8 is not a packed word");
  EXPECT_EQ(tables("arity 1 slots 1 literal global 1 alphabet letters"), "code 0 \"/A%\": literal with global g1");
  EXPECT_EQ(tables("arity 1 slots 1 literal global 0 alphabet (2/2) letters"), "code 0 \"/A%\": literal with tag 2/2");
  EXPECT_EQ(tables("arity 1 slots 1 literal global 0 alphabet (2/4294967295) letters"),
            "code 0 \"/A%\": literal with tag 2/4294967295");
  EXPECT_EQ(tables("arity 1 slots 1 literal global 0 alphabet () letters 1"), "code 0 \"/A%\": literal with letter 1");
  EXPECT_EQ(tables("arity 1 slots 1 location 2 1:1 location 2 1:2"),
            "code 0 \"/A%\": locations are not in order at the one that ends at 2");
  EXPECT_EQ(tables("arity 1 slots 1 location 3 1:1"), "code 0 \"/A%\": a location ends at 3, behind the code");
  // The frame of invalid code may be huge; no memory of that size is allocated.
  EXPECT_EQ(tables("arity 16777216 slots 16777216"), "");
  EXPECT_EQ(tables("arity 1 slots 16777217"), "code 0 \"/A%\": 16777217 slots are more than a frame can have");
}

TEST(BytecodeVerify, ModulesAreSound) {
  auto modules = [](std::string_view text) {
    return verify(
        fmt::format("{}\n code 0 \"/A%\" arity 0 slots 1 constants 0x3 {{\n constant s0 k0\n return s0\n }}\n"
                    "code 1 \"/B%\" arity 1 slots 1 {{\n return s0\n }}\n",
                    text));
  };
  EXPECT_EQ(modules("globals 1\n name \"/A%\"\n module \"/A%\" code 0 global 0"), "");
  EXPECT_EQ(modules("globals 0\n name \"/A%\"\n"), "1 names for 0 globals\n");
  EXPECT_EQ(modules("globals 0\n module \"/A%\" code 0 global 0"), "module /A%: there is no global g0\n");
  EXPECT_EQ(modules("globals 1\n module \"/A%\" code 1 global 0"), "module /A%: its code has arguments or captures\n");
}

TEST(BytecodeVerify, DeoptPointsAreInTheirTable) {
  EXPECT_PROBLEM("deopt_point 0\n return s0", "0: deopt point 0 is not in a table of 0");
  EXPECT_EQ(verify("globals 1\nmodule \"/A%\" code 0 global 0\ndeopt_point 1:2\ndeopt_point 3:4 gc\n"
                   "code 0 \"/A%\" arity 0 slots 1 captures 0 constants 0x3\n"
                   "{\n deopt_point 1\n constant s0 k0\n deopt_point 0\n return s0\n}\n"),
            "");
}

}  // namespace
}  // namespace fble
