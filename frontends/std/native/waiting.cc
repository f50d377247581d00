#include "frontends/std/native/waiting.h"

#include <poll.h>

#include <utility>

#include "gc/clock.h"

namespace fble {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
/// Descriptors of other programs may become free, too, of which nothing is heard.
constexpr int kDescriptorPatienceMs = 100;

/// Returns the time by the scheduler's clock, which may be virtual.
int64_t end_of_patience(NativeCall& call, int milliseconds) {
  return milliseconds < 0 ? Scheduler::kNever : scheduler_of(call).now() + milliseconds * kMillisecond;
}

}  // namespace

int64_t time_after(int milliseconds) {
  return milliseconds < 0 ? Scheduler::kNever : static_cast<int64_t>(now_ns()) + milliseconds * kMillisecond;
}

Waiting wait_for(NativeCall& call, Watch& watch, Readiness what, int patience_ms) {
  const bool is_input = what == Readiness::kInput;
  if (io_of(call).watch(watch) != 0) {
    pollfd entry{.fd = watch.descriptor, .events = static_cast<short>(is_input ? POLLIN : POLLOUT), .revents = 0};
    thread_of(call).timed_out = wait_in([&] { return poll(&entry, 1, patience_ms); }) == 0;
    watch.note_input();
    return std::nullopt;
  }
  return scheduler_of(call).wait_outside(call.carrier(), is_input ? watch.readers : watch.writers,
                                         is_input ? Wait::kInput : Wait::kOutput, end_of_patience(call, patience_ms));
}

bool took_too_long(NativeCall& call) { return std::exchange(thread_of(call).timed_out, false); }

Waiting wait_in_line(NativeCall& call, ThreadList& list) {
  return scheduler_of(call).park(call.carrier(), list, Wait::kTurn);
}

Waiting wait_for_descriptor(NativeCall& call) {
  return scheduler_of(call).wait_outside(call.carrier(), io_of(call).descriptor_waiters, Wait::kSystem,
                                         end_of_patience(call, kDescriptorPatienceMs));
}

Word park_for_operation(NativeCall& call) {
  return scheduler_of(call).wait_outside(call.carrier(), io_of(call).operations, Wait::kSystem);
}

}  // namespace fble
