// `fble-jit test`: evaluates a module and drops the value.
//
// A program with marks (`# deopt-here!`, interp/mark.h) is evaluated twice if there is a
// compiler: by the interpreter, and with it. Both must come to the same value or error, and
// every mark must have been hit in machine code.
//
// Tested by tests/unit/cli/commands_test.cc and tests/unit/cli/marks_test.cc.
#include <fmt/format.h>

#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/marks.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// What the interpreter makes of the program; null without marks or compiler.
std::unique_ptr<Machine> interpret(const Options& options, ProgramCode& code, const NativeTable& natives, bool& ok) {
  if (code.marks.empty() || options.jit == JitMode::kOff || !options.profile.empty()) return nullptr;
  auto machine = std::make_unique<Machine>(code, natives, machine_options(options, nullptr));
  const InterruptibleRun interruptible(*machine);
  ok = machine->run_modules();
  return machine;
}

/// Why the run is not like the interpreter's; empty if it is.
std::string difference(const Machine& expected, bool expected_ok, const Machine& found, bool found_ok) {
  // Where memory ends is nobody's promise.
  if (expected.error().out_of_memory || found.error().out_of_memory) return "";
  if (expected_ok && found_ok) {
    const std::string where = value_difference(expected.result(), found.result());
    return where.empty() ? "" : "the interpreter's value differs at " + where;
  }
  const std::string text = expected_ok ? "" : expected.error().render();
  if (text == (found_ok ? "" : found.error().render())) return "";
  return expected_ok ? "the interpreter comes to a value" : "the interpreter says:\n" + text;
}

Status evaluate(const Options& options, ProgramCode& code) {
  NativeTable natives;
  register_std(natives);
  register_spec_tests(natives);
  bool expected_ok = false;
  const std::unique_ptr<Machine> expected = interpret(options, code, natives, expected_ok);
  if (expected != nullptr && !expected_ok && expected->error().interrupted) return report_run_error(*expected);

  ProfileFile profile(options, code, 0);
  Machine machine(code, natives, machine_options(options, profile.profile()));
  const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
  const InterruptibleRun interruptible(machine);
  const bool ok = machine.run_modules();
  Status status = ok ? Status::kOk : report_run_error(machine);
  if (expected != nullptr && engine != nullptr) {
    // Modes that leave machine code all the time may well never come to some place in it.
    const bool must_hit = options.deopt_every == 0 && options.gc_stress == 0 && !options.deopt_sweep &&
                          !options.deopt_at && options.chaos == 0;
    const MarksText marks = marks_text(*engine, must_hit);
    fmt::print(stderr, "{}", marks.lines);
    const std::string problem = difference(*expected, expected_ok, machine, ok);
    if (!problem.empty()) print_error(problem);
    if (!problem.empty() || (must_hit && marks.missed != 0)) status = Status::kFailed;
  }
  if (options.stats) print_stats(machine, engine.get());
  profile.write();
  return status;
}

}  // namespace

int run_test(const Options& options) {
  Status status;
  std::unique_ptr<ProgramCode> code = compile_module(options, {}, status);
  if (code != nullptr) {
    stop_on_interrupt();
    status = finish_output(evaluate(options, *code));
  }
  return static_cast<int>(status);
}

}  // namespace fble
