// Blocking signals for a time.
//
// Tested by tests/unit/gc/frozen_slabs_test.cc and tests/unit/frontends/std/long_work_test.cc.
#pragma once

#include <csignal>

namespace fble {

/// Blocks all signals of this OS thread while it exists. A thread that is started meanwhile gets none in all its life.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace fble
