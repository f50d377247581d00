// The clock of the sampler: a signal about once in a period of the thread's processor time.
//
// Two periodic timers on CLOCK_MONOTONIC take turns. When one of them is started again, which the system does as the
// signal is delivered, the other one is due first, so the processor's timer needs no new setting. In a virtual machine
// that setting is what costs most: docs/profiling.md has the figures of this and of other clocks. The distance of the
// signals is drawn anew from time to time, so that they do not beat with the program's own periods for long.
//
// These timers run on while the thread waits. A signal that ends a wait is no time for a sample: the processor time
// since the last sample counts for the next one. If the thread did nothing but wait, a timer on its processor time
// takes over, as coarse as the system's ticks, until the thread has run for a period; so a long wait is interrupted
// once or twice.
//
// Tested by tests/unit/interp/sample_clock_test.cc.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <string>

namespace fble {

/// All but `start` and `stop` is for the handler of SIGPROF, or with the signal blocked.
class SampleClock {
 public:
  SampleClock(uint64_t period_ns, uint64_t seed) : period_ns_(period_ns), random_(seed) {}
  SampleClock(const SampleClock&) = delete;
  ~SampleClock() { stop(); }

  /// Has SIGPROF sent to the thread that calls. Returns why it cannot, or empty.
  [[nodiscard]] std::string start();
  void stop();

  struct Due {
    bool is_due = false;
    uint64_t ns = 0;  ///< of processor time since the end of the last sample
  };
  /// Begins a signal, which has interrupted the instruction. Returns whether it is the time for a sample.
  Due begin(const siginfo_t& info, const void* instruction);
  /// Ends a signal. Without a sample, the time since the last one counts for the next.
  void end(bool is_sampled);

  /// Returns whether the thread has waited for so long that its processor time is what the clock waits for.
  bool is_asleep() const { return is_asleep_; }

 private:
  static constexpr size_t kWallTimers = 2;
  static constexpr size_t kTimers = kWallTimers + 1;

  static void set(timer_t timer, uint64_t first_ns, uint64_t interval_ns);
  uint64_t next_distance();
  void run_from(uint64_t first_ns);
  void fall_asleep();
  bool has_waited();

  const uint64_t period_ns_;
  uint64_t random_;
  std::array<timer_t, kTimers> timers_{};  ///< the last one is on processor time
  size_t timers_made_ = 0;
  bool is_asleep_ = false;
  uint64_t distance_ns_ = 0;
  uint32_t signals_left_ = 0;  ///< with the same distance
  long waits_ = 0;             ///< of the thread
  // The last signal: its beginning, and the end of what was done in it.
  uint64_t began_wall_ns_ = 0;
  uint64_t began_processor_ns_ = 0;
  uint64_t ended_wall_ns_ = 0;
  uint64_t sampled_processor_ns_ = 0;  ///< the end of the last sample
};

}  // namespace fble
