#include "fuzz/hang.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gc/clock.h"

namespace fble {

namespace {

/// Returns whether a thread of the process runs, or would if the machine were not busy.
bool is_runnable(pid_t process) {
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process), ignored)) {
    std::ifstream file(task.path() / "stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const size_t name_end = text.rfind(')');
    if (name_end != text.npos && name_end + 2 < text.size() && text[name_end + 2] == 'R') return true;
  }
  return false;
}

}  // namespace

double seconds_of(clockid_t clock) { return static_cast<double>(ns_of(clock)) * 1e-9; }

double processor_seconds(pid_t child) {
  clockid_t clock;
  return clock_getcpuclockid(child, &clock) == 0 ? seconds_of(clock) : 0;
}

bool hangs(pid_t child, double processor_then, double then, double limit) {
  if (processor_seconds(child) - processor_then > limit) return true;
  return seconds_of(CLOCK_MONOTONIC) - then > limit && !is_runnable(child);
}

}  // namespace fble
