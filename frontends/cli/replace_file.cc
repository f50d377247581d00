#include "frontends/cli/replace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "frontends/cli/ending.h"
#include "frontends/cli/messages.h"
#include "gc/log.h"

namespace fble {
namespace {

/// Opens a file for writing. Returns a negative number, with errno, if that fails.
int open_to_write(const std::string& name, int flags, mode_t mode) {
  for (;;) {
    const int file = open(name.c_str(), O_WRONLY | O_CLOEXEC | flags, mode);
    if (file >= 0 || errno != EINTR) return file;
  }
}

/// Writes the bytes and closes the file. Returns the number of the error, or 0.
int write_and_close(int file, std::string_view bytes) {
  if (file < 0) return errno;
  const int problem = write_all(file, bytes);
  // What the system could not write is sometimes reported only now.
  return close(file) == 0 || problem != 0 ? problem : errno;
}

/// Returns a name in the same folder that no file has yet.
std::string temporary_beside(const std::string& name) {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<uint64_t>(getpid());
  return fmt::format("{}.fble-jit-{:016x}", name.substr(0, name.rfind('/') + 1), random);
}

/// Does what replace_file says. Returns the number of the error, or 0.
int try_to_replace(const std::string& name, std::string_view bytes, mode_t mode) {
  struct stat status;
  if (stat(name.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return write_and_close(open_to_write(name, 0, 0), bytes);
  }
  const EndingDelay delay;
  const std::string temporary = temporary_beside(name);
  const int file = open_to_write(temporary, O_CREAT | O_EXCL, mode);
  if (file < 0) return errno;
  int problem = write_and_close(file, bytes);
  if (problem == 0 && std::rename(temporary.c_str(), name.c_str()) != 0) problem = errno;
  if (problem != 0) unlink(temporary.c_str());
  return problem;
}

}  // namespace

bool replace_file(const std::string& name, std::string_view bytes, mode_t mode) {
  const int problem = try_to_replace(name, bytes, mode);
  if (problem != 0) print_error(fmt::format("cannot write '{}': {}", name, std::strerror(problem)));
  return problem == 0;
}

}  // namespace fble
