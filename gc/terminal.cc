#include "gc/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <climits>
#include <cstring>
#include <iterator>

namespace fble {

int open_terminal_again(int descriptor) {
  if (isatty(descriptor) == 0) return -1;
  char name[64] = "/proc/self/fd/";
  // The rest is zeros already.
  std::to_chars(name + std::strlen(name), std::end(name), descriptor);
  const int access = fcntl(descriptor, F_GETFL) & O_ACCMODE;
  return open(name, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

size_t ready_bytes(int descriptor) { return isatty(descriptor) != 0 ? 1 : PIPE_BUF; }

}  // namespace fble
