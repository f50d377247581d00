// The clocks that durations are measured with.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace fble {

/// Returns nanoseconds since some fixed moment.
inline uint64_t now_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

/// Returns the time of a clock of the system, such as a thread's processor time, in nanoseconds.
inline uint64_t ns_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace fble
