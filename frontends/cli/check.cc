// `fble-jit check`: would the module compile?
// Tested by tests/unit/cli/commands_test.cc.
#include "frontends/cli/front_end.h"

namespace fble {

int run_check(const Options& options) {
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.purpose = LoadFor::kModule}, status);
  if (status == Status::kUsageError) return 2;
  return code != nullptr ? 0 : 1;
}

}  // namespace fble
