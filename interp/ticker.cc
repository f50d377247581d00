#include "interp/ticker.h"

#include <csignal>
#include <system_error>

namespace fble {

Ticker::~Ticker() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Ticker::wake() {
  const std::lock_guard lock(mutex_);
  is_idle_.store(false);
  changed_.notify_one();
  if (thread_.joinable()) return;
  // Signals are for the thread that runs the program: they end its waits.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // Without it, threads run until they wait.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Ticker::run() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    if (!wanted_.load()) {
      is_idle_.store(true);
      // A wish that came before this is seen here, a later one sees that the ticker is idle.
      if (!wanted_.load()) {
        changed_.wait(lock, [&] { return ends_ || !is_idle_.load(); });
        continue;
      }
      is_idle_.store(false);
    }
    changed_.wait_for(lock, period_, [&] { return ends_; });
    if (wanted_.load()) tick_();
  }
}

}  // namespace fble
