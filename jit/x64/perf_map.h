// Writes the names of traces for `perf`: lines of /tmp/perf-PID.map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fble {

/// Returns whether the environment has FBLE_JIT_PERF=1.
bool perf_map_wanted();

/// Appends a line for code at the address. Failures to write are ignored.
void perf_map_add(const uint8_t* start, size_t bytes, std::string_view name);

}  // namespace fble
