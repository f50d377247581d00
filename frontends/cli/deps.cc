// `fble-jit deps`: lists the files of a module as a rule for make and ninja. Tested
// by tests/unit/frontends/cli/commands_test.cc.
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"

namespace fble {

CommandEnding run_deps(const Options& options) {
  MainModule main;
  if (!find_main_module(options, main)) return Status::kUsageError;
  const LoadOptions load{.roots = main.roots, .purpose = options.compile ? LoadFor::kModule : LoadFor::kExecution};
  Diagnostics diagnostics;
  std::vector<std::string> files;
  const bool loaded = load_program(main.path, load, diagnostics, &files) != nullptr;
  print_message(diagnostics.render());
  // After an error the list has the files that were read until then, so that a
  // build tool tries again when one of them changes.
  print_output(dependency_rule(options.target, files));
  return loaded ? Status::kOk : Status::kCompileError;
}

}  // namespace fble
