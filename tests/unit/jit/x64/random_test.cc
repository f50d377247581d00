// Machine code of random traces against the model that executes the IR.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "jit/ir/ir_text.h"
#include "jit/opt/pipeline.h"
#include "jit/x64/assemble.h"
#include "jit/x64/regalloc_check.h"
#include "tests/support/ir_gen.h"
#include "tests/unit/jit/x64/code_runner.h"

namespace fble {
namespace {

using reference::IrHeap;
using reference::IrInput;
using reference::IrOutcome;

/// Returns the factor for the number of traces: FBLE_RANDOM_TRACES=N tries N times as many.
uint64_t effort() {
  const char* setting = std::getenv("FBLE_RANDOM_TRACES");
  return setting == nullptr ? 1 : std::strtoull(setting, nullptr, 10);
}

/// Returns the outcome of machine code in the model's terms.
IrOutcome outcome_of(CodeRunner& runner, const Trace& trace, const AssembledTrace& code,
                     const x64::Allocation& allocation, IrHeap& heap, const IrOutcome& expected) {
  IrOutcome outcome;
  const auto read_slots = [&] {
    for (const auto& [slot, word] : expected.slots) outcome.slots[slot] = runner.frame()[slot];
  };
  switch (runner.end) {
    case CodeRunner::End::kReturn:
      outcome.kind = IrOutcome::Kind::kReturn;
      outcome.values.push_back(runner.value);
      break;
    case CodeRunner::End::kExit: {
      outcome.kind = IrOutcome::Kind::kExit;
      const uint32_t exit = runner.exit_of(code);
      const ExitEntry& entry = allocation.exits.at(exit);
      for (uint32_t i = 0; i < trace.ins.size(); ++i) {
        if (allocation.plans[i].exit == static_cast<int32_t>(exit)) outcome.snapshot = trace.ins[i].snapshot;
      }
      read_slots();
      std::map<int32_t, Word> virtuals;
      for (const ExitFrame& frame : entry.frames) {
        outcome.closures.push_back(frame.in_memory ? 0 : runner.word(frame.closure, entry, heap, virtuals));
      }
      for (const ExitSlot& slot : entry.slots) {
        outcome.slots[slot.slot] = runner.word(slot.location, entry, heap, virtuals);
      }
      break;
    }
    case CodeRunner::End::kCode: {
      const IrIns& last = trace.ins.back();
      outcome.kind = last.op == IrOp::kCall ? IrOutcome::Kind::kCall : IrOutcome::Kind::kTailCall;
      outcome.frame = runner.fp;
      outcome.snapshot = last.snapshot;
      const Word* frame = runner.frame() + runner.fp;
      outcome.values.push_back(frame[kClosureSlot]);
      for (size_t i = 0; i < last.list.size(); ++i) outcome.values.push_back(frame[i]);
      read_slots();
      if (last.op == IrOp::kCall) {
        EXPECT_EQ(frame[kReturnPositionSlot], reinterpret_cast<Word>(trace.snapshots[last.snapshot].frames.back().pc));
      }
      EXPECT_EQ(runner.pc, closure_code(as_object(frame[kClosureSlot]))->start);
      break;
    }
    default: outcome.message = "did not end";
  }
  return outcome;
}

class RandomTraces : public testing::Test {
 protected:
  RandomTraces() : cache_(size_t{64} << 20) {}

  void check(const Trace& trace, const IrInput& input, IrHeap& heap, const AssembledTrace& code,
             const x64::Allocation& allocation, const std::string& what) {
    const IrOutcome expected = reference::run_ir(trace, input, heap);
    if (expected.kind == IrOutcome::Kind::kBroken) return;  // the trace does not support this input
    runner_.reset_limits();
    for (const auto& [slot, word] : input.slots) runner_.frame()[slot] = word;
    tallies_ = {};
    passes_ = {};
    for_each_hits(trace, [](int32_t, uint64_t& hits) { hits = 0; });
    runner_.enter(code.door);
    IrOutcome got = outcome_of(runner_, trace, code, allocation, heap, expected);
    for (int32_t i = 0; i < IrGen::kTallies; ++i) {
      for (uint32_t k = 0; k < tallies_[i].size(); ++k) {
        // `tally` may count tags of 0.
        const int32_t key = reference::counter_key(i, k);
        const bool is_known = expected.tallies.contains(key);
        if (is_known || (k != 0 && tallies_[i][k] != 0)) got.tallies[key] = tallies_[i][k];
      }
    }
    for_each_hits(trace, [&](int32_t key, uint64_t hits) {
      if (hits != 0 || expected.tallies.contains(key)) got.tallies[key] = hits;
    });
    if (counts_passes_) {
      EXPECT_EQ(passes_.entries, 1u);
      EXPECT_EQ(passes_.turns, expected.turns) << what << '\n' << to_text(trace);
      turns_ += passes_.turns;
    }
    ++runs_;
    left_ += got.kind == IrOutcome::Kind::kExit;
    ASSERT_EQ(to_text(trace, expected, heap), to_text(trace, got, heap))
        << what << '\n'
        << to_text(trace) << disassemble(code.start, code.code_bytes, &trace, code.origins);
  }

  template <typename Visit>
  static void for_each_hits(const Trace& trace, Visit&& visit) {
    for (size_t memo = 0; memo < trace.memos.size(); ++memo) {
      const MemoTable& table = *trace.memos[memo];
      for (size_t row = 0; table.row_hits != nullptr && row < size_t{1} << table.index_bits; ++row) {
        visit(reference::hits_key(static_cast<int32_t>(memo), row), table.row_hits[row]);
      }
    }
  }

  void run(uint64_t seed, const IrGenOptions& options, bool optimised) {
    IrGen gen(seed, options);
    // A pass may add a snapshot; then the numbers of the plain trace's snapshots differ.
    if (!optimised && gen.plain.snapshots.size() != gen.optimised.snapshots.size()) return;
    Trace& trace = optimised ? gen.optimised : gen.plain;
    if (optimised) optimize(trace);
    // A call of the trace's own function would not leave it.
    Code stranger;
    if (trace.ins.back().op == IrOp::kTailCall || trace.ins.back().op == IrOp::kCall) trace.code = &stranger;
    for (IrIns& ins : trace.ins) {
      for (Code* code : {ins.code}) {
        if (code != nullptr) code->entry = CodeRunner::code_entry();
      }
      if (ins.op == IrOp::kConstant && !ins.raw && is_pointer(ins.x) &&
          as_object(ins.x)->kind() == ObjectKind::kClosure) {
        closure_code(as_object(ins.x))->entry = CodeRunner::code_entry();
      }
    }
    cache_.rewind(0);
    const x64::Allocation allocation = x64::allocate_registers(trace);
    ASSERT_EQ(x64::check_allocation(trace, allocation), "") << seed << '\n' << to_text(trace);
    const AssembledTrace code = assemble(trace, cache_, CodeRunner::entries(),
                                         {.passes = counts_passes_ ? &passes_ : nullptr,
                                          .tallies = tallies_.data(),
                                          .keep_origins = true,
                                          .check_registers = true});
    ASSERT_FALSE(code.failure);
    spilled_ += allocation.spill_slots != 0;
    const std::string what = fmt::format("seed {}{}", seed, optimised ? " optimised" : "");
    check(trace, gen.witness(), gen.heap, code, allocation, what);
    for (int i = 0; i < 6 && !HasFatalFailure(); ++i) check(trace, gen.input(), gen.heap, code, allocation, what);
  }

  CodeCache cache_;
  CodeRunner runner_{cache_};
  std::array<TallyGroup, IrGen::kTallies> tallies_ = {};
  PassCounters passes_;
  bool counts_passes_ = false;
  uint64_t turns_ = 0;
  size_t runs_ = 0;
  size_t left_ = 0;
  size_t spilled_ = 0;
};

TEST_F(RandomTraces, DoWhatTheModelDoes) {
  for (uint64_t seed = 0; seed < 400 * effort() && !HasFatalFailure(); ++seed) {
    const IrGenOptions options{
        .instructions = 10 + seed % 90, .tallies = true, .bits = seed % 3 == 0, .tag_sets = seed % 3 == 1};
    run(seed, options, false);
    run(seed, options, true);
  }
  EXPECT_GT(left_, runs_ / 20);
  EXPECT_GT(spilled_, 20u);
}

TEST_F(RandomTraces, LoopsDoWhatTheModelDoes) {
  for (uint64_t seed = 0; seed < 200 * effort() && !HasFatalFailure(); ++seed) {
    counts_passes_ = seed % 2 == 0;
    run(seed,
        {.instructions = 10 + seed % 40,
         .ends_in_self_call = true,
         .tallies = true,
         .bits = seed % 3 == 0,
         .tag_sets = seed % 3 == 1},
        true);
  }
  EXPECT_GT(turns_, 100u);
}

}  // namespace
}  // namespace fble
