// Which calls a trace follows into the callee: the size of functions and the decisions, without an engine.
#include "jit/engine/inline_policy.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "interp/bytecode_text.h"
#include "interp/call_frame.h"

namespace fble {
namespace {

/// Code objects with these bodies, which the policy knows as numbers 1, 2, ...
std::unique_ptr<ProgramCode> codes_of(const std::vector<std::string>& bodies) {
  std::string text = "deopt_point \"A.fble\":1:1\n";
  for (size_t i = 0; i < bodies.size(); ++i) {
    text += "code " + std::to_string(i) + " \"/A%\"\n  arity 1 slots 9 captures 0\n{\n" + bodies[i] + "}\n";
  }
  BytecodeParse parse = parse_bytecode(text, "test");
  EXPECT_NE(parse.program, nullptr) << parse.error << "\n" << text;
  if (parse.program == nullptr) return nullptr;
  uint32_t index = 0;
  for (Code& code : parse.program->codes) code.engine_index = ++index;
  return std::move(parse.program);
}

/// A body with this many instructions and one way through it.
std::string straight(uint32_t instructions) {
  std::string body;
  for (uint32_t i = 1; i < instructions; ++i) body += "  move s1 s0\n";
  return body + "  return s0\n";
}

/// A body with `ways` ways through it: a select whose branches call, so that only one of them is computed.
std::string branching(uint32_t ways) {
  std::string labels, branches;
  for (uint32_t i = 0; i < ways; ++i) {
    const std::string label = "L" + std::to_string(i);
    labels += (i == 0 ? "" : " ") + label;
    branches += label + ":\n  tail_call1 s0 s0\n";
  }
  return "  select s0 w3 [" + labels + "]\n" + branches;
}

/// `count` selects with two ways each, one after the other. An arm that makes an object is computed only where it is
/// taken.
std::string chain(uint32_t count, const std::string& made = "struct s1 (s0)") {
  std::string body;
  for (uint32_t i = 0; i < count; ++i) {
    const std::string a = "A" + std::to_string(i), b = "B" + std::to_string(i), next = "N" + std::to_string(i);
    body += "  select s0 w2 [" + a + " " + b + "]\n" + a + ":\n  " + made + "\n  jump " + next + "\n" + b + ":\n" +
            "  move s2 s0\n" + next + ":\n";
  }
  return body + "  return s0\n";
}

struct SizeRow {
  const char* what;
  std::string body;
  uint32_t paths;
  uint32_t instructions;
};

TEST(InlinePolicy, MeasuresWaysAndInstructions) {
  const SizeRow rows[] = {
      {"no branch", straight(3), 1, 3},
      {"a branch that ends on both sides", branching(2), 2, 3},
      {"a branch with five ways", branching(5), 5, 6},
      {"branches one after the other multiply", chain(3), 8, 13},
      {"of which both arms are computed, they do not", chain(3, "move s1 s0"), 1, 13},
      {"tags that lead to one place are one way", "  select s0 w2 [A A B]\nA:\n  tail_call1 s0 s0\nB:\n  return s1\n",
       2, 3},
      {"choose is a guard for each outcome, and outcomes are counted once",
       "  choose s1 s0 w2 (s2 s3 s4 s2)\n  return s1\n", 3, 2},
      {"of two outcomes it is none", "  choose s1 s0 w2 (s2 s3 s2)\n  return s1\n", 1, 2},
      {"a tail call ends a way", "  select s0 w1 [A B]\nA:\n  tail_call1 s0 s0\nB:\n  return s0\n", 2, 3},
      {"a deopt point is no instruction", "  deopt_point 0\n" + straight(3), 1, 3},
      {"counting stops", chain(40), CodeSize::kManyPaths, 40 * 4 + 1},
  };
  for (const SizeRow& row : rows) {
    const std::unique_ptr<ProgramCode> program = codes_of({row.body});
    ASSERT_NE(program, nullptr) << row.what;
    const CodeSize size = measure(program->codes[0], nullptr);
    EXPECT_EQ(size.paths, row.paths) << row.what;
    EXPECT_EQ(size.instructions, row.instructions) << row.what;
  }
}

TEST(InlinePolicy, InlinesWhatIsSmall) {
  JitParams params;
  params.inline_paths = 4;
  params.inline_size = 10;
  struct Row {
    const char* what;
    std::string body;
    bool inlined;
  };
  const Row rows[] = {
      {"as many instructions as may be", straight(10), true},
      {"one instruction too many", straight(11), false},
      {"deopt points do not count", "  deopt_point 0\n" + straight(10), true},
      {"as many ways as may be", branching(4), true},
      {"one way too many", branching(5), false},
  };
  for (const Row& row : rows) {
    const std::unique_ptr<ProgramCode> program = codes_of({row.body});
    ASSERT_NE(program, nullptr) << row.what;
    InlinePolicy policy(params, nullptr);
    policy.begin(1);
    EXPECT_EQ(policy.may_inline(program->codes[0]), row.inlined) << row.what;
  }
}

TEST(InlinePolicy, MultipliesTheWaysOfATree) {
  JitParams params;
  params.inline_paths = 4;
  params.inline_product = 16;
  const std::unique_ptr<ProgramCode> program = codes_of({branching(4), branching(3), straight(2)});
  ASSERT_NE(program, nullptr);
  const Code &four = program->codes[0], &three = program->codes[1], &one = program->codes[2];
  InlinePolicy policy(params, nullptr);
  policy.begin(1);
  EXPECT_TRUE(policy.may_inline(four));
  EXPECT_TRUE(policy.may_inline(three));
  EXPECT_EQ(policy.inlined_paths(), 12u);
  EXPECT_FALSE(policy.may_inline(three)) << "36 ways";
  EXPECT_EQ(policy.inlined_paths(), 12u) << "what is refused does not count";
  EXPECT_TRUE(policy.may_inline(one)) << "a function without branches is always followed";
  // A bridge continues the count of its tree, a new tree begins anew.
  policy.begin(5);
  EXPECT_FALSE(policy.may_inline(four));
  EXPECT_TRUE(policy.may_inline(three));
  EXPECT_EQ(policy.inlined_paths(), 15u);
  policy.begin(1);
  EXPECT_TRUE(policy.may_inline(four));
}

TEST(InlinePolicy, GlueIsAlwaysInlinedAndUnknownCodeNever) {
  const JitParams params;
  const std::unique_ptr<ProgramCode> program = codes_of({straight(1), straight(1)});
  ASSERT_NE(program, nullptr);
  InlinePolicy policy(params, nullptr);
  policy.begin(1);
  Code &glue = program->codes[0], &unknown = program->codes[1];
  glue.is_glue = true;
  EXPECT_TRUE(policy.may_inline(glue));
  glue.engine_index = 0;
  EXPECT_TRUE(policy.may_inline(glue));
  EXPECT_TRUE(policy.may_inline(unknown));
  unknown.engine_index = 0;
  EXPECT_FALSE(policy.may_inline(unknown));
}

TEST(InlinePolicy, RecursiveFunctionsAreCalled) {
  const JitParams params;
  const std::unique_ptr<ProgramCode> program = codes_of({straight(1), straight(1)});
  ASSERT_NE(program, nullptr);
  InlinePolicy policy(params, nullptr);
  policy.begin(1);
  policy.note_recursive(program->codes[0]);
  EXPECT_FALSE(policy.may_inline(program->codes[0]));
  EXPECT_TRUE(policy.may_inline(program->codes[1]));
}

/// A call stack, outermost frame first: of each the code that runs there.
class Frames {
 public:
  explicit Frames(const std::vector<Code*>& codes) : words_(codes.size() * kDistance) {
    Word* frame = words_.data() + kHeaderSlots;
    for (size_t i = 0; i < codes.size(); ++i, frame += kDistance) {
      frame[kClosureSlot] = codes[i]->function_value();
      frame[kReturnPositionSlot] = i == 0 ? 0 : reinterpret_cast<Word>(call_ + std::size(call_));
      innermost_ = frame;
    }
  }
  const Word* innermost() const { return innermost_; }

 private:
  static constexpr uint32_t kDistance = 5;
  /// The end of a call: the slot of the result, and the distance between the frames.
  static constexpr uint32_t call_[] = {0, kDistance};
  std::vector<Word> words_;
  const Word* innermost_ = nullptr;
};

TEST(InlinePolicy, LooksForRecursionAmongCallers) {
  const std::unique_ptr<ProgramCode> program = codes_of({straight(1), straight(1), straight(1)});
  ASSERT_NE(program, nullptr);
  Code *a = &program->codes[0], *b = &program->codes[1], *c = &program->codes[2];
  std::vector<Code*> deep{a};
  deep.resize(34, b);
  deep.push_back(a);
  struct Row {
    const char* what;
    std::vector<Code*> stack;
    bool recursive;
  };
  const Row rows[] = {
      {"the outermost frame", {a}, false},
      {"callers are others", {b, c, a}, false},
      {"calls itself", {a, a}, true},
      {"through others", {a, b, c, a}, true},
      {"too far away to be looked at", deep, false},
  };
  const JitParams params;
  for (const Row& row : rows) {
    InlinePolicy policy(params, nullptr);
    policy.begin(1);
    policy.look_for_recursion(*a, Frames(row.stack).innermost());
    EXPECT_EQ(policy.may_inline(*a), !row.recursive) << row.what;
    EXPECT_TRUE(policy.may_inline(*b)) << row.what;
  }
}

TEST(InlinePolicy, TellsFewFunctionsApartAtACall) {
  JitParams params;
  params.site_functions = 2;
  const std::unique_ptr<ProgramCode> program = codes_of({straight(1), straight(1), straight(1)});
  ASSERT_NE(program, nullptr);
  const Code &a = program->codes[0], &b = program->codes[1], &c = program->codes[2];
  const uint32_t *site = a.start, *other = b.start;
  InlinePolicy policy(params, nullptr);
  EXPECT_TRUE(policy.may_guard_site(site, a));
  EXPECT_TRUE(policy.may_guard_site(site, b));
  EXPECT_FALSE(policy.may_guard_site(site, c));
  EXPECT_TRUE(policy.may_guard_site(site, a)) << "known already";
  EXPECT_TRUE(policy.may_guard_site(other, c)) << "each call counts its own";
  policy.forget_sites();
  EXPECT_TRUE(policy.may_guard_site(site, c));
}

}  // namespace
}  // namespace fble
