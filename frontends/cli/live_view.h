// The picture of `fble-jit profile --live`: it is drawn anew while the program runs.
//
// Tested by tests/unit/frontends/cli/profile_test.cc.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "interp/sampler.h"

namespace fble {

/// Draws on standard error, from a thread of its own: on a terminal over its whole screen, which is as before at the
/// end; elsewhere one picture after the other.
class LiveView {
 public:
  LiveView(Sampler& sampler, uint64_t period_ns, uint64_t check_ns);
  /// Ends the drawing.
  ~LiveView();
  LiveView(const LiveView&) = delete;

 private:
  void draw_until_end();
  void draw();

  Sampler& sampler_;
  const uint64_t period_ns_;
  const uint64_t check_ns_;
  const bool is_terminal_;
  std::mutex lock_;
  std::condition_variable ends_;
  bool is_ended_ = false;
  std::thread thread_;  ///< the last: the others are there when it begins
};

}  // namespace fble
