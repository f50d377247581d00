// The scheduler: which virtual thread runs next, where the others keep their frames, and how threads end.
//
// A switch is a jump between handlers. It happens inside natives with effects: all frames are in memory then, in the
// interpreter's form, and the native stack is cut off (interp/native_stack.h). So only a position is saved.
//
// Frames stay where they are while a thread is hot: up to `hot_stacks` threads keep a call stack. If one more is
// needed, the thread that has not run for the longest time moves its frames into a chunk of exactly their size, and
// back when it runs again. A thread that outgrows its call stack moves to the largest one.
//
// The order is first come, first served, so a program that waits for nothing outside of it always prints the same. A
// thread has the turn until it waits (interp/turns.h). Threads without the turn may run ahead.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interp/choice.h"
#include "interp/scope.h"
#include "interp/sent_counter.h"
#include "interp/ticker.h"
#include "interp/turns.h"
#include "interp/virtual_thread.h"

namespace fble {

struct MachineState;
struct Carrier;

/// What a native's body returns when its thread waits. Then the native runs again, or returns the value that the waker
/// gives.
inline constexpr Word kParked = 2;

struct ThreadStats {
  uint64_t started = 0;
  uint64_t switches = 0;
  uint64_t preempted = 0;  ///< switches because a thread that has waited for the world was ready
  uint64_t ahead = 0;      ///< switches to a thread that had no turn
  uint64_t most_at_once = 0;
  uint64_t visited = 0;                     ///< by minor collections: one visits those that have run since the last one
  uint64_t moves = 0;                       ///< of frames between call stacks and chunks
  std::array<uint64_t, kWaits> waits = {};  ///< how often threads waited for what
  size_t most_chunk_bytes = 0;              ///< of the frames of threads without a call stack, at a time
};

/// Owns the call stacks, and all threads of a machine but the main one, which is there always. While a run is under
/// way, one thread is the carrier's current one, and each other is ready or waits.
class Scheduler {
 public:
  Scheduler(MachineState& machine, VirtualThread& main, const ThreadOptions& options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;

  /// Gives it the call stack that the main thread begins in, which is the largest one.
  void take_largest(Mapping memory);

  /// Returns whether there is no thread but the main one.
  bool is_alone() const { return live_ == 0; }
  const ThreadStats& stats() const { return stats_; }
  /// The cost of promoting what was sent, if it is counted.
  const SentCounter& sent() const { return sent_; }
  Turns& turns() { return turns_; }
  /// Returns the time (CLOCK_MONOTONIC, ns). Where turns are chosen, time is virtual: it begins with 0 and passes only
  /// while all threads wait. If one of these waits for the outside world, it passes like real time then; otherwise the
  /// process does not wait.
  int64_t now() const;
  bool has_virtual_time() const { return options_.has_turns(); }
  /// Returns whether a native must let others run instead of waiting in place. If there are no others, memory is freed
  /// while it waits.
  bool must_share() const { return stats_.started != 0 && has_others(); }

  // For natives, whose thread is the carrier's current one.

  /// Starts a thread in the scope that applies the action to a unit; it is ready.
  VirtualThread& start(Carrier& carrier, Scope& scope, Word action);
  /// Makes the current thread wait in the list. The native returns the result, as it does for the next two functions.
  Word park(Carrier& carrier, WaiterList& list, Wait wait);
  /// Makes it wait in the list for the outside world. At the time (see now) the native runs again in any case, and the
  /// thread has `timed_out`.
  Word wait_outside(Carrier& carrier, ThreadList& list, Wait wait, int64_t until = kNever);
  static constexpr int64_t kNever = INT64_MAX;
  /// Makes it wait until one of the cases happens, or the native runs again at the deadline; then it has `timed_out`.
  Word wait_for_choice(Carrier& carrier, std::unique_ptr<Choice> choice);
  /// Returns a random number below n, n > 0, for choices among what has happened.
  uint32_t random_case(uint32_t n) { return cases_.below(n); }
  /// Waits until the time (see now).
  Word sleep_until(Carrier& carrier, int64_t time);
  /// Lets all threads that are ready run first.
  Word yield(Carrier& carrier);
  /// Ends the wait of a thread. Its native returns `value`, or runs again if that is 0.
  void wake(VirtualThread& thread, Word value = 0);
  /// Does the same for what waits in the list. The native of a choice runs again in any case.
  void wake_all(WaiterList& list, Word value = 0);
  /// Ends the wait of a choice because the case happens: its native returns `value`.
  void commit(ChoiceCase& chosen, Word value);
  /// Called for each item that is sent over a channel.
  void note_sent(Word item) {
    if (options_.params.count_sent != 0) [[unlikely]] {
      count_sent(item);
    }
  }
  /// Asks the thread to stop: it unwinds as soon as it waits where nothing shields it.
  void stop(VirtualThread& thread);
  /// The argument of the native that a waiting thread waits in.
  Word& argument(VirtualThread& thread, uint32_t index) { return thread.frame()[index]; }

  /// Begins a scope of the current thread.
  void open(Carrier& carrier, Scope& scope);
  /// Ends the scope if no thread is left in it. Else, or after a failure, returns what the native must return.
  std::optional<Word> close(Carrier& carrier, Scope& scope, bool is_abandoned);

  /// Takes the unwinding for which the frame of the native's caller cleans up.
  Unwinding take_pending(Carrier& carrier);
  /// Raises it again.
  Word unwind_again(Carrier& carrier, const Scope* scope);

  /// Whether the current thread may do an effect. If not, its native has to return kParked.
  bool take_turn(Carrier& carrier);

  /// Ends the ticks.
  void stop_ticks() { ticker_ = nullptr; }

  // For the interpreter.

  /// Begins a run: the main thread has the turn.
  void begin_run();
  /// Returns a random number below the distance.
  uint32_t random_distance(uint32_t most) { return yields_.below(most); }
  /// Looks at what has asked for attention, at a yield point of the current thread. kGone: another thread
  /// has been loaded; kStop: that has an error.
  enum class Attended : uint8_t { kContinue, kGone, kStop };
  Attended attend(Carrier& carrier, uint32_t reasons);
  /// Saves the current thread, which has parked, and loads the next. False: that has an error.
  bool switch_threads(Carrier& carrier);
  /// The current thread has its result, in the carrier's `value`, and is not the main one: ends it, and loads the next.
  /// False if the interpreter is to return.
  bool finish(Carrier& carrier);
  /// Handles the return of the interpreter: the current thread has ended, or has to unwind. Returns true if the carrier
  /// has to resume at its pc and fp, false if the main thread has ended.
  bool continue_run(Carrier& carrier);
  /// Moves the current thread to the largest call stack. Returns false if it is there already.
  bool move_to_largest(Carrier& carrier);
  // For the collector.

  // `running` is the current thread; null if it does not run.

  /// Visits the words of groups that are open in threads other than the running one.
  void visit_groups(Collector& collector);
  /// Visits the words of threads other than the running one that may be pointers to new objects. Afterwards they are
  /// old.
  void visit_dirty(Collector& collector, const VirtualThread* running);
  void dirty_are_old(const VirtualThread* running);
  /// Begins a marking of the threads' frames. The carrier has begun with those of the running thread.
  void begin_marking(VirtualThread* running);
  /// Visits up to `count` frames of threads other than the running one, and subtracts them. Returns true if none is
  /// left.
  bool mark_frames(Collector& collector, size_t& count, const VirtualThread* running);
  /// Returns whether the marking under way has begun with the thread, and notes that it has.
  bool is_marking_begun(VirtualThread& thread);
  /// Bytes of frames of threads other than the running one.
  size_t waiting_bytes(const VirtualThread* running) const;
  /// Returns whether most of many threads have ended since the last marking began.
  bool has_lost_many() const;

 private:
  void clear();
  bool has_others() const;
  VirtualThread& new_thread();
  void free_thread(VirtualThread& thread);
  void count_chunk(const VirtualThread& thread);
  bool can_switch_quickly(const Carrier& carrier) const;
  void save_position(Carrier& carrier, VirtualThread& thread) const;
  void load_position(Carrier& carrier, VirtualThread& thread);
  bool switch_slowly(Carrier& carrier);
  void save(Carrier& carrier);
  void load(Carrier& carrier, VirtualThread& thread);
  bool pick(Carrier& carrier);
  bool give_turn(Carrier& carrier);
  bool resume_holder(Carrier& carrier);
  bool fail_main(Carrier& carrier, const std::string& message, std::string notes = {});
  void end_early(Carrier& carrier);
  VirtualThread* choose_ahead(const VirtualThread& current);
  void have_natives_take_turns();
  /// Returns whether a thread waits for the outside world, or has done so and is ready.
  bool waits_for_world() const {
    return !has_virtual_time() && (!timers_.empty() || outside_ != 0 || world_has_woken_);
  }
  void want_ticks(Carrier& carrier, bool wanted) {
    if (wanted || ticker_ != nullptr) [[unlikely]] {
      set_ticks(carrier, wanted);
    }
  }
  /// Returns whether threads of the program alone decide which of them runs next, in the usual order, and no option
  /// adds work to switches.
  bool can_be_quick() const;
  void set_ticks(Carrier& carrier, bool wanted);
  /// Returns, or prints, what the threads do; `carrier` is null while none runs.
  std::string all_threads_text(const Carrier* carrier) const;
  void print_threads(const Carrier* carrier) const;
  void log(const VirtualThread& thread, std::string_view what) const {
    if (options_.log) [[unlikely]] {
      write_log(thread, what);
    }
  }
  void write_log(const VirtualThread& thread, std::string_view what) const;
  bool must_unwind(Carrier& carrier);
  bool begin_unwinding(Carrier& carrier);
  bool land(Carrier& carrier);
  void end_current(Carrier& carrier);
  void fail(Scope& scope, const VirtualThread& thread, RunError error);
  void discard_scopes(VirtualThread& thread, size_t frame);
  UnwindReason demand(const VirtualThread& thread, const uint32_t* pc, const Word* fp) const;
  void interrupt_wait(VirtualThread& thread);
  void withdraw(VirtualThread& thread);
  Word park_slowly(Carrier& carrier, WaiterList& list, Wait wait);
  void park_in(WaiterList& list, VirtualThread& thread, Wait wait);
  void log_wait(const VirtualThread& thread) const;
  void wake_slowly(VirtualThread& thread, Word value);
  void make_ready(VirtualThread& thread, Word value);
  void wake_timers();
  void look_outside();
  void wait_for_world(Carrier& carrier);
  void set_timer(VirtualThread& thread, int64_t time);
  void drop_unfinished(VirtualThread& thread);
  void count_sent(Word item);
  void note_dirty(VirtualThread& thread) {
    if (thread.dirty_place == 0) [[unlikely]] {
      add_dirty(thread);
    }
  }
  void add_dirty(VirtualThread& thread);
  void forget_dirty(VirtualThread& thread);
  CallStack& take_stack(size_t slots);
  void move_out(CallStack& stack);
  void move_in(CallStack& stack, VirtualThread& thread);
  void enter(CallStack& stack, VirtualThread& thread);
  void forget_native_returns(VirtualThread& thread) const;
  void release_stack(VirtualThread& thread);
  std::string deadlock_text() const;

  MachineState& machine_;
  VirtualThread& main_;
  size_t stack_bytes_ = 0;                          ///< of a further call stack
  bool can_reserve_ = true;                         ///< the system had address space for the last one
  std::vector<std::unique_ptr<CallStack>> stacks_;  ///< the largest first
  size_t rotation_ = 0;                             ///< which call stack is next where frames move at each switch
  VirtualThread* oldest_ = nullptr;                 ///< of the threads that have not ended, the main one left out
  VirtualThread* youngest_ = nullptr;
  size_t live_ = 0;          ///< their number
  size_t most_live_ = 0;     ///< the largest since the last marking began
  bool is_running_ = false;  ///< a run is under way, so the main thread has frames
  uint32_t next_id_ = 1;
  VirtualThread* holder_;  ///< the thread that has the turn; null between turns
  bool is_spent_ = false;  ///< turns are chosen, and the holder has done an effect in this one
  ThreadList ready_;
  bool is_quick_ = false;  ///< implies can_be_quick()
  Timers timers_;
  size_t outside_ = 0;  ///< threads that wait for something outside of the program
  const ThreadOptions options_;
  Turns turns_;
  ThreadRandom yields_;              ///< who runs ahead
  ThreadRandom cases_{1};            ///< which of the events that have happened a choice takes
  bool natives_take_turns_ = false;  ///< once a thread has run ahead, or if turns are chosen
  int64_t virtual_now_ = 0;
  bool polls_world_ = false;       ///< what is woken now, the world has woken
  bool world_has_woken_ = false;   ///< a thread, since the last time that none was ready
  uint64_t switches_at_tick_ = 0;  ///< stats_.switches at the last tick
  std::unique_ptr<Ticker> ticker_;
  std::vector<VirtualThread*> with_groups_;  ///< threads whose `groups` are not null
  Unwinding unwinding_;                      ///< of the current thread: from where it begins to where it lands
  std::vector<VirtualThread*> dirty_;
  size_t chunk_bytes_ = 0;
  uint32_t marking_cycle_ = 0;
  VirtualThread* marking_at_ = nullptr;  ///< the next to mark; null if none is left
  ThreadStats stats_;
  SentCounter sent_;
};

}  // namespace fble
