#include "gc/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstring>

namespace fble {

int open_terminal_again(int descriptor) {
  if (isatty(descriptor) == 0) return -1;
  // "/proc/self/fd/" and the number, which is not negative.
  constexpr char kFolder[] = "/proc/self/fd/";
  char name[sizeof(kFolder) + 3 * sizeof(int)];
  char digits[3 * sizeof(int)];
  size_t count = 0;
  for (int rest = descriptor; count == 0 || rest != 0; rest /= 10) digits[count++] = static_cast<char>('0' + rest % 10);
  char* at = name + sizeof(kFolder) - 1;
  std::memcpy(name, kFolder, sizeof(kFolder) - 1);
  while (count != 0) *at++ = digits[--count];
  *at = '\0';
  const int access = fcntl(descriptor, F_GETFL) & O_ACCMODE;
  return open(name, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

size_t ready_bytes(int descriptor) { return isatty(descriptor) != 0 ? 1 : PIPE_BUF; }

}  // namespace fble
