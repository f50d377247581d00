// Whether a child process hangs, on machines of any load.
//
// Tested by fuzz/tests/hang_test.cc.
#pragma once

#include <sys/types.h>

#include <ctime>

namespace fble {

/// Returns the seconds that a clock shows.
double seconds_of(clockid_t clock);

/// Returns the processor time of a child that has not been waited for, in seconds.
double processor_seconds(pid_t child);

/// Returns whether the child hangs. Since a moment (`then` by CLOCK_MONOTONIC, when it had used `processor_then`
/// seconds) it has used more than `limit` seconds of processor time, or all of its threads wait and more than `limit`
/// seconds have passed. A busy machine may let a child run late, which is no hang.
bool hangs(pid_t child, double processor_then, double then, double limit);

}  // namespace fble
