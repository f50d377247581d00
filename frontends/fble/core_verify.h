// Checks that a core module has the properties that core.h lists.
// Tested by tests/unit/frontends/fble/core_text_test.cc.
#pragma once

#include <string>
#include <vector>

#include "frontends/fble/core.h"

namespace fble {

/// Returns one message per violation, each with the location and the expression
/// concerned; empty if the module is sound. Cost: linear, apart from messages.
std::vector<std::string> verify_core(const CoreProgramModule& module);

}  // namespace fble
