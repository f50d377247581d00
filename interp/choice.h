// Choices: a thread waits for several events, of which one happens.
//
// While the thread waits, each case of its choice is in the list of what it waits for. Two things end the wait:
//
//   commit   what makes a case happen gives the thread the result of its native (Scheduler::commit)
//   wake     the native runs again and looks what has happened, as after all other waits
//
// Both take all cases out of their lists in the same step. So one case of a choice happens, and the others lose
// nothing: what they would have taken is still there.
//
// Tested by tests/unit/interp/choice_test.cc, and tests/std/Threads in all modes.
#pragma once

#include <cstdint>
#include <vector>

#include "interp/io_driver.h"
#include "interp/thread_dump.h"

namespace fble {

class Choice;

/// A case of a choice, which is in a list while its thread waits.
struct ChoiceCase : Waiter {
  Choice* choice = nullptr;
  WaiterList* target = nullptr;  ///< the list that it is in
  uint32_t index = 0;            ///< its number among all cases of the event
  Wait wait = Wait::kNothing;
  const MadeHere* object = nullptr;  ///< what it waits for; null if that is not known
};

/// Belongs to the thread (as `unfinished`) from the time that it waits until its native has run again.
class Choice final : public Unfinished {
 public:
  /// Makes a choice with room for a number of cases.
  Choice(VirtualThread& waiting, size_t count) : thread(waiting) { cases_.reserve(count); }

  /// Adds a case. Requires: there is room for it.
  void add(WaiterList& target, uint32_t index, Wait wait, const MadeHere* object);
  /// Puts the cases into their lists, in their order, or takes them out of these.
  void enter();
  void withdraw();
  void abandon(Scheduler&, VirtualThread&) override { delete this; }

  const std::vector<ChoiceCase>& cases() const { return cases_; }

  VirtualThread& thread;
  int64_t deadline = INT64_MAX;  ///< the first of the times that it waits for (Scheduler::now)
  uint32_t woken_by = 0;         ///< the index of the case that has ended the wait

 private:
  std::vector<ChoiceCase> cases_;  ///< never moves
};

}  // namespace fble
