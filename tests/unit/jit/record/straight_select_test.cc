// Which selects are computed without a guard, and what they compute.
#include "jit/record/straight_select.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "interp/bytecode_text.h"

namespace fble {
namespace {

class StraightSelects : public testing::Test {
 protected:
  /// Returns what the first select of the body computes, as text; empty if it needs a guard.
  std::string found(const std::string& body, bool with_globals = true) {
    const std::string text = std::string("deopt_point \"A.fble\":1:1\n") + kHead +
                             "code 2 \"/A%.f\"\n  arity 4 slots 16 captures 2\n  constants 0x3\n{\n" + body + "}\n";
    BytecodeParse parse = parse_bytecode(text, "test");
    EXPECT_NE(parse.program, nullptr) << parse.error << "\n" << text;
    if (parse.program == nullptr) return "?";
    program_ = std::move(parse.program);
    const Word globals[] = {program_->codes[0].function_value(), program_->codes[1].function_value(), 0};
    const Code& code = program_->codes[2];
    const uint32_t* pc = code.start;
    while (static_cast<Op>(*pc) != Op::kSelect && static_cast<Op>(*pc) != Op::kSelectArg) pc += instruction_length(pc);
    const auto select = find_straight_select(code, pc, with_globals ? globals : nullptr);
    if (!select) return "";
    std::string all;
    for (const auto& [slot, node] : select->results) all += fmt::format("s{} = {}; ", slot, node_text(*select, node));
    runs_.clear();
    for (const auto& [condition, tally] : select->decisions) {
      runs_ += fmt::format("{}{}.{}:", runs_.empty() ? "" : "; ", tally.outer, tally.arm);
      for (const auto& steps : tally.runs) {
        for (const ArmTally::Step& step : steps) {
          runs_ += fmt::format(" {}{}", step.is_run ? "" : "no ", op_info(static_cast<Op>(*step.pc)).name);
        }
        runs_ += &steps == &tally.runs[0] ? " |" : "";
      }
    }
    return all + fmt::format("{} {}", select->returns ? "return" : "at", op_info(static_cast<Op>(*select->next)).name);
  }

  /// What the arms of that select and of those in it run: of each the decision around it with the arm, and the
  /// instructions for tag 0 and tag 1.
  std::string runs_;

 private:
  static constexpr const char* kHead = R"(globals 3
name "/A%.Not"
name "/A%.Both"
name "/A%.Undefined"
code 0 "/A%.Not"
  arity 1 slots 2 captures 0
{
  choose s1 s0 w1 (5 7)
  return s1
}
code 1 "/A%.Both"
  arity 2 slots 3 captures 0
{
  select s0 w1 [A B]
B:
  return s1
A:
  tail_call_global1 g0 s1
}
)";

  static std::string node_text(const StraightSelect& select, uint32_t number) {
    using Kind = StraightSelect::Kind;
    const StraightSelect::Node& node = select.nodes[number];
    const auto text = [&](uint32_t part) {
      EXPECT_LT(part, number) << "a node comes after those that it mentions";
      return node_text(select, part);
    };
    switch (node.kind) {
      case Kind::kSlot: return fmt::format("s{}", node.index);
      case Kind::kCapture: return fmt::format("c{}", node.index);
      case Kind::kGlobal: return fmt::format("g{}", node.index);
      case Kind::kWord: return fmt::format("{}", node.word);
      case Kind::kArg: return fmt::format("arg({})", text(node.condition));
      case Kind::kTagIn: return fmt::format("in({}, {:b})", text(node.condition), node.word);
      case Kind::kChoose: return fmt::format("[{}: {}, {}]", text(node.condition), text(node.first), text(node.second));
    }
    return "?";
  }

  std::unique_ptr<ProgramCode> program_;
};

TEST_F(StraightSelects, ComputeBothArms) {
  struct Row {
    const char* what;
    const char* body;
    const char* computes;
  };
  const Row rows[] = {
      {"arms that return", "select s0 w1 [A B]\nA:\n return s1\nB:\n return s2\n", "s1 = [s0: s1, s2]; return return"},
      {"the second tag's arm comes first", "select s0 w1 [A B]\nB:\n return s1\nA:\n return s2\n",
       "s1 = [s0: s2, s1]; return return"},
      {"arms that join",
       "select s0 w1 [A B]\nA:\n move s4 s1\n jump C\nB:\n move s4 s2\nC:\n struct s5 (s4)\n return s5\n",
       "s4 = [s0: s1, s2]; at struct"},
      {"all kinds of values",
       "select s0 w1 [A B]\nA:\n capture s4 c1\n jump C\nB:\n global s4 g2\nC:\n struct s5 (s4)\n return s5\n",
       "s4 = [s0: c1, g2]; at struct"},
      {"a choice in an arm", "select s0 w1 [A B]\nA:\n choose s4 s1 w1 (s2 c0)\n return s4\nB:\n return s3\n",
       "s4 = [s0: [s1: s2, c0], s3]; return return"},
      {"a select in an arm",
       "select s0 w1 [A B]\nA:\n select s1 w1 [C D]\nC:\n return s2\nD:\n return s3\nB:\n constant s4 k0\n return s4\n",
       "s2 = [s0: [s1: s2, s3], 3]; return return"},
      {"a select in an arm that joins",
       "select s0 w1 [A B]\nA:\n select s1 w1 [C D]\nC:\n move s4 s2\n jump E\nD:\n move s4 s3\nE:\n jump F\nB:\n"
       " move s4 s1\nF:\n struct s5 (s4)\n return s5\n",
       "s4 = [s0: [s1: s2, s3], s1]; at struct"},
      {"calls", "select s0 w1 [A B]\nA:\n call_global1 g0 s1 s4 b9\n return s4\nB:\n tail_call_global2 g1 s1 s2\n",
       "s4 = [s0: [s1: 5, 7], [s1: [s2: 5, 7], s2]]; return return"},
      {"a slot that one arm changes", "select s0 w1 [A B]\nA:\n move s1 s2\n jump C\nB:\n move s3 s3\nC:\n return s1\n",
       "s1 = [s0: s2, s1]; at return"},
      {"equal arms", "select s0 w1 [A B]\nA:\n move s4 s1\n jump C\nB:\n move s4 s1\nC:\n return s4\n",
       "s4 = s1; at return"},
      {"a union of three", "select s0 w2 [A B C]\nA:\n return s1\nB:\n return s2\nC:\n return s2\n",
       "s1 = [in(s0, 1): s2, s1]; return return"},
      {"its last arm is also for tags that follow",
       "select s0 w2 [A B A]\nA:\n move s4 s1\n jump C\nB:\n move s4 s2\nC:\n struct s5 (s4)\n return s5\n",
       "s4 = [in(s0, 1101): s2, s1]; at struct"},
      {"the argument of a union", "select_arg s4 s0 w2 [A B C]\nA:\n return s0\nB:\n return s4\nC:\n return s4\n",
       "s0 = [in(s0, 1): arg(s0), s0]; return return"},
      {"the argument of a union of two", "select_arg s0 s0 w1 [A B]\nA:\n return s1\nB:\n return s0\n",
       "s1 = [s0: s1, arg(s0)]; return return"},
      {"a choice by more than two tags",
       "select s0 w1 [A B]\nA:\n choose s4 s1 w2 (s2 s2 s3)\n return s4\nB:\n return s3\n",
       "s4 = [s0: [in(s1, 1100): s2, s3], s3]; return return"},
  };
  for (const Row& row : rows) EXPECT_EQ(found(row.body), row.computes) << row.what;
}

TEST_F(StraightSelects, KnowWhatTheirArmsRun) {
  struct Row {
    const char* what;
    std::string body;
    const char* runs;
  };
  const Row rows[] = {
      {"arms that join",
       "select s0 w1 [A B]\nA:\n move s4 s1\n jump C\nB:\n capture s4 c0\nC:\n struct s5 (s4)\n return s5\n",
       "0.0: move jump | capture"},
      {"the return of the other arm is a step of the trace",
       "select s0 w1 [A B]\nA:\n return s1\nB:\n move s4 s2\n return s4\n", "0.0: | move return no return"},
      {"the second tag's arm comes first", "select s0 w1 [A B]\nB:\n return s1\nA:\n move s4 s2\n return s4\n",
       "0.0: move return no return |"},
      {"a choice is one instruction", "select s0 w1 [A B]\nA:\n choose s4 s1 w1 (s2 c0)\n return s4\nB:\n return s3\n",
       "0.0: choose | return no return"},
      {"a select in an arm",
       "select s0 w1 [A B]\nA:\n select s1 w1 [C D]\nC:\n return s2\nD:\n return s3\nB:\n constant s4 k0\n return s4\n",
       "0.0: select | constant return no return; 0.0: | return no return"},
      {"what follows a select in an arm belongs to the arm",
       "select s0 w1 [A B]\nA:\n move s4 s2\n jump E\nB:\n select s1 w1 [C D]\nC:\n move s4 s1\n jump F\nD:\n"
       " global s4 g2\nF:\n move s5 s4\nE:\n struct s5 (s4)\n return s5\n",
       "0.0: move jump | select move; 0.1: move jump | global"},
      {"calls", "select s0 w1 [A B]\nA:\n call_global1 g0 s1 s4 b9\n return s4\nB:\n tail_call_global2 g1 s1 s2\n",
       "0.0: call_global1 choose return | tail_call_global2 select no return; "
       "0.1: tail_call_global1 choose return | return"},
      {"a union of three", "select s0 w2 [A B C]\nA:\n return s1\nB:\n return s2\nC:\n return s2\n",
       "0.0: |; 0.0: return no return | return no return"},
  };
  for (const Row& row : rows) {
    EXPECT_NE(found(row.body), "") << row.what;
    EXPECT_EQ(runs_, row.runs) << row.what;
  }
}

TEST_F(StraightSelects, OthersNeedGuards) {
  std::string chain = "select s0 w1 [A B]\nA:\n";
  for (int i = 0; i < 20; ++i)
    chain += fmt::format(" choose s4 s{} w1 (s{} {})\n", i % 2 == 0 ? 1 : 4, 2 + i % 2, 2 * i + 5);
  chain += " return s4\nB:\n return s3\n";
  struct Row {
    const char* what;
    std::string body;
  };
  const Row rows[] = {
      {"a tag of many bits", "select s0 w7 [A B]\nA:\n return s1\nB:\n return s2\n"},
      {"a tag without bits", "select s0 w0 [A B]\nA:\n return s1\nB:\n return s2\n"},
      {"four results of four tags",
       "select s0 w2 [A B C D]\nA:\n return s0\nB:\n return s1\nC:\n return s2\nD:\n return s3\n"},
      {"arms that join in different places",
       "select s0 w2 [A B C]\nA:\n move s4 s1\n jump D\nB:\n move s4 s2\n jump E\nC:\n move s4 s3\nD:\n move s4 "
       "s1\nE:\n"
       " return s4\n"},
      {"a choice among three", "select s0 w1 [A B]\nA:\n choose s4 s1 w2 (s2 s3 s1)\n return s4\nB:\n return s3\n"},
      {"both tags lead to one place", "select s0 w1 [A A]\nA:\n return s1\n"},
      {"an object is made", "select s0 w1 [A B]\nA:\n return s1\nB:\n struct s4 (s1)\n return s4\n"},
      {"a field may be missing", "select s0 w1 [A B]\nA:\n return s1\nB:\n arg s4 s1 1 w1\n return s4\n"},
      {"an unknown function", "select s0 w1 [A B]\nA:\n return s1\nB:\n tail_call1 s1 s2\n"},
      {"a function that is not defined yet", "select s0 w1 [A B]\nA:\n return s1\nB:\n tail_call_global1 g2 s2\n"},
      {"another number of arguments", "select s0 w1 [A B]\nA:\n return s1\nB:\n tail_call_global2 g0 s2 s2\n"},
      {"no arm returns in this frame",
       "select s0 w1 [A B]\nA:\n tail_call_global1 g0 s1\nB:\n tail_call_global1 g0 s2\n"},
      {"a deopt point", "select s0 w1 [A B]\nA:\n return s1\nB:\n deopt_point 0\n return s2\n"},
      {"one arm returns", "select s0 w1 [A B]\nA:\n move s4 s1\n jump C\nB:\n return s1\nC:\n return s4\n"},
      {"much to compute", chain},
  };
  for (const Row& row : rows) EXPECT_EQ(found(row.body), "") << row.what;
  EXPECT_EQ(found("select s0 w1 [A B]\nA:\n return s1\nB:\n tail_call_global1 g0 s2\n", false), "");
}

}  // namespace
}  // namespace fble
