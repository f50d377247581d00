// Tested by fuzz/tests/oracles_test.cc.
#include "fuzz/oracle/front_end.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/core_verify.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/typecheck.h"
#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"

namespace fble {
namespace {

std::string check_messages(const Diagnostics& diagnostics, std::string_view text) {
  const auto lines = static_cast<uint64_t>(std::ranges::count(text, '\n')) + 1;
  for (const Diagnostic& message : diagnostics.messages()) {
    if (message.message.empty()) return "a message without text";
    if (message.loc.line == 0 || message.loc.line > lines) {
      return fmt::format("line {} of {}: {}", message.loc.line, lines, message.message);
    }
  }
  return "";
}

std::string check_round_trip(const ProgramCode& program) {
  const std::string text = print_bytecode(program);
  const BytecodeParse parsed = parse_bytecode(text, "printed");
  if (parsed.program == nullptr) return "printed bytecode does not parse: " + parsed.error + "\n" + text;
  const std::string again = print_bytecode(*parsed.program);
  return again == text ? "" : "bytecode reads back otherwise:\n" + text + "---\n" + again;
}

std::string check_here(std::string_view text) {
  Program program;
  program.arena = std::make_shared<Arena>();
  Diagnostics diagnostics;
  std::vector<ModuleMention> mentions;
  ModulePath path;
  path.words.emplace_back("Program");
  auto* module = program.arena->make<Module>(Module{path, Loc{Symbol("Program.fble"), 1, 0}});
  module->value = parse_source(text, Symbol("Program.fble"), *program.arena, diagnostics, mentions);
  if ((module->value == nullptr) != (diagnostics.error_count() > 0)) return "the parser's result and messages disagree";
  if (std::string problem = check_messages(diagnostics, text); !problem.empty()) return problem;
  if (module->value == nullptr || !mentions.empty()) return "";
  program.modules.push_back(module);
  const std::unique_ptr<CheckedProgram> checked = typecheck(program, diagnostics);
  if ((checked == nullptr) != (diagnostics.error_count() > 0)) return "the checker's result and messages disagree";
  if (std::string problem = check_messages(diagnostics, text); !problem.empty()) return problem;
  if (checked == nullptr) return "";
  for (const CoreProgramModule& made : checked->modules) {
    for (const std::string& problem : verify_core(made)) return "core: " + problem;
  }
  const std::unique_ptr<ProgramCode> code = lower_program(*checked);
  if (std::string problem = verify_bytecode(*code); !problem.empty()) return "bytecode: " + problem;
  return check_round_trip(*code);
}

}  // namespace

std::string check_front_end(std::string_view text) {
  std::string problem;
  run_on_big_stack([&] { problem = check_here(text); });
  return problem;
}

std::string check_bytecode_text(std::string_view text) {
  const BytecodeParse parsed = parse_bytecode(text, "input");
  if ((parsed.program == nullptr) == parsed.error.empty()) return "the parser's result and message disagree";
  if (parsed.program == nullptr) return "";
  if (std::string problem = check_round_trip(*parsed.program); !problem.empty()) return problem;
  verify_bytecode(*parsed.program);
  return "";
}

}  // namespace fble
