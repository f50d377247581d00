// System calls that wait, until the user interrupts them.
//
// The first SIGINT interrupts the call in which it finds the program, with EINTR. If it comes between a look at
// `interrupt_requested` and the call, the next signal does: frontends/cli/ending.cc repeats them until the run ends.
//
// Tested by tests/unit/frontends/std/long_work_test.cc and tests/robustness/natives_test.cc.
#pragma once

#include <cerrno>

#include "interp/foreign.h"

namespace fble {

/// Makes a system call, which fails with a negative number and errno, until no signal interrupts it. Once the user
/// has asked the program to stop it fails with EINTR instead, even before the first attempt. Returns the result of
/// the call.
template <typename Call>
auto wait_in(Call&& call) -> decltype(call()) {
  for (;;) {
    if (interrupt_requested()) {
      errno = EINTR;
      return -1;
    }
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace fble
