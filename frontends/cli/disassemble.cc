// `fble-jit disassemble`: prints the bytecode of a module.
// Tested by tests/unit/frontends/cli/commands_test.cc.
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "interp/bytecode_text.h"

namespace fble {

CommandEnding run_disassemble(const Options& options) {
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.purpose = LoadFor::kModule}, status);
  if (code != nullptr) print_output(print_bytecode(*code));
  return status;
}

}  // namespace fble
