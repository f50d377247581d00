// A terminal whose user is the test.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace fble {

struct PseudoTerminal {
  PseudoTerminal() : user(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (user < 0 || grantpt(user) != 0 || unlockpt(user) != 0) abort();
    program = open(ptsname(user), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (program < 0) abort();
  }
  ~PseudoTerminal() {
    close(user);
    if (program >= 0) close(program);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;

  int user;     ///< the side of who reads and types
  int program;  ///< the side of the program, which blocks
};

}  // namespace fble
