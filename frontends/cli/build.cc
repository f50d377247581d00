// `fble-jit build`: makes an executable of a program.
// Tested by tests/unit/frontends/cli/build_test.cc.
#include <fmt/format.h>

#include "frontends/cli/executable.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/replace_file.h"
#include "frontends/fble/program_bundle.h"

namespace fble {

CommandEnding run_build(const Options& options) {
  // Images from elsewhere may have been made in another order, and then their bytes are others.
  Options from_sources = options;
  from_sources.no_cache = true;
  std::optional<std::string> bundle;
  const FrontEndOptions front_end{
      .must_be_program = true,
      .lowered = [&](const Program& program, const CheckedProgram& checked, const ProgramCode& code) {
        bundle = make_bundle(program, checked, code);
      }};
  Status status;
  if (compile_module(from_sources, front_end, status) == nullptr) return status;

  std::string problem = "it is too large";
  std::optional<std::string> file;
  if (bundle) file = executable_with(*bundle, problem);
  if (!file) {
    print_error(fmt::format("there can be no executable of this program: {}", problem));
    return Status::kOtherError;
  }
  constexpr mode_t kExecutable = 0777;
  return replace_file(options.output, *file, kExecutable) ? Status::kOk : Status::kOtherError;
}

}  // namespace fble
