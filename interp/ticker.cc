#include "interp/ticker.h"

#include <system_error>
#include <utility>

#include "gc/without_signals.h"

namespace fble {

thread_local KeptTickers* KeptTickers::current = nullptr;

KeptTickers::KeptTickers() {
  if (current == nullptr) current = this;
}

KeptTickers::~KeptTickers() {
  if (current == this) current = nullptr;
}

Ticker::Ticker(std::function<void()> tick, std::chrono::milliseconds period) {
  if (KeptTickers* const kept = KeptTickers::current; kept != nullptr && !kept->beats_.empty()) {
    beat_ = std::move(kept->beats_.back());
    kept->beats_.pop_back();
  } else {
    beat_ = std::make_unique<Beat>();
  }
  const std::lock_guard lock(beat_->mutex);
  beat_->tick = std::move(tick);
  beat_->period = period;
}

Ticker::~Ticker() {
  KeptTickers* const kept = KeptTickers::current;
  if (kept == nullptr) return;
  {
    // No tick is under way: its thread has the lock meanwhile.
    const std::lock_guard lock(beat_->mutex);
    beat_->wanted.store(false);
    beat_->tick = nullptr;
  }
  kept->beats_.push_back(std::move(beat_));
}

Ticker::Beat::~Beat() {
  if (!thread.joinable()) return;
  {
    const std::lock_guard lock(mutex);
    ends = true;
  }
  changed.notify_one();
  thread.join();
}

void Ticker::Beat::wake() {
  const std::lock_guard lock(mutex);
  is_idle.store(false);
  changed.notify_one();
  if (thread.joinable()) return;
  // Signals are for the thread that runs the program: they end its waits.
  const WithoutSignals without;
  try {
    thread = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // Without it, threads run until they wait.
  }
}

void Ticker::Beat::run() {
  std::unique_lock lock(mutex);
  while (!ends) {
    if (!wanted.load()) {
      is_idle.store(true);
      // A wish that came before this is seen here, a later one sees that the ticker is idle.
      if (!wanted.load()) {
        changed.wait(lock, [&] { return ends || !is_idle.load(); });
        continue;
      }
      is_idle.store(false);
    }
    changed.wait_for(lock, period, [&] { return ends; });
    if (wanted.load()) tick();
  }
}

}  // namespace fble
