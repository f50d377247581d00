// Running the program that the executable holds (executable.h).
// Tested by tests/unit/frontends/cli/build_test.cc.
#pragma once

#include <string>
#include <vector>

#include "frontends/cli/cli.h"

namespace fble {

/// Returns the words of an executable's command line as options and arguments: all that were given are the program's,
/// after those of FBLE_JIT_OPTIONS and "--". But if "--" was given, the words before the first one are options, too.
std::vector<std::string> held_program_words(std::vector<std::string> given);

/// Runs the program that this executable holds.
CommandEnding run_held_program(const Options& options);

}  // namespace fble
