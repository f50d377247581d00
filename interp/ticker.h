// The ticker: an OS thread that asks a carrier for attention at regular times.
//
// It exists from the first time that it is wanted, and sleeps while it is not: a program without threads that wait for
// the world has none.
//
// Tested by tests/unit/interp/scheduler_test.cc and tests/std/Threads/Preempted.fble.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace fble {

class Ticker {
 public:
  /// Calls `tick` from its own OS thread.
  Ticker(std::function<void()> tick, std::chrono::milliseconds period) : tick_(std::move(tick)), period_(period) {}
  ~Ticker();
  Ticker(const Ticker&) = delete;

  /// Says whether ticks are wanted. Cheap if that has not changed.
  void want(bool wanted) {
    wanted_.store(wanted);
    if (wanted && is_idle_.load()) wake();
  }

 private:
  void wake();
  void run();

  const std::function<void()> tick_;
  const std::chrono::milliseconds period_;
  std::atomic<bool> wanted_{false};
  std::atomic<bool> is_idle_{true};  ///< waits until it is wanted, or does not exist yet
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ends_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace fble
