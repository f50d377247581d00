// A terminal whose user is the test.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <csignal>

namespace fble {

/// One at a time. A call that blocks on it for good fails after some time, since the user leaves.
struct PseudoTerminal {
  PseudoTerminal() : user(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (user < 0 || grantpt(user) != 0 || unlockpt(user) != 0) abort();
    program = open(ptsname(user), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (program < 0) abort();
    leaving = user;
    before_ = std::signal(SIGALRM, [](int) { close(leaving); });
    alarm(kBlockedSeconds);
  }
  ~PseudoTerminal() {
    alarm(0);
    std::signal(SIGALRM, before_);
    close(user);
    if (program >= 0) close(program);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;

  int user;     ///< the side of who reads and types
  int program;  ///< the side of the program, which blocks

 private:
  static constexpr unsigned kBlockedSeconds = 20;
  static inline int leaving = -1;
  void (*before_)(int);
};

}  // namespace fble
