// `fble-jit disassemble`: the bytecode of a module.
// Tested by tests/unit/cli/commands_test.cc.
#include <cstdio>

#include "frontends/cli/front_end.h"
#include "interp/bytecode_text.h"

namespace fble {

int run_disassemble(const Options& options) {
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.purpose = LoadFor::kModule}, status);
  if (status == Status::kUsageError) return 2;
  if (code == nullptr) return 1;
  const std::string text = print_bytecode(*code);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace fble
