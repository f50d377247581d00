#include "jit/x64/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace fble {

bool perf_map_wanted() {
  static const bool wanted = [] {
    const char* setting = std::getenv("FBLE_JIT_PERF");
    return setting != nullptr && std::string_view(setting) == "1";
  }();
  return wanted;
}

void perf_map_add(const uint8_t* start, size_t bytes, std::string_view name) {
  static std::FILE* const file = std::fopen(fmt::format("/tmp/perf-{}.map", getpid()).c_str(), "a");
  if (file == nullptr) return;
  fmt::print(file, "{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(start), bytes, name);
  std::fflush(file);
}

}  // namespace fble
