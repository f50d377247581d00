// OS threads for work that cannot be interrupted.
//
// Tested by tests/unit/frontends/std/long_work_test.cc and tests/unit/interp/io_driver_test.cc.
#pragma once

#include <cstddef>
#include <functional>

namespace fble {

/// Starts an OS thread that calls `body`, is never joined, and gets no signals: those are for the thread that runs the
/// program. `body` is destroyed on the thread when it has returned. Returns false, without a call, if the system
/// refuses.
bool start_detached_thread(size_t stack_bytes, std::function<void()> body);

}  // namespace fble
