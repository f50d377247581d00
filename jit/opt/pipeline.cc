#include "jit/opt/pipeline.h"

#include "gc/log.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/forward.h"
#include "jit/opt/passes.h"

namespace fble {

namespace {

#ifndef NDEBUG
constexpr bool kVerify = true;
#else
constexpr bool kVerify = false;
#endif

/// Shows the trace to the listener, and verifies it, so that an error is found in the pass that makes it.
void finish_pass(const char* pass, const Trace& trace, const PassListener& listener) {
  if (listener) listener(pass, trace);
  if (!kVerify) return;
  const std::string problem = verify_trace(trace);
  if (problem.empty()) return;
  log_print("after {}: {}\n", pass, problem);
  FBLE_BUG("a pass broke the trace");
}

void append_all_again(Trace& trace, unsigned passes) {
  const std::vector<IrIns> instructions = std::exchange(trace.ins, {});
  const std::vector<Assumption> assumptions = std::exchange(trace.assumptions, {});
  Forward forward(trace, passes);
  forward.failure_is_a_bug = false;
  std::vector<IrRef> renamed(instructions.size(), kNoRef);
  std::vector<bool> seen(trace.snapshots.size());
  for (size_t i = 0; i < instructions.size();) {
    auto rename_snapshot = [&](size_t at) {
      const uint32_t snapshot = instructions[at].snapshot;
      if (snapshot == kNoSnapshot || seen[snapshot]) return;
      seen[snapshot] = true;
      for_each_snapshot_ref(trace.snapshots[snapshot], [&](IrRef& ref) { ref = renamed[index_of(ref)]; });
    };
    // Passes may copy a snapshot. Those of a group may mention its members.
    if (!instructions[i].recursive) rename_snapshot(i);
    const size_t end = i + append_again(forward, instructions, i, renamed);
    for (size_t j = i; j < end; ++j) rename_snapshot(j);
    for (const Assumption& assumption : assumptions) {
      const size_t about = index_of(assumption.ref);
      if (about >= i && about < end) forward.assume(renamed[about], assumption.facts);
    }
    i = end;
  }
}

struct NamedPass {
  std::string_view name;
  unsigned forward;  ///< ForwardPass, or 0
  void (*run)(Trace& trace);
};

/// The instructions that there is room for from the start: most traces have fewer.
constexpr size_t kUsualInstructions = 64;

constexpr NamedPass kPasses[] = {
    {"fold", kPassFold, nullptr},
    {"cse", kPassCse, nullptr},
    {"forward_loads", kPassForwardLoads, nullptr},
    {"guards", kPassGuards, nullptr},
    {"forward", kAllForwardPasses, nullptr},
    {"peel_loop", 0, [](Trace& trace) { peel_loop(trace); }},
    {"dce", 0, eliminate_dead},
    {"sink", 0, sink},
    {"alloc_check", 0, insert_alloc_checks},
    {"optimize", 0, optimize},
};

}  // namespace

// ---- the forward passes -----------------------------------------------------

Forward::Forward(Trace& trace, unsigned passes) : table(trace), cse(trace), trace_(trace), passes_(passes) {
  for (size_t i = 0; i < trace.ins.size(); ++i) {
    table.append(trace.ins[i]);
    if (ir_has_effect(trace.ins[i].op, 'p')) cse.insert(IrRef{static_cast<uint32_t>(i)});
  }
  for (const Assumption& assumption : trace.assumptions) table.add(assumption.ref, assumption.facts);
}

IrRef Forward::append(IrIns ins) {
  // From the simplest to the most general: computed or replaced instructions
  // are not looked up, and only needed ones are remembered.
  struct Pass {
    unsigned bit;
    Answer (*run)(Forward&, IrIns&);
  };
  constexpr Pass kForward[] = {
      {kPassFold, fold},
      {kPassForwardLoads, forward_load},
      {kPassGuards, drop_guard},
      {kPassCse, eliminate_common},
  };
  for (size_t i = 0; i < std::size(kForward);) {
    const Pass& pass = kForward[i++];
    if ((passes_ & pass.bit) == 0) continue;
    const Answer answer = pass.run(*this, ins);
    switch (answer.kind) {
      case Answer::kAppend: break;
      case Answer::kReplace: return answer.ref;
      case Answer::kDrop: return kNoRef;
      case Answer::kAgain: i = 0; break;
      case Answer::kFails:
        FBLE_ASSERT(!failure_is_a_bug);
        has_failed = true;
        return push(std::move(ins));
    }
  }
  return push(std::move(ins));
}

IrRef Forward::append_raw(IrIns ins) { return push(std::move(ins)); }

IrRef Forward::push(IrIns&& ins) {
  const IrRef ref{static_cast<uint32_t>(trace_.ins.size())};
  const bool pure = ir_has_effect(ins.op, 'p');
  const bool has_result = ir_has_result(ins.op);
  trace_.ins.push_back(std::move(ins));
  table.append(trace_.ins.back());
  if (pure) cse.insert(ref);
  return has_result ? ref : kNoRef;
}

void Forward::assume(IrRef ref, const Facts& facts) {
  if (facts_imply(table[ref], facts)) return;
  table.add(ref, facts);
  trace_.assumptions.push_back({ref, facts});
}

IrRef Forward::constant(Word word) {
  IrIns ins;
  ins.op = IrOp::kConstant;
  ins.x = word;
  const IrRef found = cse.find(ins);
  return found != kNoRef ? found : push(std::move(ins));
}

IrRef Forward::raw_constant(Word word) {
  IrIns ins;
  ins.op = IrOp::kConstant;
  ins.x = word;
  ins.raw = true;
  return append(std::move(ins));
}

IrRef Forward::append_bit_xor(const IrIns& ins, IrRef a, IrRef b) {
  IrIns made;
  made.op = IrOp::kBitXor;
  made.a = a;
  made.b = b;
  made.pc = ins.pc;
  made.site = ins.site;
  return append(std::move(made));
}

bool Forward::has(IrOp op, IrRef a, IrRef b) const {
  IrIns ins;
  ins.op = op;
  ins.a = a;
  ins.b = b;
  return cse.find(ins) != kNoRef;
}

size_t append_again(Forward& forward, std::span<const IrIns> instructions, size_t at, std::vector<IrRef>& renamed) {
  auto rename = [&](IrRef& ref) { ref = renamed[index_of(ref)]; };
  if (!instructions[at].recursive) {
    IrIns ins = instructions[at];
    for_each_ref(ins, rename);
    renamed[at] = forward.append(std::move(ins));
    return 1;
  }
  size_t end = at;
  for (; end < instructions.size() && instructions[end].recursive; ++end) {
    renamed[end] = IrRef{static_cast<uint32_t>(forward.trace().ins.size() + end - at)};
  }
  for (size_t i = at; i < end; ++i) {
    IrIns ins = instructions[i];
    for_each_ref(ins, rename);
    forward.append_raw(std::move(ins));
  }
  return end - at;
}

std::unique_ptr<IrBuilder> make_builder(Trace& trace) {
  trace.ins.reserve(kUsualInstructions);
  return std::make_unique<Forward>(trace);
}

// ---- the passes over whole traces -------------------------------------------

void run_passes(Trace& trace, bool with_loop, const PassListener& listener) {
  finish_pass("recording", trace, listener);

  // A function that calls itself is a loop from here on: a first turn, and a body that
  // keeps changing values in variables.
  if (with_loop) {
    peel_loop(trace);
    finish_pass("peel_loop", trace, listener);
  }

  // From here only instructions remain whose results are used.
  eliminate_dead(trace);
  finish_pass("dce", trace, listener);

  // From here an allocation is either virtual, and described by the exits that
  // mention it, or has a user that runs.
  sink(trace);
  finish_pass("sink", trace, listener);

  // From here real allocations have a check before them, whose snapshot is the
  // only one that is kept for allocations.
  insert_alloc_checks(trace);
  finish_pass("alloc_check", trace, listener);

  // Removes values that only the other snapshots mentioned.
  eliminate_dead(trace);
  finish_pass("dce", trace, listener);

  // From here equal sums may have their operands in different orders.
  order_sums(trace);
  finish_pass("order_sums", trace, listener);
}

void optimize(Trace& trace) { run_passes(trace, true, {}); }

void optimize_without_loop(Trace& trace) { run_passes(trace, false, {}); }

bool run_pass(std::string_view name, Trace& trace) {
  for (const NamedPass& pass : kPasses) {
    if (pass.name != name) continue;
    if (pass.forward == 0) {
      pass.run(trace);
      return true;
    }
    append_all_again(trace, pass.forward);
    return true;
  }
  return false;
}

}  // namespace fble
