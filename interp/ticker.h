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
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fble {

class Ticker {
 public:
  /// Calls `tick` from another OS thread.
  Ticker(std::function<void()> tick, std::chrono::milliseconds period);
  ~Ticker();
  Ticker(const Ticker&) = delete;

  /// Says whether ticks are wanted. Cheap if that has not changed.
  void want(bool wanted) {
    beat_->wanted.store(wanted);
    if (wanted && beat_->is_idle.load()) beat_->wake();
  }

 private:
  friend class KeptTickers;

  /// The OS thread, and what it shares with the ticker that has it.
  struct Beat {
    ~Beat();
    void wake();
    void run();

    std::atomic<bool> wanted{false};
    std::atomic<bool> is_idle{true};  ///< waits until it is wanted, or does not exist yet
    std::mutex mutex;                 ///< guards the following but the thread
    std::condition_variable changed;
    std::function<void()> tick;
    std::chrono::milliseconds period{};
    bool ends = false;
    std::thread thread;
  };

  std::unique_ptr<Beat> beat_;
};

/// Keeps the OS threads of tickers that are gone, for the next tickers of the OS thread that has made this. Must not
/// exist across a fork.
class KeptTickers {
 public:
  /// Does nothing if there is one on this OS thread already, which then keeps all.
  KeptTickers();
  ~KeptTickers();
  KeptTickers(const KeptTickers&) = delete;
  KeptTickers& operator=(const KeptTickers&) = delete;

 private:
  friend class Ticker;
  static thread_local KeptTickers* current;
  std::vector<std::unique_ptr<Ticker::Beat>> beats_;
};

}  // namespace fble
