// `fble-jit test`: evaluates a module and drops the value.
// Tested by tests/unit/cli/commands_test.cc.
#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

Status evaluate(const Options& options, ProgramCode& code) {
  NativeTable natives;
  register_std(natives);
  register_spec_tests(natives);
  ProfileFile profile(options, code, 0);
  Machine machine(code, natives, machine_options(options, profile.profile()));
  const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
  const InterruptibleRun interruptible(machine);
  const Status status = machine.run_modules() ? Status::kOk : report_run_error(machine);
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
