// A virtual thread: the state of one thread of execution of a program, whichever carrier runs it.
//
// docs/threads.md explains who owns what, and how threads switch, wait, fail and end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interp/call_stack.h"
#include "interp/recursive_group.h"
#include "interp/run_error.h"

namespace fble {

class WaiterList;
class Scope;
class Unfinished;
class Task;
struct VirtualThread;

/// What a thread that does not run waits for.
enum class Wait : uint8_t {
#define FBLE_WAIT(Name, text, doc) k##Name,
#include "interp/waits.def"
#undef FBLE_WAIT
};

inline constexpr size_t kWaits = 0
#define FBLE_WAIT(Name, text, doc) +1
#include "interp/waits.def"
#undef FBLE_WAIT
    ;

/// Why frames are cut off.
enum class UnwindReason : uint8_t {
  kNone,
  kError,        ///< a run-time error, which Attempt catches
  kScopeFailed,  ///< a thread of a scope that this thread owns has failed; ends at that scope's Within
  kStopped,      ///< the thread has been stopped; ends with the thread
};

/// Why frames are cut off, and what is known of it.
struct Unwinding {
  UnwindReason reason = UnwindReason::kNone;
  Scope* scope = nullptr;  ///< for kScopeFailed
  RunError error;          ///< for kError
};

/// An unwinding that waits until the clean-up in a frame is done (interp/boundary.h).
struct PendingUnwinding {
  size_t frame;  ///< slot of the frame, from the stack's base
  Unwinding unwinding;
};

using Timers = std::multimap<int64_t, VirtualThread*>;

/// A place in a list of what waits: a thread, or a case of a choice that a thread waits for (interp/choice.h).
struct Waiter {
  Waiter* previous = nullptr;  ///< in `list`
  Waiter* next = nullptr;
  WaiterList* list = nullptr;
  bool is_case = false;  ///< it is a ChoiceCase, else a VirtualThread
};

/// What waits for the same thing, in the order in which it came. A waiter is in one list at most.
class WaiterList {
 public:
  WaiterList() = default;
  WaiterList(const WaiterList&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  Waiter* first() const { return first_; }
  void push(Waiter& waiter) {
    waiter.list = this;
    waiter.next = nullptr;
    waiter.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
    ++size_;
  }
  void remove(Waiter& waiter) {
    FBLE_ASSERT(waiter.list == this);
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
    waiter.list = nullptr;
    --size_;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  size_t size_ = 0;
};

/// No word of its frames is an address inside a stack, so they may be moved. While it runs, its position (pc, fp,
/// value) is the carrier's; the fields here hold it while it does not, and pc and fp from a run-time error to where its
/// unwinding lands. Its list, as a waiter, is that of the ready threads, or of those that wait for the same thing; null
/// while it has the turn. A thread that runs ahead is ready.
struct VirtualThread : Waiter {
  // What a switch needs comes first: it is in few cache lines.

  /// Its frames: in a call stack, or if that is null in a chunk of exactly their size.
  CallStack* stack = nullptr;
  Word* chunk = nullptr;
  size_t used = 0;  ///< slots of the chunk
  size_t fp = 0;    ///< slot of the running frame
  const uint32_t* pc = nullptr;
  Word value = 0;  ///< what its native returns when it runs again; 0: it runs the instruction at pc

  uint32_t code_epoch = 0;  ///< of the machine, when it ran last
  /// Its place in the list of those that may hold pointers to new objects, which the next minor collection visits; 0 if
  /// it is not there, else 1 more.
  uint32_t dirty_place = 0;
  Wait wait = Wait::kNothing;
  bool waits_for_more = false;    ///< than to be first in its list: has a timer, is outside, or has a choice
  bool has_timer = false;         ///< its wait ends at a time, at the latest
  bool timed_out = false;         ///< so has ended the wait of the native that runs again
  bool is_outside = false;        ///< it waits for something outside of the program
  bool has_begun = false;         ///< has had the turn
  bool looks_up = false;          ///< looks whether it is to unwind when it has the turn again
  bool has_yielded = false;       ///< where it is now: the instruction there is to happen
  bool wants_turn = false;        ///< is at an effect or its end: does not run without the turn
  bool is_stopped = false;        ///< asked to stop
  Scope* failed_scope = nullptr;  ///< one that it owns of which a thread has failed: unwinds as soon as it can
  std::unique_ptr<RecursiveGroups> groups;  ///< that are open where it does not run; null if none is
  std::unique_ptr<RunError> early_error;    ///< that has ended it before its turn

  /// What the call stack knows otherwise, while the frames are in a chunk: the slot of the topmost frame that holds old
  /// pointers only, and that of the frame whose callers the marker has not visited yet; 0 for none.
  size_t clean_fp = 0;
  size_t unmarked_fp = 0;
  uint32_t marked_cycle = 0;  ///< the last marking that began with its frames
  uint32_t id = 0;
  /// What the native that waits has begun outside of the program (interp/io_driver.h); null if nothing.
  Unfinished* unfinished = nullptr;
  Timers::iterator timer;  ///< if has_timer

  VirtualThread* started_before = nullptr;  ///< of those that have not ended, the main thread left out
  VirtualThread* started_after = nullptr;
  Scope* scope = nullptr;          ///< that it was started in; null for the main thread
  VirtualThread* older = nullptr;  ///< in `scope`
  VirtualThread* younger = nullptr;
  Scope* innermost = nullptr;             ///< of the scopes that it owns
  Task* task = nullptr;                   ///< where the outcome goes; null if nothing refers to that any more
  const Code* runs = nullptr;             ///< the source of its action, for messages; null if there is none near
  std::vector<PendingUnwinding> pending;  ///< innermost last

  Word* base() const { return stack != nullptr ? stack->base() : chunk; }
  Word* frame() const { return base() + fp; }
};

/// A list of threads only.
class ThreadList : public WaiterList {
 public:
  VirtualThread* first() const { return static_cast<VirtualThread*>(WaiterList::first()); }
  static VirtualThread* after(const VirtualThread& thread) { return static_cast<VirtualThread*>(thread.next); }
  void push(VirtualThread& thread) { WaiterList::push(thread); }
  VirtualThread& pop() {
    VirtualThread& thread = *first();
    remove(thread);
    return thread;
  }
};

}  // namespace fble
