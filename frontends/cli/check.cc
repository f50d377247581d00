// `fble-jit check`: checks whether the module compiles.
// Tested by tests/unit/frontends/cli/commands_test.cc.
#include "frontends/cli/front_end.h"

namespace fble {

CommandEnding run_check(const Options& options) {
  Status status;
  compile_module(options, {.purpose = LoadFor::kModule, .only_checks = true}, status);
  return status;
}

}  // namespace fble
