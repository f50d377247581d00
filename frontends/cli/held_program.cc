// Running the program that the executable holds, which `fble-jit build` has made.
// Tested by tests/unit/frontends/cli/build_test.cc.
#include "frontends/cli/held_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "frontends/cli/executable.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/messages.h"
#include "frontends/fble/program_bundle.h"

namespace fble {

std::vector<std::string> held_program_words(std::vector<std::string> given) {
  std::vector<std::string> words;
  if (const char* options = std::getenv("FBLE_JIT_OPTIONS"); options != nullptr) {
    std::istringstream text(options);
    for (std::string word; text >> word;) {
      if (word != "--") words.push_back(std::move(word));
    }
  }
  if (std::ranges::find(given, "--") == given.end()) words.emplace_back("--");
  std::ranges::move(given, std::back_inserter(words));
  return words;
}

CommandEnding run_held_program(const Options& options) {
  std::string problem;
  std::unique_ptr<ProgramCode> code;
  if (const std::optional<HeldBundle> held = held_bundle(problem)) code = link_bundle(held->bytes, problem);
  if (code == nullptr) {
    print_error(fmt::format("the program in this executable is damaged: {}", problem));
    return Status::kOtherError;
  }
  return run_compiled(options, *code);
}

}  // namespace fble
