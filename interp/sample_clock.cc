#include "interp/sample_clock.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gc/clock.h"

namespace fble {

namespace {

/// The time between samples is at least this many times that for taking one.
constexpr uint64_t kLeastDistance = 16;
constexpr uint64_t kLeastPeriodNs = 10'000;
constexpr uint32_t kSignalsWithSameDistance = 16;
/// A signal that comes after a smaller part of the distance was late, and the next one is on time. Where less than this
/// part was processor time, the thread has waited.
constexpr uint64_t kLeastPart = 8;

timespec time_of(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

/// Returns how often the thread has stopped running by itself.
long waits_of_thread() {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  return use.ru_nvcsw;
}

/// Returns whether the signal has interrupted a system call: the thread is behind it, or before it to make it again.
bool is_system_call(const void* instruction) {
  constexpr uint8_t kSystemCall[] = {0x0f, 0x05};
  constexpr uintptr_t kPageBytes = 4096;
  const auto at = reinterpret_cast<uintptr_t>(instruction) % kPageBytes;
  const auto* const bytes = static_cast<const uint8_t*>(instruction);
  if (at + sizeof kSystemCall <= kPageBytes && std::memcmp(bytes, kSystemCall, sizeof kSystemCall) == 0) return true;
  return at >= sizeof kSystemCall && std::memcmp(bytes - sizeof kSystemCall, kSystemCall, sizeof kSystemCall) == 0;
}

}  // namespace

std::string SampleClock::start() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  for (; timers_made_ < kTimers; ++timers_made_) {
    event.sigev_value.sival_int = static_cast<int>(timers_made_);
    const clockid_t clock = timers_made_ < kWallTimers ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    if (timer_create(clock, &event, &timers_[timers_made_]) == 0) continue;
    std::string problem = std::strerror(errno);
    stop();
    return problem;
  }
  waits_ = waits_of_thread();
  began_wall_ns_ = ended_wall_ns_ = ns_of(CLOCK_MONOTONIC);
  began_processor_ns_ = sampled_processor_ns_ = ns_of(CLOCK_THREAD_CPUTIME_ID);
  distance_ns_ = next_distance();
  run_from(distance_ns_);
  return "";
}

void SampleClock::stop() {
  while (timers_made_ > 0) timer_delete(timers_[--timers_made_]);
}

void SampleClock::set(timer_t timer, uint64_t first_ns, uint64_t interval_ns) {
  const itimerspec times{.it_interval = time_of(interval_ns), .it_value = time_of(first_ns)};
  timer_settime(timer, 0, &times, nullptr);
}

/// Returns a random number from half of the period to one and a half (xorshift).
uint64_t SampleClock::next_distance() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return std::max(kLeastPeriodNs, period_ns_ / 2 + random_ % (period_ns_ + 1));
}

/// Has the first signal sent after the time, and others at the distance.
void SampleClock::run_from(uint64_t first_ns) {
  signals_left_ = kSignalsWithSameDistance;
  is_asleep_ = false;
  for (size_t i = kWallTimers; i-- > 0;) set(timers_[i], first_ns + i * distance_ns_, kWallTimers * distance_ns_);
}

void SampleClock::fall_asleep() {
  is_asleep_ = true;
  for (size_t i = 0; i < kWallTimers; ++i) set(timers_[i], 0, 0);
  set(timers_[kWallTimers], distance_ns_, 0);
}

/// Returns whether the thread has waited since it was asked the last time.
bool SampleClock::has_waited() {
  const long before = waits_;
  waits_ = waits_of_thread();
  return waits_ != before;
}

SampleClock::Due SampleClock::begin(const siginfo_t& info, const void* instruction) {
  const uint64_t wall_ns = ns_of(CLOCK_MONOTONIC);
  const uint64_t since_signal_ns = wall_ns - ended_wall_ns_;
  began_wall_ns_ = wall_ns;
  if (is_asleep_) {
    // One of the other timers may have been on its way.
    if (info.si_code != SI_TIMER || info.si_value.sival_int != static_cast<int>(kWallTimers)) return {};
  } else if (since_signal_ns < distance_ns_ / kLeastPart) {
    return {};
  }
  const uint64_t before_ns = began_processor_ns_;
  began_processor_ns_ = ns_of(CLOCK_THREAD_CPUTIME_ID);
  if (is_asleep_) {
    run_from(distance_ns_);
  } else if (is_system_call(instruction) && has_waited()) {
    if (began_processor_ns_ - before_ns < distance_ns_ / kLeastPart) fall_asleep();
    return {};
  }
  // The time that taking the last sample took is not known to the nanosecond.
  return {true, began_processor_ns_ - std::min(began_processor_ns_, sampled_processor_ns_)};
}

void SampleClock::end(bool is_sampled) {
  ended_wall_ns_ = ns_of(CLOCK_MONOTONIC);
  if (is_asleep_) return;
  uint64_t taken_ns = ended_wall_ns_ - began_wall_ns_;
  const bool is_long = kLeastDistance * taken_ns > distance_ns_;
  if (is_sampled) {
    // Asking for the processor time is a system call. For a short time, the other clock does.
    sampled_processor_ns_ = is_long ? ns_of(CLOCK_THREAD_CPUTIME_ID) : began_processor_ns_ + taken_ns;
    taken_ns = sampled_processor_ns_ - began_processor_ns_;
  }
  if (signals_left_ > 1 && !is_long) {
    --signals_left_;
    return;
  }
  distance_ns_ = next_distance();
  run_from(std::max(distance_ns_, kLeastDistance * taken_ns));
}

}  // namespace fble
