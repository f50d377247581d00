#include "jit/x64/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "gc/log.h"

namespace fble {

bool perf_map_wanted() {
  static const bool wanted = [] {
    const char* setting = std::getenv("FBLE_JIT_PERF");
    return setting != nullptr && std::string_view(setting) == "1";
  }();
  return wanted;
}

void perf_map_add(const uint8_t* start, size_t bytes, std::string_view name) {
  append_to_file(fmt::format("/tmp/perf-{}.map", getpid()),
                 fmt::format("{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(start), bytes, name));
}

}  // namespace fble
