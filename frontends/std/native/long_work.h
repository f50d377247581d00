// Work of other libraries that takes long and cannot be interrupted.
//
// Tested by tests/unit/frontends/std/long_work_test.cc.
#pragma once

#include <functional>

namespace fble {

/// Does the work on a thread of its own and waits for it. Returns false when the user has asked the program to stop:
/// then the work continues alone until it or the process ends, so it must own all that it uses. When the system refuses
/// another thread, the work is done on this one and cannot be interrupted.
[[nodiscard]] bool finish_long_work(std::function<void()> work);

}  // namespace fble
