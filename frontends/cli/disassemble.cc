// `fble-jit disassemble`: prints the bytecode of a module, or the stack that its functions need.
// Tested by tests/unit/frontends/cli/commands_test.cc and tests/unit/frontends/cli/stack_test.cc.
#include <fmt/format.h>

#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/std/native/file.h"
#include "frontends/std/register_std.h"
#include "interp/bytecode_text.h"
#include "interp/stack_need.h"
#include "interp/stack_use.h"

namespace fble {
namespace {

/// Returns why the need is no bound.
std::string reservations(const StackNeed& need) {
  std::string text;
  const auto add = [&](bool holds, const char* reason) {
    if (holds) text += fmt::format("{}{}", text.empty() ? ": " : ", ", reason);
  };
  add(need.is_recursive, "recursive");
  add(need.calls_recursive, "calls recursive functions");
  add(need.calls_unknown, "calls functions that are values");
  return text;
}

/// Prints a line for each function of the last module. `use` is null without a run.
void print_needs(const ProgramCode& program, const StackUse* use) {
  NativeTable natives;
  register_std(natives);
  const std::unordered_map<const Code*, StackNeed> needs = stack_needs(program, natives);
  print_output("{:>8} {:>8}{}  function\n", "frame", "need", use == nullptr ? "" : fmt::format(" {:>8}", "used"));
  bool is_inside = false;
  for (const Code& code : program.codes) {
    is_inside |= &code == program.modules.back().body;
    if (!is_inside) continue;
    const StackNeed& need = needs.at(&code);
    std::string used;
    if (use != nullptr) {
      const size_t words = use->words(code);
      used = words == 0 ? fmt::format(" {:>8}", "-") : fmt::format(" {:>8}", words);
    }
    print_output("{:>8} {:>8}{}  {} {}:{}:{}{}\n", need.frame, need.words, used, code.block.str(), code.loc.file.str(),
                 code.loc.line, code.loc.column, reservations(need));
  }
  if (use != nullptr) print_output("the most that was in use: {} words\n", use->most());
}

}  // namespace

CommandEnding run_disassemble(const Options& options) {
  Status status;
  const FrontEndOptions front_end{.purpose = options.stack ? LoadFor::kExecution : LoadFor::kModule,
                                  .must_be_program = options.uses_stack};
  const std::unique_ptr<ProgramCode> code = compile_module(options, front_end, status);
  if (code == nullptr) return status;
  if (!options.stack) {
    print_output(print_bytecode(*code));
  } else if (!options.uses_stack) {
    print_needs(*code, nullptr);
  } else {
    StackUse use;
    const CommandEnding ending = run_compiled(options, *code, {}, &use);
    if (ending.status == Status::kUsageError) return ending.status;
    use.finish();
    flush_standard_streams();
    print_needs(*code, &use);
    return ending.status;
  }
  return status;
}

}  // namespace fble
