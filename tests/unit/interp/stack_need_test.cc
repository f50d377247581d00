// The stack that functions need by their code, beside the most that they use in a run.
#include "interp/stack_need.h"

#include <gtest/gtest.h>

#include "frontends/fble/lower.h"
#include "interp/call_frame.h"
#include "interp/foreign.h"
#include "interp/machine.h"
#include "interp/stack_use.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

constexpr const char* kPrelude = R"(
  Unit@ = *(); Unit@ U = Unit@();
  Bool@ = +(Unit@ true, Unit@ false);
  Bool@ True = Bool@(true: U);
  N@ = +(Unit@ zero, N@ more);
  N@ 0 = N@(zero: U); N@ 3 = N@(more: N@(more: N@(more: 0)));
  (Bool@) { Bool@; } Not = (Bool@ b) { b.?(true: Bool@(false: U), false: True); };
  (Bool@, Bool@) { Bool@; } And = (Bool@ a, Bool@ b) { a.?(true: b, false: a); };
  (Bool@) { Bool@; } Twice = (Bool@ b) { And(Not(b), Not(Not(b))); };
)";

class StackNeedTest : public testing::Test {
 protected:
  void run(const std::string& text) {
    SourceProgram source;
    source.add("/M%", kPrelude + text);
    const CheckedProgram* checked = source.check();
    ASSERT_NE(checked, nullptr) << source.diagnostics().render();
    code_ = lower_program(*checked);
    Machine machine(*code_, natives_, {.steps = &use_});
    EXPECT_TRUE(machine.run_modules()) << machine.error().render();
    use_.finish();
    needs_ = stack_needs(*code_, natives_);
  }

  const Code& code(const std::string& name) const {
    for (const Code& each : code_->codes) {
      if (each.block.str() == "/M%." + name) return each;
    }
    ADD_FAILURE() << name;
    return code_->codes.front();
  }
  StackNeed need(const std::string& name) const { return needs_.at(&code(name)); }
  size_t used(const std::string& name) const { return use_.words(code(name)); }

  std::unique_ptr<ProgramCode> code_;
  NativeTable natives_;
  StackUse use_;
  std::unordered_map<const Code*, StackNeed> needs_;
};

TEST_F(StackNeedTest, KnownCallsAddUp) {
  run("(Bool@) { Bool@; } Outer = (Bool@ b) { Bool@ c = Twice(b); And(c, b); }; Outer(True);");
  EXPECT_EQ(need("Not").words, code("Not").frame_slots + kHeaderSlots);
  for (const char* name : {"Not", "And", "Twice", "Outer"}) {
    EXPECT_TRUE(need(name).is_bound()) << name;
    EXPECT_EQ(need(name).words, used(name)) << name;
    EXPECT_EQ(need(name).frame, code(name).frame_slots + kHeaderSlots) << name;
  }
  EXPECT_GT(need("Outer").words, need("Outer").frame);
  EXPECT_GT(need("Outer").words, need("Twice").words);
  EXPECT_GT(use_.most(), used("Outer"));
}

TEST_F(StackNeedTest, ABranchThatIsNotTakenIsNeededAll) {
  run("(Bool@) { Bool@; } Maybe = (Bool@ b) { b.?(true: b, false: Not(Twice(Not(b)))); }; Maybe(True);");
  EXPECT_TRUE(need("Maybe").is_bound());
  EXPECT_LT(used("Maybe"), need("Maybe").words);
  EXPECT_EQ(used("Twice"), 0u);
}

TEST_F(StackNeedTest, TailCallsReplaceTheFrame) {
  run("(N@, Bool@) { Bool@; } Loop = (N@ n, Bool@ b) { n.?(zero: Twice(b), more: Loop(n.more, b)); }; Loop(3, True);");
  EXPECT_TRUE(need("Loop").is_bound());
  EXPECT_EQ(need("Loop").words, used("Loop"));
  EXPECT_EQ(need("Loop").words, std::max(need("Loop").frame, need("Twice").words));
}

TEST_F(StackNeedTest, TailCallsOfEachOtherAreALoop) {
  run("(N@) { Bool@; } Even = (N@ n) { n.?(zero: Twice(True), more: Odd(n.more)); },"
      "(N@) { Bool@; } Odd = (N@ n) { n.?(zero: True, more: Even(n.more)); }; Even(3);");
  EXPECT_TRUE(need("Even").is_bound());
  EXPECT_EQ(need("Even").words, need("Odd").words);
  EXPECT_LE(used("Even"), need("Even").words);
}

TEST_F(StackNeedTest, RecursionHasNoBound) {
  run("(N@) { Bool@; } Down = (N@ n) { n.?(zero: True, more: Not(Down(n.more))); };"
      "(N@) { Bool@; } Calls = (N@ n) { Not(Down(n)); }; Calls(3);");
  EXPECT_TRUE(need("Down").is_recursive);
  EXPECT_FALSE(need("Down").calls_recursive);
  EXPECT_GT(used("Down"), need("Down").words);
  EXPECT_TRUE(need("Calls").calls_recursive);
  EXPECT_FALSE(need("Calls").is_recursive);
  EXPECT_FALSE(need("Calls").calls_unknown);
}

TEST_F(StackNeedTest, FunctionsThatAreValuesAreNotKnown) {
  run("((Bool@) { Bool@; }) { Bool@; } Apply = ((Bool@) { Bool@; } f) { Not(f(True)); };"
      "(Bool@) { Bool@; } Uses = (Bool@ b) { Not(Apply(Twice)); }; Uses(True);");
  EXPECT_TRUE(need("Apply").calls_unknown);
  EXPECT_TRUE(need("Uses").calls_unknown);
  EXPECT_GT(used("Apply"), need("Apply").words);
}

TEST_F(StackNeedTest, CapturedFunctionsAndFieldsAreKnown) {
  run("Ops@ = *((Bool@) { Bool@; } not, (Bool@) { Bool@; } twice);"
      "Ops = Ops@(Not, Twice);"
      "(Bool@) { Bool@; } Uses = (Bool@ b) {"
      "  (Bool@) { Bool@; } Inner = (Bool@ c) { Bool@ d = Ops.twice(c); And(d, b); };"
      "  (N@) { Bool@; } Loop = (N@ n) { n.?(zero: Inner(b), more: Loop(n.more)); };"
      "  Not(Loop(3)); }; Uses(True);");
  for (const char* name : {"Uses", "Uses.Inner", "Uses.Loop"}) {
    EXPECT_TRUE(need(name).is_bound()) << name;
    EXPECT_EQ(need(name).words, used(name)) << name;
  }
}

TEST_F(StackNeedTest, PartialAndExcessiveArguments) {
  run("(Bool@) { (Bool@) { Bool@; }; } Pick = (Bool@ b) { b.?(true: Not, false: Twice); };"
      "(Bool@) { Bool@; } Rest = (Bool@ b) { Bool@ c = Pick(b)(b); Not(c); };"
      "(Bool@) { (Bool@) { Bool@; }; } Part = (Bool@ b) { And(b); };"
      "Bool@ x = Rest(True); (Bool@) { Bool@; } f = Part(x); f(x);");
  EXPECT_TRUE(need("Rest").calls_unknown);
  EXPECT_TRUE(need("Part").is_bound());
  EXPECT_EQ(need("Part").words, used("Part"));
}

}  // namespace
}  // namespace fble
