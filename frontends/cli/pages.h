// Man pages and shell completions, from the tables of commands and options.
//
// Tested by tests/unit/frontends/cli/pages_test.cc and tests/packaging/pages_test.py.
#pragma once

#include <string>

#include "frontends/cli/cli.h"

namespace fble {

/// Returns the man page of a command in the language of man(7). `version` is the program's, such as "1.2.3".
std::string man_page(const Command& command, const std::string& version);

/// Returns the completion script for bash.
std::string bash_completion();

/// Returns the completion function for zsh.
std::string zsh_completion();

/// Returns the completion script for fish.
std::string fish_completion();

}  // namespace fble
