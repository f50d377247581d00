// The clock that durations are measured with.
#pragma once

#include <chrono>
#include <cstdint>

namespace fble {

/// Returns nanoseconds since some fixed moment.
inline uint64_t now_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

}  // namespace fble
