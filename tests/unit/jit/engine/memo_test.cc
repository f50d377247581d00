// Memos: results that are remembered, of which functions, and for how long.
#include "jit/engine/memo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "frontends/fble/lower.h"
#include "gc/object.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/compiled_source.h"

namespace fble {
namespace {

/// Binary numbers from 1 on, and a loop that counts `n` down and has `sum` computed; `in_add` is at the start of Add.
std::string program(const std::string& sum, const std::string& in_add = "", const std::string& before = "",
                    const std::string& result = "Loop(Large, 1)") {
  return R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
Nat@ 1 = Nat@(1: Unit@());
(Nat@) { Nat@; } Incr = (Nat@ a) { a.?(1: Nat@(2: 1), 2: Nat@(3: a.2), 3: Nat@(2: Incr(a.3))); };
(Nat@) { Nat@; } Decr = (Nat@ a) { a.?(1: 1, 2: a.2.?(1: 1, : Nat@(3: Decr(a.2))), 3: Nat@(2: a.3)); };
(Nat@, Nat@) { Nat@; } Add = (Nat@ a, Nat@ b) {
)" + in_add +
         R"(
  a.?(1: Incr(b),
    2: b.?(1: Nat@(3: a.2), 2: Nat@(2: Add(a.2, b.2)), 3: Nat@(3: Add(a.2, b.3))),
    3: b.?(1: Nat@(2: Incr(a.3)), 2: Nat@(3: Add(a.3, b.2)), 3: Nat@(2: Incr(Add(a.3, b.3)))));
};
Nat@ Large = Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: Nat@(3: 1))))))))));
)" + before +
         R"(
(Nat@, Nat@) { Nat@; } Loop = (Nat@ n, Nat@ sum) { n.?(1: sum, : Loop(Decr(n), )" +
         sum + ")); };\n" + result + ";\n";
}
/// The same numbers are added in each turn.
const std::string kSame = program("Add(Add(Large, 1), Large)");
/// The call that is remembered is a tail call of a function that is inlined.
const std::string kInTail = program("Plus(Large)", "", R"(
(Nat@) { Nat@; } Plus = (Nat@ a) { Add(a, Large); };
)");
/// In each turn there are other numbers.
const std::string kOther = program("Add(n, sum)");
/// First the same numbers are added, then others.
const std::string kTwoPhases = program("Add(Small, Large)", "", R"(
Nat@ Small = Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: 1)))))));
(Nat@, Nat@) { Nat@; } Others = (Nat@ n, Nat@ sum) { n.?(1: sum, : Others(Decr(n), Add(n, sum))); };
)",
                                       "Others(Large, Loop(Small, 1))");

struct Counts {
  uint64_t memos = 0;
  uint64_t given_up = 0;
  uint64_t freed = 0;
  uint64_t remembered = 0;
  uint64_t unknown = 0;
};

class MemoTest : public CompiledSourceTest {
 protected:
  /// Runs the program; returns its result as a number. Without options it is interpreted.
  uint64_t run(const std::string& text, const JitOptions* options) {
    start(text, options);
    EXPECT_TRUE(machine_->run_modules()) << machine_->error().render();
    uint64_t place = 1;
    uint64_t low = 0;
    for (Word value = machine_->result(); union_tag(value, 2) != 0; value = union_arg(value, 2), place *= 2) {
      low += place * (union_tag(value, 2) - 1);
    }
    return place + low;
  }
  /// Runs it in both ways, and expects the same.
  void compare(const std::string& text, const JitOptions& options) {
    const uint64_t expected = run(text, nullptr);
    EXPECT_EQ(run(text, &options), expected);
  }
  Counts counts() const {
    const std::string text = engine_->stats_text();
    Counts all;
    const size_t at = text.find("memos:");
    EXPECT_EQ(
        std::sscanf(text.c_str() + at,
                    "memos: %lu functions, %lu given up, %lu of their tables freed; %lu calls remembered, %lu unknown",
                    &all.memos, &all.given_up, &all.freed, &all.remembered, &all.unknown),
        5)
        << text;
    return all;
  }
  static bool recalls(const CompiledTrace& trace) {
    return std::ranges::any_of(trace.whole_steps, [](const WholeStep& step) { return step.end == nullptr; });
  }
  size_t traces_with_recalls() const {
    size_t count = 0;
    for (uint32_t i = 0; i < engine_->traces().size(); ++i) count += recalls(engine_->traces()[i]) ? 1 : 0;
    return count;
  }
  PureCalls pure_calls(const std::string& name) const {
    return find_pure_calls(*code(name), machine_->carrier().machine.globals);
  }

  // Calls that are not remembered are made: stride_test.cc is about others.
  JitOptions eager_ = [] {
    JitOptions options{.eager = true};
    options.params.strides = 0;
    return options;
  }();
};

TEST_F(MemoTest, WhatIsAskedAgainIsRemembered) {
  compare(kSame, eager_);
  const Counts all = counts();
  EXPECT_GE(all.memos, 1u);
  EXPECT_GE(all.remembered, 2000u);
}

TEST_F(MemoTest, AFunctionThatIsAskedForOthersIsGivenUp) {
  eager_.params.memo_trial = 100;
  compare(kOther, eager_);
  const Counts all = counts();
  EXPECT_GE(all.given_up, 1u);
  EXPECT_GT(all.unknown, 100u);
  EXPECT_LE(all.unknown, all.remembered + all.memos * 101);
}

TEST_F(MemoTest, RowsThatAreSharedByManyCalls) {
  eager_.params.memo_bits = 1;
  eager_.params.memo_trial = 1'000'000;
  compare(kOther, eager_);
  compare(kSame, eager_);
  EXPECT_GE(counts().memos, 1u);
}

TEST_F(MemoTest, NoneIsWanted) {
  eager_.params.memo_bits = 0;
  compare(kSame, eager_);
  EXPECT_EQ(counts().memos, 0u);
}

TEST_F(MemoTest, NoMoreThanWanted) {
  eager_.params.memo_tables = 1;
  eager_.params.memo_trial = 1'000'000;
  compare(kSame, eager_);
  EXPECT_EQ(counts().memos, 1u);
}

TEST_F(MemoTest, TheyEndWithTheMachineCode) {
  eager_.params.max_traces = 4;
  compare(kSame, eager_);
  EXPECT_GE(engine_->stats().flushes, 1u);
  EXPECT_GE(engine_->stats().memos, 1u);
}

// Machine code is left in the middle of calls that were to be remembered.
TEST_F(MemoTest, UnfinishedCallsAreLost) {
  eager_.deopt_every = 7;
  eager_.params.memo_bits = 2;
  eager_.params.memo_trial = 1'000'000;
  compare(kOther, eager_);
  EXPECT_GE(counts().memos, 1u);
}

// ---- traces that look in tables themselves ----------------------------------

TEST_F(MemoTest, TracesLookInProvenTables) {
  compare(kSame, eager_);
  EXPECT_GE(traces_with_recalls(), 1u);
  EXPECT_GE(engine_->stats().evictions, 1u);
  EXPECT_GE(counts().remembered, 2000u);
  eager_.params.memo_proof = 1'000'000;
  eager_.eager = false;
  compare(kSame, eager_);
  EXPECT_EQ(traces_with_recalls(), 0u);
}

// A remembered call is one step of the interpreter that checks the exits.
TEST_F(MemoTest, ExitsAfterRecallsAreChecked) {
  for (const std::string& text : {kSame, kInTail}) {
    for (const bool sweep : {false, true}) {
      JitOptions options = eager_;
      options.shadow_check = !sweep;
      options.deopt_sweep = sweep;
      if (!sweep) options.deopt_every = 199;
      compare(text, options);
      EXPECT_GE(traces_with_recalls(), 1u);
      EXPECT_GE(sweep ? engine_->stats().rehearsed_guards : engine_->stats().exits_checked, sweep ? 5u : 30u);
    }
    JitOptions options = eager_;
    options.deopt_every = 5;
    compare(text, options);
  }
}

TEST_F(MemoTest, RecallsThatFindOthersCall) {
  eager_.params.memo_bits = 1;
  eager_.params.memo_trial = 1'000'000;
  compare(kInTail, eager_);
  compare(kSame, eager_);
}

TEST_F(MemoTest, TracesGoWithTheMemoThatIsGivenUp) {
  eager_.params.memo_trial = 100;
  compare(kTwoPhases, eager_);
  EXPECT_GE(counts().given_up, 1u);
  uint32_t recalling = 0;
  for (uint32_t i = 0; i < engine_->traces().size(); ++i) {
    const CompiledTrace& trace = engine_->traces()[i];
    if (!recalls(trace)) continue;
    ++recalling;
    EXPECT_TRUE(trace.evicted) << i;
  }
  EXPECT_GE(recalling, 1u);
}

// Add's memo is given up in the second call of Others, whose machine code is complete: no exit evicts the traces of
// Loop before the recording of Hot, for whose call a new table is made. Those of Incr and Decr are freed then.
TEST_F(MemoTest, TablesStayWhileTracesLookInThem) {
  const std::string before = R"(
Nat@ Small = Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: Nat@(3: Nat@(2: 1)))))));
(Nat@, Nat@) { Nat@; } Others = (Nat@ n, Nat@ sum) { n.?(1: sum, : Others(Decr(n), Add(n, sum))); };
(Nat@, Nat@) { Nat@; } Rest = (Nat@ a, Nat@ b) { a.?(1: b, 2: Rest(b, a.2), 3: Rest(b, a.3)); };
(Nat@, Nat@) { Nat@; } Hot = (Nat@ a, Nat@ b) { Rest(a, b); };
)";
  const std::string result = R"(
Nat@ A = Loop(Small, Loop(Small, 1));
Nat@ B = Others(Large, A);
Nat@ C = Others(Large, A);
Nat@ D = Hot(Small, Large);
Nat@ E = Loop(Small, D);
Add(B, Add(C, E))
)";
  eager_.params.memo_trial = 2000;
  eager_.params.memo_bits = 10;
  eager_.params.strides = 0;
  compare(program("Add(Small, Large)", "", before, result), eager_);
  EXPECT_EQ(counts().given_up, 3u);
  EXPECT_EQ(counts().freed, 2u);
}

TEST_F(MemoTest, CallsThatShowAreNot) {
  compare(program("Add(Add(Large, 1), Large)", "# deopt-here!\n"), eager_);
  const PureCalls calls = pure_calls("/P%.Add");
  EXPECT_FALSE(calls.is_pure);
  EXPECT_TRUE(pure_calls("/P%.Incr").is_pure);
}

TEST_F(MemoTest, PureCallsAreFollowed) {
  compare(kSame, eager_);
  const PureCalls add = pure_calls("/P%.Add");
  EXPECT_TRUE(add.is_pure);
  EXPECT_TRUE(add.reaches(*code("/P%.Add")));
  EXPECT_TRUE(add.reaches(*code("/P%.Incr")));
  EXPECT_FALSE(add.reaches(*code("/P%.Decr")));
  const PureCalls loop = pure_calls("/P%.Loop");
  EXPECT_TRUE(loop.is_pure && loop.reaches(*code("/P%.Decr")));
}

TEST_F(MemoTest, OtherCallsAreNotFollowed) {
  compare(
      "Unit@ = *();\nNat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);\n"
      "((Nat@) { Nat@; }, Nat@) { Nat@; } Twice = ((Nat@) { Nat@; } f, Nat@ a) { f(f(a)); };\n"
      "Twice((Nat@ a) { Nat@(2: a); }, Nat@(1: Unit@()));\n",
      eager_);
  EXPECT_FALSE(pure_calls("/P%.Twice").is_pure);
}

// Libraries are structs of functions: what they hold is known where control comes to the call from one place.
TEST_F(MemoTest, CallsOfFieldsAreFollowed) {
  const std::string sums = R"(
Pure@ = *((Nat@) { Nat@; } incr, (Nat@, Nat@) { Nat@; } add);
Pure@ Pure = Pure@(Incr, Add);
Library@ = *(Pure@ pure, Nat@ one);
Library@ Library = Library@(Pure, 1);
(Nat@) { Nat@; } Shown = (Nat@ a) {
# deopt-here!
a; };
(Nat@) { Nat@; } Plus = (Nat@ a) { a.?(1: Pure.incr(a), 2: Pure.add(a, Large), 3: Plus(a.3)); };
(Nat@) { Nat@; } Nested = (Nat@ a) { a.?(1: 1); Library.pure.add(Pure.incr(a), Nested(Decr(a))); };
(Nat@) { Nat@; } Either = (Nat@ a) {
  (Nat@) { Nat@; } f = a.?(1: Pure.incr, 2: Decr, 3: Incr);
  f(a);
};
(Nat@) { Nat@; } EitherShown = (Nat@ a) {
  (Nat@) { Nat@; } f = a.?(1: Shown, 2: Decr, 3: Incr);
  f(a);
};
(Nat@, Pure@) { Nat@; } Given = (Nat@ a, Pure@ given) { given.incr(a); };
)";
  compare(program("Add(Plus(n), Add(Nested(1), Add(Either(n), Add(EitherShown(n), Given(n, Pure)))))", "", sums),
          eager_);
  const PureCalls plus = pure_calls("/P%.Plus");
  EXPECT_TRUE(plus.is_pure && plus.reaches(*code("/P%.Plus")));
  EXPECT_TRUE(plus.reaches(*code("/P%.Incr")) && plus.reaches(*code("/P%.Add")));
  EXPECT_FALSE(plus.reaches(*code("/P%.Decr")));
  const PureCalls nested = pure_calls("/P%.Nested");
  EXPECT_TRUE(nested.is_pure && nested.reaches(*code("/P%.Add")) && nested.reaches(*code("/P%.Decr")));
  EXPECT_FALSE(pure_calls("/P%.Shown").is_pure);
  for (const char* name : {"/P%.Either", "/P%.EitherShown", "/P%.Given"})
    EXPECT_FALSE(pure_calls(name).is_pure) << name;
}

// As if what Add calls were a native.
TEST_F(MemoTest, NativesMustBePure) {
  compare(kSame, eager_);
  Code& native = *const_cast<Code*>(code("/P%.Incr"));
  native.native = [](NativeCall&) -> Word { return 0; };
  EXPECT_FALSE(pure_calls("/P%.Add").is_pure);
  native.is_pure = true;
  EXPECT_TRUE(pure_calls("/P%.Add").is_pure);
}

}  // namespace
}  // namespace fble
