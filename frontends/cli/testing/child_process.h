// Runs a command and watches how it ends.
// Tested by tests/unit/frontends/cli/child_process_test.cc.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

namespace fble {

struct ChildOutcome {
  bool started = false;  ///< false: `output` has the reason
  bool timed_out = false;
  int status = 0;      ///< exit status, or minus the signal that ended it
  std::string output;  ///< of both streams, as they came; long output is cut
};

/// Runs the words as a command with no input. Safe to be called from several threads.
ChildOutcome run_child(std::span<const std::string> words, std::chrono::milliseconds timeout);

/// Runs a function, whose result is the exit status, in a copy of this process with no input. Requires: this process
/// has no other thread.
ChildOutcome run_in_child(const std::function<int()>& body, std::chrono::milliseconds timeout);

}  // namespace fble
