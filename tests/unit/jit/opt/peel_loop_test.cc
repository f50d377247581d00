// A loop behaves like repeated calls of its function.
#include <gtest/gtest.h>

#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "tests/reference/ir_interp.h"
#include "tests/support/ir_gen.h"

namespace fble {
namespace {

using reference::IrHeap;
using reference::IrInput;
using reference::IrOutcome;
using reference::IrRun;

constexpr int kMaxTurns = 30;

/// Stores the closure of the root frame in its slot, if it is not from there.
IrOutcome with_closure_in_slot(IrOutcome outcome) {
  if (!outcome.closures.empty() && outcome.closures[0] != 0) {
    outcome.slots[-3] = std::exchange(outcome.closures[0], 0);
  }
  return outcome;
}

/// Returns the frames with their live slots: all arguments, and the listed values.
std::string state_text(const Trace& trace, const IrOutcome& outcome, const IrHeap& heap) {
  return to_text(trace, with_closure_in_slot(outcome), heap);
}

struct Turns {
  std::string text;
  int turns = 0;
  bool may_go_on = false;
};

/// Enters the trace again while it calls its own function.
Turns run_by_calls(const Trace& trace, IrInput input, IrHeap& heap) {
  Turns result;
  std::map<int32_t, uint64_t> tallies;  // of all turns
  for (;; ++result.turns) {
    IrOutcome outcome = reference::run_ir(trace, input, heap);
    for (const auto& [counter, sum] : outcome.tallies) tallies[counter] += sum;
    outcome.tallies = tallies;
    if (outcome.kind != IrOutcome::Kind::kTailCall || outcome.code != trace.code || result.turns + 1 == kMaxTurns) {
      result.may_go_on = outcome.kind == IrOutcome::Kind::kExit && ir_has_result(trace.at(outcome.at).op) &&
                         !may_be_error(trace, trace.at(outcome.at));
      if (outcome.kind == IrOutcome::Kind::kTailCall) {
        // As if it had been left at the function's start.
        outcome.kind = IrOutcome::Kind::kExit;
        outcome.slots[-3] = outcome.values[0];
        for (size_t i = 1; i < outcome.values.size(); ++i)
          outcome.slots[static_cast<int32_t>(i - 1)] = outcome.values[i];
        outcome.values.clear();
        result.text = "start: ";
      }
      result.text += state_text(trace, outcome, heap);
      return result;
    }
    input.slots[-3] = outcome.values[0];
    for (size_t i = 1; i < outcome.values.size(); ++i) input.slots[static_cast<int32_t>(i - 1)] = outcome.values[i];
  }
}

Turns run_loop(const Trace& trace, const IrInput& input, IrHeap& heap) {
  Turns result;
  IrRun run(trace, input, heap);
  run.leaves = [&](const IrIns& ins) { return ins.op == IrOp::kLoopBack && ++result.turns + 1 == kMaxTurns; };
  IrOutcome outcome = run.run();
  if (outcome.kind == IrOutcome::Kind::kExit && trace.at(outcome.at).op == IrOp::kLoopBack) {
    outcome.snapshot = kNoSnapshot;
    result.text = "start: ";
  } else if (outcome.at != kNoRef) {
    // The preamble ends with a call, too.
    const auto in_loop = trace.ins.begin() + index_of(outcome.at);
    result.turns +=
        std::any_of(trace.ins.begin(), in_loop, [](const IrIns& ins) { return ins.op == IrOp::kLoopStart; });
  }
  result.text += state_text(trace, outcome, heap);
  return result;
}

bool is_loop(const Trace& trace) { return trace.ins.back().op == IrOp::kLoopBack; }

/// `optimise` makes loops of traces; the rest of the pipeline may be part of it.
template <typename Optimise>
void check_loops(Optimise&& optimise, bool complete) {
  int loops = 0;
  int long_runs = 0;
  int equal = 0;
  int went_on = 0;
  for (uint64_t seed = 0; seed < 700; ++seed) {
    IrGen gen(seed, {.instructions = 5 + seed % 40,
                     .ends_in_self_call = true,
                     .tallies = true,
                     .bits = seed % 3 == 0,
                     .tag_sets = seed % 3 == 1});
    Trace after = gen.optimised;
    optimise(after);
    ASSERT_EQ(verify_trace(after, complete), "") << "seed " << seed << "\n" << to_text(gen.optimised) << to_text(after);
    if (!is_loop(after)) continue;
    ++loops;
    for (int i = 0; i < 6; ++i) {
      const IrInput input = i == 0 ? gen.witness() : gen.input();
      const Turns expected = run_by_calls(gen.plain, input, gen.heap);
      const Turns is = run_loop(after, input, gen.heap);
      long_runs += is.turns > 2 ? 1 : 0;
      if (is.text == expected.text && is.turns == expected.turns) {
        ++equal;
        continue;
      }
      if (expected.may_go_on && !is.text.starts_with("broken")) {
        ++went_on;
        continue;
      }
      FAIL() << "seed " << seed << ", input " << i << "\nbefore:\n"
             << to_text(gen.plain) << "after forward passes:\n"
             << to_text(gen.optimised) << "after:\n"
             << to_text(after) << "expected after " << expected.turns << " turns: " << expected.text << "\nis after "
             << is.turns << ": " << is.text;
    }
  }
  EXPECT_GT(loops, 200);
  EXPECT_GT(long_runs, 200);
  EXPECT_GT(equal, 10 * went_on);
}

TEST(PeelLoop, LoopsDoWhatCallsDo) {
  check_loops([](Trace& trace) { run_pass("peel_loop", trace); }, false);
}

TEST(PeelLoop, OptimisedLoopsDoWhatCallsDo) { check_loops(optimize, true); }

}  // namespace
}  // namespace fble
