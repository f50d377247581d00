// Turns: which thread may do an effect next.
//
// Fble is pure, so threads learn of each other only by natives with effects. The thread that has the turn may do them;
// the others may run ahead, but only as far as their next effect. So what a program does depends on the order of
// turns alone: not on when threads switch, and not on the mode.
//
// In the usual order a thread keeps the turn until it waits; then it goes to the thread that has been ready for the
// longest time. Here is what departs from this order: random choices from a seed, or a schedule. Then a
// thread has the turn for one effect, and for what follows up to the next.
//
// Tested by tests/unit/interp/turns_test.cc, and by the modes `turns` and `yield`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "interp/thread_options.h"
#include "interp/virtual_thread.h"

namespace fble {

/// Random numbers (xorshift).
class ThreadRandom {
 public:
  explicit ThreadRandom(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  /// Returns a number below n, n > 0.
  uint32_t below(uint32_t n);

 private:
  uint64_t state_;
};

/// A choice between threads that the run has made.
struct TurnChoice {
  uint64_t turn;
  uint32_t chosen;
  std::vector<uint32_t> others;  ///< that were not chosen, the longest ready first
};

/// The turns of one run. The numbers of turns begin with 1.
class Turns {
 public:
  explicit Turns(const ThreadOptions& options)
      : options_(options),
        is_random_(options.seed.has_value()),
        is_usual_(!options.has_turns() && !options.records),
        random_(options.seed.value_or(0)) {}

  /// Chooses the thread that has the next turn: `current`, or one of those that are ready. If `current` is null, one of
  /// the latter, and there must be one. Returns null if the schedule wants a thread that cannot have the turn, until
  /// take_misfit has been called; then the usual order holds.
  VirtualThread* choose(VirtualThread* current, const ThreadList& ready) {
    if (is_usual_) [[likely]] {
      return current != nullptr ? current : ready.first();
    }
    return choose_and_note(current, ready);
  }

  /// Returns whether nothing departs from the usual order, and nothing is noted.
  bool is_usual() const { return is_usual_; }

  /// Returns the message that the schedule does not fit the program.
  std::string take_misfit();

  /// Returns the departures from the usual order so far, if the options have them noted.
  const Schedule& departures() const { return departures_; }
  /// Returns the number of the last turn; 0 if nothing departs from the usual order and nothing is noted.
  uint64_t turn() const { return turn_; }
  /// Calls `note` at each choice between threads.
  void observe(std::function<void(TurnChoice&&)> note) {
    note_ = std::move(note);
    is_usual_ = false;
  }

 private:
  VirtualThread* choose_and_note(VirtualThread* current, const ThreadList& ready);

  const ThreadOptions& options_;
  const bool is_random_;
  bool is_usual_;
  ThreadRandom random_;
  uint64_t turn_ = 0;
  size_t next_departure_ = 0;
  bool is_misfit_ = false;
  Schedule departures_;
  std::function<void(TurnChoice&&)> note_;
};

}  // namespace fble
