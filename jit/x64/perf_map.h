// Writes the names of traces for `perf` (perf-report(1), "JIT"): lines of /tmp/perf-PID.map.
//
// Others may write to /tmp too: links are not followed, and only this user can read the file.
// Tested by tests/unit/frontends/cli/perf_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fble {

/// Creates a file in a folder where others may write, for this user alone. One that is there already must be this
/// user's own: it is replaced. Returns -1, with errno, if the name is taken by anything else.
int create_private_file(const char* name);

/// Returns whether the environment has FBLE_JIT_PERF=1.
bool perf_map_wanted();

/// Returns the name of this process's file, which perf expects there.
std::string perf_map_name();

/// Appends a line for code at the address. Failures to write are ignored; that the file cannot be made is logged once.
void perf_map_add(const uint8_t* start, size_t bytes, std::string_view name);

}  // namespace fble
