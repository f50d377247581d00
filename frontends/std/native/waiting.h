// How natives wait: in place, or so that other threads run meanwhile (interp/io_driver.h).
//
// In place, a system call waits until the user interrupts it. The first SIGINT interrupts the call in which it finds
// the program, with EINTR. If it comes between a look at `interrupt_requested` and the call, the next signal does:
// frontends/cli/ending.cc repeats them until the run ends.
//
// Else the thread parks, and the native returns what the functions here return. It runs again, from its start, when
// what it waits for may be there. What it has begun and must not begin again is in its arguments (set_arg) or in an
// Unfinished.
//
// Tested by tests/unit/frontends/std/long_work_test.cc, tests/robustness/natives_test.cc and tests/std/Threads.
#pragma once

#include <cerrno>
#include <memory>
#include <optional>

#include "interp/foreign.h"
#include "interp/io_driver.h"
#include "interp/machine_state.h"
#include "interp/scheduler.h"

namespace fble {

/// Makes a system call, which fails with a negative number and errno, until no signal interrupts it. Once the user
/// has asked the program to stop it fails with EINTR instead, even before the first attempt. Returns the result of
/// the call.
template <typename Call>
auto wait_in(Call&& call) -> decltype(call()) {
  for (;;) {
    if (interrupt_requested()) {
      errno = EINTR;
      return -1;
    }
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Returns the time (CLOCK_MONOTONIC, ns) after a patience; that of no limit if it is negative.
int64_t time_after(int milliseconds);

inline Scheduler& scheduler_of(NativeCall& call) { return call.machine().scheduler; }
inline IoDriver& io_of(NativeCall& call) { return call.machine().io; }
inline VirtualThread& thread_of(NativeCall& call) { return call.thread(); }

/// What a native must return because its thread waits or unwinds; nothing if it can continue.
using Waiting = std::optional<Word>;

enum class Readiness : uint8_t { kInput, kOutput };

/// Waits until the descriptor may be ready, after a call that failed with EAGAIN. With a patience that is not negative,
/// in milliseconds, the native runs again after that time, too: see took_too_long. Where the system cannot watch the
/// descriptor the wait is in place.
Waiting wait_for(NativeCall& call, Watch& watch, Readiness what, int patience_ms);

/// Returns, once, whether the patience of the native's last wait has ended. A native that waits asks before it tries.
bool took_too_long(NativeCall& call);

/// Waits for a turn in the list.
Waiting wait_in_line(NativeCall& call, ThreadList& list);

/// Waits a little, and no longer than until a descriptor of the program is closed.
Waiting wait_for_descriptor(NativeCall& call);

/// Parks the thread for an operation. Returns kParked, or what ends the native.
Word park_for_operation(NativeCall& call);

/// Does the operation: in place if no other thread could run meanwhile. If the thread waits for it, the native gets it
/// from `finished` when it runs again.
template <typename Work>
Waiting perform(NativeCall& call, std::unique_ptr<Work>& operation) {
  IoDriver& io = io_of(call);
  if (!io.must_share() || io.kind() == IoKind::kBlocking) {
    operation->work();
    return std::nullopt;
  }
  const Word parked = park_for_operation(call);
  if (parked == kParked) io.start(thread_of(call), std::move(operation));
  return parked;
}

/// Returns the operation for which the native has waited; null if it runs for the first time.
template <typename Work>
std::unique_ptr<Work> finished(NativeCall& call) {
  Unfinished*& unfinished = thread_of(call).unfinished;
  auto* operation = dynamic_cast<Work*>(unfinished);
  if (operation != nullptr) unfinished = nullptr;
  return std::unique_ptr<Work>(operation);
}

}  // namespace fble
