// Passes do not change the behaviour of a trace: the IR interpreter executes
// random traces before and after them, on many inputs.
#include <gtest/gtest.h>

#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "tests/reference/ir_interp.h"
#include "tests/support/ir_gen.h"

namespace fble {
namespace {

using reference::IrInput;
using reference::IrOutcome;
using reference::IrRun;

constexpr uint64_t kSeeds = 250;
constexpr int kInputs = 12;

/// Returns whether the trace may continue although the outcome is an exit. A guard for a result that does not fit may
/// be dropped if the result is not needed; a guard for an error may not.
bool may_go_on(const Trace& trace, const IrOutcome& outcome) {
  if (outcome.kind != IrOutcome::Kind::kExit || outcome.at == kNoRef) return false;
  return ir_has_result(trace.at(outcome.at).op) && !may_be_error(trace, trace.at(outcome.at));
}

struct Counts {
  int equal = 0;
  int went_on = 0;
};

/// Runs both on the input. Returns false after a difference, which has been reported.
bool same_outcome(const Trace& before, const Trace& after, const IrInput& input, IrGen& gen, Counts& counts) {
  const IrOutcome expected = reference::run_ir(before, input, gen.heap);
  const IrOutcome outcome = reference::run_ir(after, input, gen.heap);
  const std::string expected_text = to_text(before, expected, gen.heap);
  const std::string text = to_text(after, outcome, gen.heap);
  if (expected.kind != IrOutcome::Kind::kBroken && text == expected_text) {
    ++counts.equal;
    return true;
  }
  if (outcome.kind != IrOutcome::Kind::kBroken && may_go_on(before, expected)) {
    ++counts.went_on;
    return true;
  }
  ADD_FAILURE() << "before:\n"
                << to_text(before) << "after:\n"
                << to_text(after) << "expected: " << expected_text << "\nis: " << text;
  return false;
}

/// Checks `pass` on random traces; `of` picks the trace that it starts from.
template <typename Pass>
void check_pass(Pass&& pass, Trace IrGen::* of, bool complete = false) {
  Counts counts;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    IrGen gen(seed,
              {.instructions = 10 + seed % 60, .tallies = true, .bits = seed % 3 == 0, .tag_sets = seed % 3 == 1});
    ASSERT_EQ(verify_trace(gen.*of), "") << "seed " << seed << "\n" << to_text(gen.*of);
    Trace after = gen.*of;
    pass(after);
    ASSERT_EQ(verify_trace(after, complete), "") << "seed " << seed << "\n" << to_text(gen.*of) << to_text(after);
    for (int i = 0; i < kInputs; ++i) {
      const IrInput input = i == 0 ? gen.witness() : gen.input();
      ASSERT_TRUE(same_outcome(gen.plain, after, input, gen, counts)) << "seed " << seed << ", input " << i;
    }
  }
  EXPECT_GT(counts.equal, 20 * counts.went_on);
}

TEST(Passes, ForwardPassesKeepTheMeaning) {
  check_pass([](Trace&) {}, &IrGen::optimised);
}

TEST(Passes, EachForwardPassKeepsTheMeaning) {
  for (const char* pass : {"fold", "cse", "forward_loads", "guards", "forward"}) {
    SCOPED_TRACE(pass);
    check_pass([&](Trace& trace) { ASSERT_TRUE(run_pass(pass, trace)); }, &IrGen::plain);
  }
}

TEST(Passes, EachPassKeepsTheMeaning) {
  for (const char* pass : {"dce", "sink", "alloc_check"}) {
    SCOPED_TRACE(pass);
    check_pass([&](Trace& trace) { ASSERT_TRUE(run_pass(pass, trace)); }, &IrGen::plain);
    check_pass([&](Trace& trace) { ASSERT_TRUE(run_pass(pass, trace)); }, &IrGen::optimised);
  }
}

TEST(Passes, OptimizeKeepsTheMeaning) { check_pass(optimize, &IrGen::optimised, true); }
TEST(Passes, OptimizeWorksWithoutForwardPasses) { check_pass(optimize, &IrGen::plain, true); }

// Tags 2 and 4 of a union of seven are known to be absent: the low two bits distinguish 0 from all others, but the
// lowest bit alone does not, since 6 is even, too.
TEST(Passes, ANarrowedGuardIsNotMadeNarrower) {
  Trace trace;
  const auto builder = make_builder(trace);
  IrIns slot{.op = IrOp::kSlot};
  slot.n = 0;
  const IrRef value = builder->append(slot);
  Facts facts;
  facts.packed = true;
  facts.not_tags = 0b10100;
  builder->assume(value, facts);
  IrIns guard{.op = IrOp::kTagIs};
  guard.a = value;
  guard.n = 0;
  guard.m = 3;
  guard.snapshot = 0;
  builder->append(guard);
  ASSERT_EQ(trace.ins.size(), 2u);
  EXPECT_EQ(trace.ins[1].m, 2u);
}

TEST(Passes, RunPassKnowsItsNames) {
  Trace trace;
  EXPECT_FALSE(run_pass("no such pass", trace));
}

/// Returns the state of a snapshot as text, without memory.
std::string listed(const Trace& trace, uint32_t index, const IrOutcome& state, const reference::IrHeap& heap) {
  std::string text;
  for (const SnapshotFrame& frame : trace.snapshots[index].frames) {
    text += std::to_string(frame.pc - frame.code->start) + " ";
  }
  for (const Word closure : state.closures) text += heap.describe(closure) + " ";
  for (const SnapshotSlot& slot : trace.snapshots[index].slots) {
    text += std::to_string(slot.slot) + ":" + heap.describe(state.slots.at(slot.slot)) + " ";
  }
  return text;
}

// When there is no room, an alloc_check returns to a state that the trace had before.
TEST(Passes, AllocChecksLeaveInAStateOfBefore) {
  int left = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    IrGen gen(seed,
              {.instructions = 10 + seed % 60, .tallies = true, .bits = seed % 3 == 0, .tag_sets = seed % 3 == 1});
    Trace after = gen.optimised;
    optimize(after);
    IrRun run(after, gen.witness(), gen.heap);
    run.leaves = [](const IrIns& ins) { return ins.op == IrOp::kAllocCheck; };
    const IrOutcome outcome = run.run();
    if (outcome.kind != IrOutcome::Kind::kExit || after.at(outcome.at).op != IrOp::kAllocCheck) continue;
    ++left;
    const uint32_t* pc = after.snapshots[outcome.snapshot].frames[0].pc;
    const auto original = std::ranges::find_if(gen.plain.snapshots,
                                               [&](const Snapshot& snapshot) { return snapshot.frames[0].pc == pc; });
    ASSERT_NE(original, gen.plain.snapshots.end());
    const auto index = static_cast<uint32_t>(original - gen.plain.snapshots.begin());
    IrRun plain(gen.plain, gen.witness(), gen.heap);
    plain.run();
    EXPECT_EQ(listed(after, outcome.snapshot, outcome, gen.heap),
              listed(gen.plain, index, plain.state(index), gen.heap))
        << "seed " << seed << "\n"
        << to_text(gen.plain) << to_text(after);
  }
  EXPECT_GT(left, 20);
}

TEST(Passes, TextParsesBack) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    IrGen gen(seed);
    optimize(gen.optimised);
    const std::string text = to_text(gen.optimised);
    IrCodes codes;
    const TraceParse parsed = parse_trace(text, "trace", codes.resolver());
    ASSERT_TRUE(parsed.trace) << parsed.error << "\n" << text;
    EXPECT_EQ(to_text(*parsed.trace), text);
    parsed.trace->memos = gen.optimised.memos;
    EXPECT_EQ(verify_trace(*parsed.trace, true), "");
  }
}

}  // namespace
}  // namespace fble
