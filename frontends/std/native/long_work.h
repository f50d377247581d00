// Work of other libraries that takes long and cannot be told to stop.
//
// Tested by tests/unit/std/long_work_test.cc.
#pragma once

#include <functional>

namespace fble {

/// Does the work on a thread of its own and waits for it. False when the user has asked the program to stop: then the
/// work goes on alone until it or the process ends, so it must own all that it uses. Where there can be no other
/// thread the work is done here, and cannot be interrupted.
[[nodiscard]] bool finish_long_work(std::function<void()> work);

}  // namespace fble
