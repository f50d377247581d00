#include "jit/x64/perf_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gc/log.h"

namespace fble {

namespace {

/// The file of this process; -1 if it cannot be made, which is reported once.
int map_file() {
  static const int file = [] {
    const std::string name = perf_map_name();
    const int created = create_private_file(name.c_str());
    if (created < 0) log_print("[perf: no names of traces: {}: {}]\n", name, std::strerror(errno));
    return created;
  }();
  return file;
}

}  // namespace

int create_private_file(const char* name) {
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int file = open(name, kFlags, 0600);
  if (file >= 0 || errno != EEXIST) return file;
  // An earlier process had the same number, and what it has written is wrong now.
  struct stat found{};
  if (lstat(name, &found) == 0 && (!S_ISREG(found.st_mode) || found.st_uid != geteuid())) {
    errno = EEXIST;
    return -1;
  }
  unlink(name);
  return open(name, kFlags, 0600);
}

bool perf_map_wanted() {
  static const bool wanted = [] {
    const char* setting = std::getenv("FBLE_JIT_PERF");
    return setting != nullptr && std::string_view(setting) == "1";
  }();
  return wanted;
}

std::string perf_map_name() { return fmt::format("/tmp/perf-{}.map", getpid()); }

void perf_map_add(const uint8_t* start, size_t bytes, std::string_view name) {
  const int file = map_file();
  if (file < 0) return;
  const std::string line = fmt::format("{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(start), bytes, name);
  std::string_view left = line;
  write_all(file, left);
}

}  // namespace fble
