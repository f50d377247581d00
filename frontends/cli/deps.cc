// `fble-jit deps`: the files that a module is made of, as a rule for make and ninja.
// Tested by tests/unit/cli/commands_test.cc.
#include <cstdio>

#include "frontends/cli/front_end.h"

namespace fble {

int run_deps(const Options& options) {
  MainModule main;
  if (!find_main_module(options, main)) return 2;
  const LoadOptions load{.roots = main.roots, .purpose = options.compile ? LoadFor::kModule : LoadFor::kExecution};
  Diagnostics diagnostics;
  std::vector<std::string> files;
  const bool loaded = load_program(main.path, load, diagnostics, &files) != nullptr;
  std::fputs(diagnostics.render().c_str(), stderr);
  // After an error the list is what was read until then, so that a build tool
  // tries again when one of these files changes.
  const std::string rule = dependency_rule(options.target, files);
  std::fwrite(rule.data(), 1, rule.size(), stdout);
  return loaded ? 0 : 1;
}

}  // namespace fble
