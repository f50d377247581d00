// A table of offsets for debuggers: builds for users have no debug information, and a core file has no one to ask.
//
// Tested by tests/gdb/gdb_test.py.
#pragma once

#include <cstdint>

namespace fble {

inline constexpr int64_t kDebugLayoutVersion = 1;

struct DebugLayoutRow {
  const char* name;  ///< null after the last row
  int64_t value;
};
/// The rows of jit/engine/debug_layout.def.
extern "C" const DebugLayoutRow fble_debug_layout[];  // NOLINT(readability-identifier-naming)

}  // namespace fble
