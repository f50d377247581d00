// /Std/Io/Clock%: time, in nanoseconds.
// Tested by tests/unit/frontends/std/io_test.cc.
#include <algorithm>
#include <ctime>

#include "frontends/std/native/file_waiting.h"
#include "frontends/std/native/values.h"
#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"
#include "interp/machine_state.h"

namespace fble {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

/// Where time is virtual, both clocks begin with 0.
template <clockid_t kClock>
Word read_clock(NativeCall& call) {
  timespec time{};
  clock_gettime(kClock, &time);
  const Scheduler& scheduler = call.machine().scheduler;
  const int64_t value = scheduler.has_virtual_time() ? scheduler.now() : time.tv_sec * kSecond + time.tv_nsec;
  if (!call.reserve(int_words(value, call.int_form()))) return kOutOfMemory;
  return make_int(call, value);
}

Word sleep(NativeCall& call) {
  const Read<IntValue> time = read_int(call.arg(0), call.int_form());
  if (time.error != ReadError::kNone) return fail_read(call, time.error, "time");
  if (time.value.negative) return kUnitWord;
  publish_output(call);
  const uint64_t nanoseconds = time.value.overflow ? UINT64_MAX : time.value.magnitude;
  if (Scheduler& scheduler = call.machine().scheduler; scheduler.must_share() || scheduler.has_virtual_time()) {
    const int64_t now = scheduler.now();
    const auto most = static_cast<uint64_t>(INT64_MAX - now);
    return scheduler.sleep_until(call.carrier(), now + static_cast<int64_t>(std::min(nanoseconds, most)));
  }
  timespec rest{.tv_sec = static_cast<time_t>(nanoseconds / kSecond),
                .tv_nsec = static_cast<long>(nanoseconds % kSecond)};
  wait_in([&] { return nanosleep(&rest, &rest); });
  return kUnitWord;
}

constexpr const char* kClock = "/Std/Io/Clock%";
constexpr NativeRow kRows[] = {
    {kClock, "Now", 1, NativeEffect::kReadsWorld, read_clock<CLOCK_REALTIME>},
    {kClock, "Ticks", 1, NativeEffect::kReadsWorld, read_clock<CLOCK_MONOTONIC>},
    {kClock, "Sleep", 2, NativeEffect::kMayBlock, sleep},
};

}  // namespace

std::span<const NativeRow> clock_natives() { return kRows; }

}  // namespace fble
