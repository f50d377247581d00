// Tested by fuzz/tests/oracles_test.cc.
#include "fuzz/oracle/traces.h"

#include <fmt/format.h>

#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "jit/x64/regalloc_check.h"
#include "tests/reference/ir_interp.h"
#include "tests/support/ir_gen.h"

namespace fble {
namespace {

using reference::IrInput;
using reference::IrOutcome;

constexpr int kInputs = 8;

/// Returns whether the trace may continue although the outcome is an exit. A guard for a result that does not fit may
/// be dropped if the result is not needed; a guard for an error may not.
bool may_go_on(const Trace& trace, const IrOutcome& outcome) {
  if (outcome.kind != IrOutcome::Kind::kExit || outcome.at == kNoRef) return false;
  return ir_has_result(trace.at(outcome.at).op) && !may_be_error(trace, trace.at(outcome.at));
}

}  // namespace

TraceChoices TraceChoices::from(std::span<const uint8_t> bytes) {
  TraceChoices choices;
  const auto byte = [&](size_t at) { return at < bytes.size() ? bytes[at] : uint8_t{0}; };
  choices.instructions = 5 + byte(0) % 120;
  choices.ends_in_self_call = (byte(1) & 1) != 0;
  choices.forward_passes = (byte(1) & 2) != 0;
  choices.bits = (byte(1) & 4) != 0;
  choices.pass = byte(2);
  for (size_t i = 3; i < bytes.size(); ++i) choices.seed = choices.seed * 257 + bytes[i];
  return choices;
}

std::string check_passes(const TraceChoices& choices) {
  IrGen gen(choices.seed, {.instructions = choices.instructions,
                           .ends_in_self_call = choices.ends_in_self_call,
                           .tallies = true,
                           .bits = choices.bits});
  Trace after = choices.forward_passes ? gen.optimised : gen.plain;
  constexpr const char* kPasses[] = {"optimize", "dce",           "sink",   "alloc_check", "fold",
                                     "cse",      "forward_loads", "guards", "forward"};
  const char* pass = kPasses[choices.pass % std::size(kPasses)];
  const std::string before_text = to_text(after);
  if (std::string problem = verify_trace(after); !problem.empty())
    return "as recorded: " + problem + "\n" + before_text;
  if (!run_pass(pass, after)) return fmt::format("no pass {}", pass);
  if (std::string problem = verify_trace(after); !problem.empty()) {
    return fmt::format("after {}: {}\n{}---\n{}", pass, problem, before_text, to_text(after));
  }
  const bool is_loop = choices.ends_in_self_call && std::string_view(pass) == "optimize";
  for (int i = 0; i < kInputs; ++i) {
    const IrInput input = i == 0 ? gen.witness() : gen.input();
    const IrOutcome expected = reference::run_ir(gen.plain, input, gen.heap);
    const IrOutcome outcome = reference::run_ir(after, input, gen.heap);
    const std::string expected_text = to_text(gen.plain, expected, gen.heap);
    const std::string text = to_text(after, outcome, gen.heap);
    if (expected.kind != IrOutcome::Kind::kBroken && text == expected_text) continue;
    // A loop whose only exits are for unneeded results does not end in the model.
    const bool goes_on = outcome.kind != IrOutcome::Kind::kBroken || is_loop;
    if (goes_on && may_go_on(gen.plain, expected)) continue;
    // The plain trace is one turn of the loop.
    if (is_loop && expected.kind == IrOutcome::Kind::kTailCall) continue;
    return fmt::format("{}: before\n{}after\n{}expected {}\nis {}", pass, before_text, to_text(after), expected_text,
                       text);
  }
  return "";
}

std::string check_registers(const TraceChoices& choices) {
  IrGen gen(choices.seed, {.instructions = choices.instructions,
                           .ends_in_self_call = choices.ends_in_self_call,
                           .tallies = true,
                           .bits = choices.bits});
  Trace& trace = choices.forward_passes ? gen.optimised : gen.plain;
  if ((choices.pass & 1) != 0) optimize(trace);
  const x64::Allocation allocation = x64::allocate_registers(trace);
  if (allocation.failure) return "";
  std::string problem = x64::check_allocation(trace, allocation);
  return problem.empty() ? "" : problem + "\n" + to_text(trace);
}

}  // namespace fble
