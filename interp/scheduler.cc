#include "interp/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>

#include "gc/clock.h"
#include "gc/log.h"
#include "interp/boundary.h"
#include "interp/carrier.h"
#include "interp/engine_hooks.h"
#include "interp/foreign.h"
#include "interp/interpreter.h"
#include "interp/io_driver.h"
#include "interp/liveness.h"
#include "interp/step_observer.h"
#include "interp/thread_dump.h"

namespace fble {

namespace {

/// The address space of a further call stack is this part of the largest one's, within these limits.
constexpr size_t kStackOneIn = 64;
constexpr size_t kLeastStackBytes = size_t{256} << 10;
constexpr size_t kMostStackBytes = size_t{1} << 30;

/// One in this many switches looks at timers and at the outside world; so does every switch while no thread is ready.
constexpr uint64_t kLookOneIn = 64;

/// The thread that runs ahead is chosen among this many ready threads.
constexpr uint32_t kAheadCandidates = 8;

/// The least number of call stacks in rotation where options have frames move at each switch.
constexpr size_t kLeastRotation = 3;

/// If more threads than this have run since the last collection, a switch collects. This bounds the threads that a
/// collection visits.
constexpr size_t kMostDirty = 4096;

/// If at least kManyThreads threads were alive and less than one in kFewLeftOneIn of them is left, memory is returned
/// to the system.
constexpr size_t kManyThreads = 4096;
constexpr size_t kFewLeftOneIn = 4;

/// The most lines of the owner's stack trace that are shown after those of a failed thread.
constexpr size_t kOwnerLines = 20;

/// The slots of the thread's first frame: the action and its argument.
constexpr size_t kFirstSlots = 2;

/// Returns the number of slots up to the last live one of a frame that waits at the position.
size_t live_end(Code& code, const uint32_t* pc) {
  if (code.native != nullptr) return code.arity;
  size_t end = 0;
  for (const uint32_t slot : live_slots(code, pc)) end = size_t{slot} + 1;
  return end;
}

/// Waits for the time, a signal, or an event of the driver, whichever comes first. A signal that arrives before the
/// wait is not lost: signals are blocked except during the wait.
void wait_until(const Carrier& carrier, int64_t time, IoDriver& io) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  if (!interrupt_requested() && !carrier.is_asked(Attention::kDump)) io.wait(time, before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Scheduler::~Scheduler() {
  clear();
  machine_.io.set_scheduler(nullptr);
}

Scheduler::Scheduler(MachineState& machine, VirtualThread& main, const ThreadOptions& options)
    : machine_(machine), main_(main), holder_(&main), options_(options), turns_(options_), yields_(options.yield) {
  main.has_begun = true;
  machine_.io.set_scheduler(this);
}

int64_t Scheduler::now() const { return has_virtual_time() ? virtual_now_ : static_cast<int64_t>(now_ns()); }

void Scheduler::write_log(const VirtualThread& thread, std::string_view what) const {
  log_print("[thread {} {}]\n", thread.id, what);
}

void Scheduler::take_largest(Mapping memory) {
  stack_bytes_ = std::clamp(memory.bytes() / kStackOneIn, kLeastStackBytes, kMostStackBytes);
  if (options_.params.stack_bytes != 0) {
    stack_bytes_ = std::clamp<size_t>(options_.params.stack_bytes, kGuardSlots * sizeof(Word) * 2, memory.bytes());
  }
  stacks_.push_back(std::make_unique<CallStack>(std::move(memory)));
  enter(*stacks_.back(), main_);
}

void Scheduler::enter(CallStack& stack, VirtualThread& thread) {
  thread.stack = &stack;
  stack.owner = &thread;
}

// ---- threads ----------------------------------------------------------------

VirtualThread& Scheduler::new_thread() {
  VirtualThread& thread = machine_.threads.new_thread();
  thread.id = next_id_++;
  // It is dirty, so the next collection visits what it holds.
  thread.marked_cycle = marking_cycle_;
  thread.started_before = youngest_;
  (youngest_ != nullptr ? youngest_->started_after : oldest_) = &thread;
  youngest_ = &thread;
  most_live_ = std::max(most_live_, ++live_);
  ++stats_.started;
  stats_.most_at_once = std::max<uint64_t>(stats_.most_at_once, live_);
  return thread;
}

void Scheduler::free_thread(VirtualThread& thread) {
  forget_dirty(thread);
  if (thread.groups != nullptr) std::erase(with_groups_, &thread);
  if (thread.chunk != nullptr) {
    chunk_bytes_ -= thread.used * sizeof(Word);
    ThreadStore::free_chunk(thread.chunk, thread.used);
  }
  if (&thread == marking_at_) marking_at_ = thread.started_after;
  (thread.started_before != nullptr ? thread.started_before->started_after : oldest_) = thread.started_after;
  (thread.started_after != nullptr ? thread.started_after->started_before : youngest_) = thread.started_before;
  --live_;
  ThreadStore::free_thread(thread);
}

/// Forgets what the main thread has left behind. All other threads have ended with the run.
void Scheduler::clear() {
  FBLE_ASSERT(oldest_ == nullptr);
  withdraw(main_);
  drop_unfinished(main_);
  for (const auto& stack : stacks_) {
    if (stack->owner != &main_) stack->owner = nullptr;
  }
  dirty_.clear();
  timers_.clear();
  with_groups_.clear();
  main_.groups = nullptr;
  main_.early_error = nullptr;
  main_.innermost = main_.failed_scope = nullptr;
  main_.pending.clear();
  main_.dirty_place = 0;
}

VirtualThread& Scheduler::start(Carrier& carrier, Scope& scope, Word action) {
  VirtualThread& thread = new_thread();
  const Code& code = *machine_.glue.run(1);
  thread.used = kHeaderSlots + kFirstSlots;
  thread.chunk = machine_.threads.new_chunk(thread.used);
  thread.fp = kHeaderSlots;
  Word* frame = thread.frame();
  frame[kClosureSlot] = code.function_value();
  frame[kReturnPositionSlot] = frame[kReturnAddressSlot] = 0;
  frame[0] = action;
  frame[1] = kUnitWord;
  thread.pc = code.start;
  thread.code_epoch = machine_.code_epoch;
  thread.looks_up = true;
  count_chunk(thread);
  thread.runs = source_of(action);
  thread.scope = &scope;
  thread.older = scope.youngest;
  if (thread.older != nullptr) thread.older->younger = &thread;
  scope.youngest = &thread;
  ++scope.count;
  if (machine_.steps != nullptr) machine_.steps->start_thread(carrier.current->id, thread.id);
  note_dirty(thread);
  ready_.push(thread);
  if (options_.yield != 0) carrier.restore_limits();
  if (options_.log) log(thread, fmt::format("is started by {}", carrier.current->id));
  return thread;
}

/// Counts the chunk of a thread.
void Scheduler::count_chunk(const VirtualThread& thread) {
  chunk_bytes_ += thread.used * sizeof(Word);
  stats_.most_chunk_bytes = std::max(stats_.most_chunk_bytes, chunk_bytes_);
}

size_t Scheduler::waiting_bytes(const VirtualThread* running) const {
  size_t bytes = chunk_bytes_;
  for (const auto& stack : stacks_) {
    const VirtualThread* owner = stack->owner;
    if (owner == nullptr || owner == running || (owner == &main_ && !is_running_)) continue;
    bytes += stack->used_bytes(owner->frame());
  }
  return bytes;
}

void Scheduler::wake(VirtualThread& thread, Word value) {
  if (!is_quick_ || thread.waits_for_more || (is_pointer(value) && thread.dirty_place == 0)) {
    return wake_slowly(thread, value);
  }
  if (thread.list != nullptr) thread.list->remove(thread);
  make_ready(thread, value);
}

inline void Scheduler::make_ready(VirtualThread& thread, Word value) {
  thread.wait = Wait::kNothing;
  thread.value = value;
  thread.looks_up = thread.wants_turn = value == 0;
  ready_.push(thread);
}

/// The general case of `wake`.
__attribute__((noinline)) void Scheduler::wake_slowly(VirtualThread& thread, Word value) {
  withdraw(thread);
  if (is_pointer(value)) note_dirty(thread);
  make_ready(thread, value);
  world_has_woken_ |= polls_world_;
  if (options_.log) log(thread, polls_world_ ? "is woken by the world" : fmt::format("is woken by {}", holder_->id));
}

/// Removes a waiting thread from all that it waits in.
void Scheduler::withdraw(VirtualThread& thread) {
  if (thread.list != nullptr) thread.list->remove(thread);
  if (thread.wait == Wait::kEvent) static_cast<Choice*>(thread.unfinished)->withdraw();
  if (thread.has_timer) timers_.erase(thread.timer);
  if (thread.is_outside) --outside_;
  thread.waits_for_more = thread.has_timer = thread.is_outside = false;
  thread.wait = Wait::kNothing;
}

void Scheduler::wake_all(WaiterList& list, Word value) {
  while (!list.empty()) {
    Waiter& waiter = *list.first();
    if (waiter.is_case) {
      const auto& chosen = static_cast<const ChoiceCase&>(waiter);
      chosen.choice->woken_by = chosen.index;
      wake(chosen.choice->thread);
    } else {
      wake(static_cast<VirtualThread&>(waiter), value);
    }
  }
}

void Scheduler::commit(ChoiceCase& chosen, Word value) {
  VirtualThread& thread = chosen.choice->thread;
  wake(thread, value);
  delete std::exchange(thread.unfinished, nullptr);
}

void Scheduler::add_dirty(VirtualThread& thread) {
  dirty_.push_back(&thread);
  thread.dirty_place = static_cast<uint32_t>(dirty_.size());
}

void Scheduler::forget_dirty(VirtualThread& thread) {
  if (thread.dirty_place == 0) return;
  VirtualThread* last = dirty_.back();
  dirty_[thread.dirty_place - 1] = last;
  last->dirty_place = thread.dirty_place;
  thread.dirty_place = 0;
  dirty_.pop_back();
}

/// Begins the unwinding of the current thread if another thread has asked for it. Returns false if none has, or if a
/// shield holds it off.
inline bool Scheduler::must_unwind(Carrier& carrier) {
  const VirtualThread& thread = *carrier.current;
  return (thread.is_stopped || thread.failed_scope != nullptr) && begin_unwinding(carrier);
}

Word Scheduler::park(Carrier& carrier, WaiterList& list, Wait wait) {
  VirtualThread& thread = *carrier.current;
  if (!is_quick_ || thread.is_stopped || thread.failed_scope != nullptr) return park_slowly(carrier, list, wait);
  park_in(list, thread, wait);
  return kParked;
}

inline void Scheduler::park_in(WaiterList& list, VirtualThread& thread, Wait wait) {
  thread.wait = wait;
  ++stats_.waits[static_cast<size_t>(wait)];
  list.push(thread);
  holder_ = nullptr;
}

/// The general case of `park`: the thread may have to unwind, and its wait may be logged.
__attribute__((noinline)) Word Scheduler::park_slowly(Carrier& carrier, WaiterList& list, Wait wait) {
  if (must_unwind(carrier)) return 0;
  park_in(list, *carrier.current, wait);
  log_wait(*carrier.current);
  return kParked;
}

void Scheduler::log_wait(const VirtualThread& thread) const {
  if (options_.log) log(thread, fmt::format("waits {}", wait_text(thread.wait)));
}

void Scheduler::count_sent(Word item) { sent_.note(machine_.heap, item); }

Word Scheduler::sleep_until(Carrier& carrier, int64_t time) {
  if (must_unwind(carrier)) return 0;
  carrier.current->wait = Wait::kTime;
  ++stats_.waits[static_cast<size_t>(Wait::kTime)];
  set_timer(*carrier.current, time);
  holder_ = nullptr;
  log(*carrier.current, "waits for a time");
  return kParked;
}

Word Scheduler::wait_for_choice(Carrier& carrier, std::unique_ptr<Choice> choice) {
  if (must_unwind(carrier)) return 0;
  VirtualThread& thread = *carrier.current;
  thread.wait = Wait::kEvent;
  ++stats_.waits[static_cast<size_t>(Wait::kEvent)];
  thread.timed_out = false;
  choice->enter();
  if (choice->deadline != kNever) set_timer(thread, choice->deadline);
  thread.unfinished = choice.release();
  thread.waits_for_more = true;
  holder_ = nullptr;
  log_wait(thread);
  return kParked;
}

void Scheduler::set_timer(VirtualThread& thread, int64_t time) {
  thread.timer = timers_.emplace(time, &thread);
  thread.has_timer = thread.waits_for_more = true;
  is_quick_ = false;
}

Word Scheduler::wait_outside(Carrier& carrier, ThreadList& list, Wait wait, int64_t until) {
  const Word parked = park(carrier, list, wait);
  if (parked != kParked) return parked;
  VirtualThread& thread = *carrier.current;
  thread.timed_out = false;
  thread.is_outside = thread.waits_for_more = true;
  is_quick_ = false;
  ++outside_;
  if (until != kNever) set_timer(thread, until);
  return kParked;
}

Word Scheduler::yield(Carrier& carrier) {
  if (must_unwind(carrier)) return 0;
  if (ready_.empty()) return kUnitWord;
  carrier.current->value = kUnitWord;
  ready_.push(*carrier.current);
  holder_ = nullptr;
  log(*carrier.current, "yields");
  return kParked;
}

/// Wakes the threads whose waits for a time have ended.
void Scheduler::wake_timers() {
  const int64_t time = now();
  while (!timers_.empty() && timers_.begin()->first <= time) {
    VirtualThread& thread = *timers_.begin()->second;
    thread.timed_out = thread.is_outside || thread.wait == Wait::kEvent;
    wake(thread, thread.timed_out ? 0 : kUnitWord);
  }
}

/// Wakes the threads whose waits for a time or for the outside world have ended.
void Scheduler::look_outside() {
  polls_world_ = true;
  machine_.io.poll(*this);
  if (!timers_.empty()) wake_timers();
  polls_world_ = false;
}

/// Abandons what the thread's native has begun: the thread unwinds or ends, so the native will not run again.
void Scheduler::drop_unfinished(VirtualThread& thread) {
  thread.timed_out = false;
  Unfinished* unfinished = std::exchange(thread.unfinished, nullptr);
  if (unfinished != nullptr) unfinished->abandon(*this, thread);
}

// ---- switching --------------------------------------------------------------
//
// The code of each switch is inlined: calls would be a quarter of its cost.

/// Returns a call stack without an owner that has room for the slots. If there is none, moves frames out of one.
CallStack& Scheduler::take_stack(size_t slots) {
  if (slots > stack_bytes_ / sizeof(Word) - kGuardSlots) {
    CallStack& largest = *stacks_.front();
    if (largest.owner != nullptr) move_out(largest);
    return largest;
  }
  CallStack* oldest = nullptr;
  if (options_.moves) ++rotation_;
  for (size_t i = 0; i < stacks_.size(); ++i) {
    CallStack& stack = *stacks_[options_.moves ? (rotation_ + i) % stacks_.size() : i];
    if (stack.owner == nullptr && (!options_.moves || stacks_.size() >= kLeastRotation)) return stack;
    if (oldest == nullptr || stack.used_at < oldest->used_at) oldest = &stack;
  }
  if (stacks_.size() < options_.params.hot_stacks && can_reserve_) {
    Mapping memory = Mapping::not_zeroed(stack_bytes_);
    can_reserve_ = memory.begin() != nullptr;
    if (can_reserve_) return *stacks_.emplace_back(std::make_unique<CallStack>(std::move(memory)));
  }
  if (oldest->owner != nullptr) move_out(*oldest);
  return *oldest;
}

/// Moves the frames of the call stack's owner to a chunk. Requires: the owner does not run.
void Scheduler::move_out(CallStack& stack) {
  VirtualThread& thread = *stack.owner;
  std::tie(thread.clean_fp, thread.unmarked_fp) = stack.take_places();
  thread.used = thread.fp + live_end(code_of_frame(thread.frame()), thread.pc);
  thread.chunk = machine_.threads.new_chunk(thread.used);
  std::memcpy(thread.chunk, stack.base(), thread.used * sizeof(Word));
  if (options_.moves) std::fill_n(stack.base(), thread.used, kPoison);
  release_stack(thread);
  count_chunk(thread);
  ++stats_.moves;
}

/// Moves the frames of a thread from its chunk to a call stack without an owner.
void Scheduler::move_in(CallStack& stack, VirtualThread& thread) {
  std::memcpy(stack.base(), thread.chunk, thread.used * sizeof(Word));
  ThreadStore::free_chunk(thread.chunk, thread.used);
  chunk_bytes_ -= thread.used * sizeof(Word);
  thread.chunk = nullptr;
  enter(stack, thread);
  stack.put_places({thread.clean_fp, thread.unmarked_fp});
  stack.allow(thread.frame() + code_of_frame(thread.frame()).frame_slots);
  ++stats_.moves;
}

void Scheduler::release_stack(VirtualThread& thread) {
  if (thread.stack == nullptr) return;
  thread.stack->vacate();
  thread.stack = nullptr;
}

/// Requires: the carrier is at a yield point, or a native has parked the current thread.
inline void Scheduler::save_position(Carrier& carrier, VirtualThread& thread) const {
  thread.pc = carrier.pc;
  thread.fp = static_cast<size_t>(carrier.fp - thread.stack->base());
  thread.code_epoch = machine_.code_epoch;
}

/// Saves the position of the current thread, and what else belongs to it.
__attribute__((always_inline)) inline void Scheduler::save(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  save_position(carrier, thread);
  note_dirty(thread);
  if (carrier.groups.any_open()) {
    thread.groups = std::make_unique<RecursiveGroups>(std::exchange(carrier.groups, {}));
    with_groups_.push_back(&thread);
  }
  carrier.fp = nullptr;
  if (options_.moves) move_out(*thread.stack);
}

bool Scheduler::can_be_quick() const {
  return !options_.moves && !options_.log && options_.yield == 0 && turns_.is_usual() && machine_.steps == nullptr &&
         ticker_ == nullptr && !waits_for_world();
}

/// Makes a thread that has a call stack the current one.
inline void Scheduler::load_position(Carrier& carrier, VirtualThread& thread) {
  CallStack& stack = *thread.stack;
  stack.used_at = ++stats_.switches;
  carrier.current = &thread;
  carrier.pc = thread.pc;
  carrier.fp = stack.base() + thread.fp;
  carrier.value = thread.value;
  thread.value = 0;
}

/// Makes any thread the current one.
__attribute__((always_inline)) inline void Scheduler::load(Carrier& carrier, VirtualThread& thread) {
  if (thread.stack == nullptr) move_in(take_stack(thread.fp + code_of_frame(thread.frame()).frame_slots), thread);
  load_position(carrier, thread);
  thread.wants_turn = false;
  if (thread.groups != nullptr) {
    carrier.groups = std::move(*std::exchange(thread.groups, nullptr));
    std::erase(with_groups_, &thread);
  }
  if (thread.code_epoch != machine_.code_epoch) forget_native_returns(thread);
  // A thread that runs ahead must not keep the one that has the turn from running.
  want_ticks(carrier, waits_for_world() || &thread != holder_);
  if (machine_.steps != nullptr) machine_.steps->select_thread(thread.id);
  ticker_ == nullptr ? carrier.restore_limits_unshared() : carrier.restore_limits();
  is_quick_ = can_be_quick();
}

/// Makes the thread's frames return to the interpreter: the machine code that they would return to may be gone.
void Scheduler::forget_native_returns(VirtualThread& thread) const {
  const std::pair<size_t, size_t> places = thread.stack->take_places();
  for_each_frame(thread.pc, thread.frame(), [&](Word* frame, const uint32_t*) {
    if (return_position(frame) != nullptr) frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
    return true;
  });
  thread.stack->put_places(places);
}

bool Scheduler::move_to_largest(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  CallStack& largest = *stacks_.front();
  if (largest.owner == &thread) return false;
  save(carrier);
  if (thread.stack != nullptr) move_out(*thread.stack);
  if (largest.owner != nullptr) move_out(largest);
  move_in(largest, thread);
  load(carrier, thread);
  return true;
}

/// Waits until a thread may be ready. Requires: one waits for a time or for the outside world.
void Scheduler::wait_for_world(Carrier& carrier) {
  const int64_t time = timers_.empty() ? kNever : timers_.begin()->first;
  if (has_virtual_time() && outside_ == 0) {
    virtual_now_ = std::max(virtual_now_, time);
    return;
  }
  want_ticks(carrier, false);
  // While a thread waits for the outside world, virtual time passes like real time.
  const int64_t offset = has_virtual_time() ? static_cast<int64_t>(now_ns()) - virtual_now_ : 0;
  const int64_t until = time == kNever ? kNever : time + offset;
  wait_until(carrier, std::min(until, machine_.io.next_look()), machine_.io);
  if (!has_virtual_time()) return;
  virtual_now_ = std::max(virtual_now_, std::min(time, static_cast<int64_t>(now_ns()) - offset));
}

/// Gives the turn to the thread that runs next. Returns false if that is the main thread with an error, which has been
/// loaded.
bool Scheduler::give_turn(Carrier& carrier) {
  if (ready_.empty() || (!has_virtual_time() && stats_.switches % kLookOneIn == 0)) look_outside();
  while (ready_.empty() || interrupt_requested()) {
    if (carrier.take_request(Attention::kDump)) print_threads(nullptr);
    if (interrupt_requested()) {
      carrier.take_request(Attention::kInterrupt);
      return fail_main(carrier, "");
    }
    // A deadlock. The main thread gets the error: it waits for all others, directly or through them.
    if (timers_.empty() && outside_ == 0) return fail_main(carrier, deadlock_text(), all_threads_text(nullptr));
    if (!carrier.tidy_up()) wait_for_world(carrier);
    look_outside();
  }
  holder_ = turns_.choose(nullptr, ready_);
  if (holder_ == nullptr) return fail_main(carrier, turns_.take_misfit());
  is_spent_ = false;
  ready_.remove(*holder_);
  if (ready_.empty()) world_has_woken_ = false;
  return true;
}

/// Loads the main thread with an error: `message`, or if that is empty, the error of an interrupt. Returns false.
bool Scheduler::fail_main(Carrier& carrier, const std::string& message, std::string notes) {
  withdraw(main_);
  main_.early_error = nullptr;
  main_.looks_up = false;
  holder_ = &main_;
  load(carrier, main_);
  carrier.value = 0;
  message.empty() ? carrier.raise_interrupted() : carrier.raise(message);
  carrier.error.notes = std::move(notes);
  return false;
}

/// Resumes the thread that has the turn and has been loaded. Returns false if it has to unwind.
__attribute__((always_inline)) inline bool Scheduler::resume_holder(Carrier& carrier) {
  VirtualThread& thread = *holder_;
  const bool looks_up = std::exchange(thread.looks_up, false);
  // A wait that has delivered a result is over: only a wait without one can be interrupted.
  if (looks_up && carrier.value == 0 && must_unwind(carrier)) return false;
  thread.has_begun = true;
  if (thread.early_error == nullptr) return true;
  carrier.error = std::move(*std::exchange(thread.early_error, nullptr));
  carrier.note_stop();
  return false;
}

/// Loads the thread that has the turn, and before that gives the turn to one if none has it. Returns false if the
/// thread has to unwind.
__attribute__((always_inline)) inline bool Scheduler::pick(Carrier& carrier) {
  if (holder_ == nullptr && !give_turn(carrier)) return false;
  load(carrier, *holder_);
  return resume_holder(carrier);
}

/// Returns whether a switch only saves the current thread's position and loads that of the first ready thread, whose
/// wait has ended with a result.
__attribute__((always_inline)) inline bool Scheduler::can_switch_quickly(const Carrier& carrier) const {
  const VirtualThread* next = ready_.first();
  return is_quick_ && holder_ == nullptr && carrier.current->dirty_place != 0 && !carrier.groups.any_open() &&
         next != nullptr && next->value != 0 && next->stack != nullptr && next->groups == nullptr &&
         next->code_epoch == machine_.code_epoch && stats_.switches % kLookOneIn != 0 && !interrupt_requested();
}

bool Scheduler::switch_threads(Carrier& carrier) {
  FBLE_ASSERT(carrier.exit_roots.empty() && !carrier.stepped.no_collections);
  if (!can_switch_quickly(carrier)) return switch_slowly(carrier);
  save_position(carrier, *carrier.current);
  holder_ = &ready_.pop();
  load_position(carrier, *holder_);
  carrier.restore_stack_limits_unshared();
  return true;
}

__attribute__((noinline)) bool Scheduler::switch_slowly(Carrier& carrier) {
  save(carrier);
  if (dirty_.size() > kMostDirty) [[unlikely]] {
    carrier.collect_while_none_runs();
  }
  return pick(carrier);
}

// ---- turns ------------------------------------------------------------------

void Scheduler::begin_run() {
  holder_ = &main_;
  is_running_ = true;
  is_quick_ = false;
  is_spent_ = false;
  if (options_.has_turns()) have_natives_take_turns();
}

void Scheduler::have_natives_take_turns() {
  if (!std::exchange(natives_take_turns_, true)) machine_.glue.have_natives_take_turns();
}

/// Asks for ticks while the world may wake a thread.
void Scheduler::set_ticks(Carrier& carrier, bool wanted) {
  if (ticker_ == nullptr) {
    ticker_ = std::make_unique<Ticker>([&carrier] { carrier.request(Attention::kTick); },
                                       std::chrono::milliseconds(options_.params.quantum_ms));
  }
  ticker_->want(wanted);
}

bool Scheduler::take_turn(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  if (&thread != holder_) {
    thread.wants_turn = true;
    return false;
  }
  if (!options_.has_turns() || !std::exchange(is_spent_, true)) return true;
  VirtualThread* next = turns_.choose(&thread, ready_);
  if (next == &thread) return true;
  thread.wants_turn = true;
  ready_.push(thread);
  holder_ = next;
  is_spent_ = false;
  if (next != nullptr) ready_.remove(*next);
  return false;
}

/// Returns a thread other than the current one that may run: the one that has the turn, or one that is ready and not
/// at an effect. Null if there is none.
VirtualThread* Scheduler::choose_ahead(const VirtualThread& current) {
  std::array<VirtualThread*, kAheadCandidates + 1> found{};
  uint32_t count = 0;
  if (holder_ != &current) found[count++] = holder_;
  uint32_t seen = 0;
  for (VirtualThread* each = ready_.first(); each != nullptr && seen < kAheadCandidates;
       each = ThreadList::after(*each), ++seen) {
    if (each != &current && !each->wants_turn) found[count++] = each;
  }
  return count == 0 ? nullptr : found[yields_.below(count)];
}

Scheduler::Attended Scheduler::attend(Carrier& carrier, uint32_t reasons) {
  if ((reasons & bit(Attention::kDump)) != 0) print_threads(&carrier);
  if (carrier.table == &recording_handlers()) {
    carrier.put_off |= reasons & ~bit(Attention::kDump);
    return Attended::kContinue;
  }
  if (is_alone() || carrier.stepped.no_collections) return Attended::kContinue;
  VirtualThread* other = nullptr;
  if ((reasons & bit(Attention::kTick)) != 0) {
    if (!has_virtual_time()) look_outside();
    const bool was_computing = std::exchange(switches_at_tick_, stats_.switches) == stats_.switches;
    if (world_has_woken_ && was_computing && !ready_.empty()) {
      ++stats_.preempted;
      save(carrier);
      log(*holder_, "is preempted");
      holder_->looks_up = true;
      ready_.push(*holder_);
      holder_ = nullptr;
      return pick(carrier) ? Attended::kGone : Attended::kStop;
    }
    if (carrier.current != holder_) other = holder_;
  }
  if (other == nullptr && (reasons & bit(Attention::kYield)) != 0) other = choose_ahead(*carrier.current);
  if (other == nullptr) return Attended::kContinue;
  have_natives_take_turns();
  carrier.current->has_yielded = true;
  save(carrier);
  load(carrier, *other);
  if (other != holder_) {
    ++stats_.ahead;
    return Attended::kGone;
  }
  return resume_holder(carrier) ? Attended::kGone : Attended::kStop;
}

/// Keeps the end of the current thread, which has run ahead to it, until the thread has the turn.
void Scheduler::end_early(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  thread.wants_turn = true;
  if (carrier.value == 0) {
    thread.early_error = std::make_unique<RunError>(std::exchange(carrier.error, {}));
    carrier.groups.clear();
    carrier.pc = thread.pc;
    carrier.fp = thread.frame();
  }
  // A result is not kept: the instruction that has ended the run makes it again.
  carrier.value = 0;
  save(carrier);
}

// ---- unwinding --------------------------------------------------------------

void Scheduler::stop(VirtualThread& thread) {
  if (thread.is_stopped) return;
  thread.is_stopped = true;
  interrupt_wait(thread);
}

/// Returns why another thread has asked this one to unwind; kNone if none has, or if a shield at its position holds it
/// off.
UnwindReason Scheduler::demand(const VirtualThread& thread, const uint32_t* pc, const Word* fp) const {
  if (thread.is_stopped && !is_shielded(pc, fp, nullptr)) return UnwindReason::kStopped;
  const Scope* scope = thread.failed_scope;
  const bool has_failed = scope != nullptr && !is_shielded(pc, fp, thread.base() + scope->frame);
  return has_failed ? UnwindReason::kScopeFailed : UnwindReason::kNone;
}

/// Wakes a waiting thread that has to unwind. It unwinds when it runs.
void Scheduler::interrupt_wait(VirtualThread& thread) {
  const bool waits = thread.wait != Wait::kNothing;
  if (waits && demand(thread, thread.pc, thread.frame()) != UnwindReason::kNone) wake(thread);
}

bool Scheduler::begin_unwinding(Carrier& carrier) {
  const VirtualThread& thread = *carrier.current;
  // Nothing shields a thread that has not begun: what it has done ahead of its turn does not count.
  const UnwindReason unbegun = thread.is_stopped ? UnwindReason::kStopped : UnwindReason::kNone;
  const UnwindReason reason = thread.has_begun ? demand(thread, carrier.pc, carrier.fp) : unbegun;
  if (reason == UnwindReason::kNone) return false;
  unwinding_ = {.reason = reason, .scope = carrier.current->failed_scope, .error = {}};
  carrier.note_stop();
  return true;
}

bool Scheduler::finish(Carrier& carrier) {
  if (carrier.current != holder_ || carrier.stepped.no_collections) return false;
  end_current(carrier);
  return pick(carrier);
}

bool Scheduler::continue_run(Carrier& carrier) {
  for (;;) {
    if (carrier.value == 0 && machine_.engine != nullptr) machine_.engine->on_run_end(carrier);
    if (carrier.current != holder_) {
      end_early(carrier);
      if (pick(carrier)) return true;
      continue;
    }
    if (carrier.value == 0) {
      drop_unfinished(*carrier.current);
      if (!carrier.error.lines.empty()) {
        unwinding_ = {.reason = UnwindReason::kError, .scope = nullptr, .error = std::exchange(carrier.error, {})};
      }
      if (land(carrier)) return true;
    }
    if (carrier.current == &main_) {
      if (carrier.value == 0) carrier.error = std::exchange(unwinding_, {}).error;
      if (carrier.error.interrupted) heed_interrupt(true);
      discard_scopes(main_, 0);
      forget_dirty(main_);
      is_running_ = false;
      want_ticks(carrier, false);
      return false;
    }
    end_current(carrier);
    if (pick(carrier)) return true;
  }
}

/// Cuts off the current thread's frames above the one where its unwinding lands. Returns false if there is none.
bool Scheduler::land(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  carrier.groups.clear();
  if (!machine_.has_boundaries) return false;
  Word* frame = thread.has_begun ? find_boundary(thread.pc, thread.frame(), unwinding_) : nullptr;
  const size_t slot = frame == nullptr ? 0 : static_cast<size_t>(frame - thread.base());
  // If a clean-up fails, its error is reported after the one that it was cleaning up for.
  while (!thread.pending.empty() && thread.pending.back().frame > slot) {
    const RunError& cut = thread.pending.back().unwinding.error;
    unwinding_.error.lines.insert(unwinding_.error.lines.begin(), cut.lines.begin(), cut.lines.end());
    thread.pending.pop_back();
  }
  discard_scopes(thread, slot);
  if (frame == nullptr) return false;
  // The clean-up may use natives.
  if (unwinding_.error.interrupted) heed_interrupt(false);
  thread.stack->lower_watermark(frame);
  const Code& code = code_of_frame(frame);
  thread.pending.push_back({slot, std::exchange(unwinding_, {})});
  carrier.pc = code.start + code.boundary->landing_pad;
  carrier.fp = frame;
  carrier.allow_stack(frame + code.frame_slots);
  return true;
}

Unwinding Scheduler::take_pending(Carrier& carrier) {
  Unwinding unwinding = std::move(carrier.current->pending.back().unwinding);
  carrier.current->pending.pop_back();
  return unwinding;
}

Word Scheduler::unwind_again(Carrier& carrier, const Scope* scope) {
  unwinding_ = take_pending(carrier);
  carrier.note_stop();
  if (unwinding_.reason != UnwindReason::kScopeFailed || unwinding_.scope != scope) return 0;
  // The error has arrived: from here on it is this thread's.
  RunError error = scope->error;
  const std::vector<ErrorLine> here = innermost_lines(carrier.pc, carrier.fp, kOwnerLines);
  error.lines.insert(error.lines.end(), here.begin(), here.end());
  unwinding_ = {.reason = UnwindReason::kError, .scope = nullptr, .error = std::move(error)};
  return 0;
}

// ---- scopes -----------------------------------------------------------------

void Scheduler::open(Carrier& carrier, Scope& scope) {
  VirtualThread& thread = *carrier.current;
  scope.owner = &thread;
  scope.frame = static_cast<size_t>(caller_of(carrier.fp) - thread.base());
  scope.outer = thread.innermost;
  scope.depth = scope.outer == nullptr ? 0 : scope.outer->depth + 1;
  thread.innermost = &scope;
}

std::optional<Word> Scheduler::close(Carrier& carrier, Scope& scope, bool is_abandoned) {
  VirtualThread& thread = *carrier.current;
  if (is_abandoned) {
    for (VirtualThread* each = scope.youngest; each != nullptr; each = each->older) stop(*each);
  }
  if (scope.count != 0) return park(carrier, scope.waiting, Wait::kScope);
  if (scope.has_failed && !is_abandoned) {
    // The error of an outer scope that has failed, too, comes first, unless a shield holds it off.
    if (!must_unwind(carrier)) {
      unwinding_ = {.reason = UnwindReason::kScopeFailed, .scope = &scope, .error = {}};
      carrier.note_stop();
    }
    return 0;
  }
  // The owner's own error came first and has ended the body, so the thread's error is not raised any more.
  if (thread.failed_scope == &scope) thread.failed_scope = nullptr;
  scope.owner = nullptr;
  thread.innermost = scope.outer;
  return std::nullopt;
}

/// Stops the other threads of the scope, one of which has failed, and passes the error to the owner.
void Scheduler::fail(Scope& scope, const VirtualThread& thread, RunError error) {
  if (scope.has_failed) return;
  scope.has_failed = true;
  if (thread.runs != nullptr) error.lines.push_back({thread.runs->loc, thread.runs->block.str(), "run by a thread"});
  scope.error = std::move(error);
  for (VirtualThread* each = scope.youngest; each != nullptr; each = each->older) {
    if (each != &thread) stop(*each);
  }
  VirtualThread& owner = *scope.owner;
  if (owner.failed_scope == nullptr || owner.failed_scope->depth > scope.depth) owner.failed_scope = &scope;
  interrupt_wait(owner);
}

/// Ends the current thread and wakes the threads that wait for it. Afterwards no thread has the turn.
void Scheduler::end_current(Carrier& carrier) {
  VirtualThread& thread = *carrier.current;
  Scope& scope = *thread.scope;
  const bool is_done = carrier.value != 0;
  Unwinding unwinding;
  if (!is_done) unwinding = std::exchange(unwinding_, {});
  const bool is_failed = !is_done && unwinding.reason == UnwindReason::kError;
  if (Task* task = thread.task; task != nullptr) {
    task->thread = nullptr;
    task->outcome = is_done ? TaskOutcome::kDone : is_failed ? TaskOutcome::kFailed : TaskOutcome::kStopped;
    task->value = carrier.value;
    if (is_failed) task->failure = unwinding.error.first_line();
    if (is_pointer(task->value)) machine_.heap.note_written(*task);
    wake_all(task->waiting);
  }
  carrier.value = 0;
  carrier.fp = nullptr;
  (thread.younger != nullptr ? thread.younger->older : scope.youngest) = thread.older;
  if (thread.older != nullptr) thread.older->younger = thread.younger;
  if (is_failed) fail(scope, thread, std::move(unwinding.error));
  if (--scope.count == 0) wake_all(scope.waiting);
  if (machine_.steps != nullptr) machine_.steps->end_thread(thread.id);
  log(thread, is_done ? "ends" : is_failed ? "fails" : "is stopped");
  release_stack(thread);
  carrier.current = &main_;
  holder_ = nullptr;
  free_thread(thread);
}

/// Discards the scopes whose frames of Within are above the slot, and ends their threads without running them. An error
/// in Within's own wait has cut these frames off.
void Scheduler::discard_scopes(VirtualThread& thread, size_t frame) {
  for (; thread.innermost != nullptr && thread.innermost->frame > frame; thread.innermost = thread.innermost->outer) {
    Scope& scope = *thread.innermost;
    if (thread.failed_scope == &scope) thread.failed_scope = nullptr;
    scope.owner = nullptr;
    while (VirtualThread* each = scope.youngest) {
      scope.youngest = each->older;
      discard_scopes(*each, 0);
      withdraw(*each);
      drop_unfinished(*each);
      if (each->task != nullptr) {
        each->task->thread = nullptr;
        each->task->outcome = TaskOutcome::kStopped;
        wake_all(each->task->waiting);
      }
      release_stack(*each);
      free_thread(*each);
    }
    scope.count = 0;
  }
}

std::string Scheduler::all_threads_text(const Carrier* carrier) const {
  std::vector<ThreadView> views;
  const auto add = [&](const VirtualThread& thread) {
    const bool runs = carrier != nullptr && carrier->current == &thread;
    const bool is_ready = thread.list == &ready_ || &thread == holder_;
    views.push_back({.thread = &thread,
                     .state = runs       ? "runs"
                              : is_ready ? "is ready"
                                         : nullptr,
                     .pc = runs ? carrier->pc : thread.pc,
                     .fp = runs ? carrier->fp : thread.frame()});
  };
  add(main_);
  for (const VirtualThread* thread = oldest_; thread != nullptr; thread = thread->started_after) add(*thread);
  return threads_text(views);
}

void Scheduler::print_threads(const Carrier* carrier) const {
  log_text(fmt::format("[threads: {}]\n{}", live_ + 1, all_threads_text(carrier)));
}

/// Returns the message of a deadlock: how many threads wait for what.
std::string Scheduler::deadlock_text() const {
  std::array<size_t, kWaits> counts{};
  ++counts[static_cast<size_t>(main_.wait)];
  for (const VirtualThread* thread = oldest_; thread != nullptr; thread = thread->started_after) {
    ++counts[static_cast<size_t>(thread->wait)];
  }
  if (live_ == 0) return fmt::format("deadlock: the only thread waits {}", wait_text(main_.wait));
  std::string text = "deadlock: all threads wait";
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) text += fmt::format(", {} {}", counts[i], wait_text(static_cast<Wait>(i)));
  }
  return text;
}

// ---- collections ------------------------------------------------------------

void Scheduler::visit_groups(Collector& collector) {
  for (VirtualThread* thread : with_groups_) thread->groups->visit(collector);
}

void Scheduler::visit_dirty(Collector& collector, const VirtualThread* running) {
  for (VirtualThread* thread : dirty_) {
    if (thread == running) continue;
    ++stats_.visited;
    if (thread->value != 0) collector.visit(thread->value);
    if (thread->stack != nullptr) {
      thread->stack->visit_new_frames(machine_.frames, collector, thread->pc, thread->frame());
      continue;
    }
    Word* const base = thread->base();
    Word* const clean = thread->clean_fp == 0 ? nullptr : base + thread->clean_fp;
    machine_.frames.visit_new(collector, thread->pc, thread->frame(), thread->used - thread->fp, clean);
    // The frames above clean_fp have just been visited, so the marker need not visit them again.
    thread->unmarked_fp = std::min(thread->unmarked_fp, thread->clean_fp);
  }
  dirty_are_old(running);
}

void Scheduler::dirty_are_old(const VirtualThread* running) {
  for (VirtualThread* thread : dirty_) {
    thread->dirty_place = 0;
    if (thread->stack == nullptr) {
      thread->clean_fp = thread->fp;
    } else if (thread != running) {
      thread->stack->frames_are_old(thread->frame());
    }
  }
  dirty_.clear();
}

void Scheduler::begin_marking(VirtualThread* running) {
  ++marking_cycle_;
  marking_at_ = oldest_;
  most_live_ = live_;
  if (running != nullptr) running->marked_cycle = marking_cycle_;
}

bool Scheduler::has_lost_many() const { return most_live_ >= kManyThreads && live_ < most_live_ / kFewLeftOneIn; }

/// Returns whether there are other threads, or memory of ended ones that has not been freed.
bool Scheduler::has_others() const { return !is_alone() || machine_.heap.is_tidying() || has_lost_many(); }

bool Scheduler::is_marking_begun(VirtualThread& thread) {
  return std::exchange(thread.marked_cycle, marking_cycle_) == marking_cycle_;
}

bool Scheduler::mark_frames(Collector& collector, size_t& count, const VirtualThread* running) {
  const auto mark = [&](VirtualThread& thread) {
    if (&thread == running) return true;
    const bool has_begun = is_marking_begun(thread);
    if (!has_begun && thread.value != 0) collector.visit(thread.value);
    if (thread.stack != nullptr) {
      if (!has_begun) thread.stack->begin_marking(machine_.frames, collector, thread.pc, thread.frame());
      return thread.stack->mark_frames(machine_.frames, collector, count);
    }
    if (!has_begun) {
      machine_.frames.visit_running(collector, thread.pc, thread.frame(), thread.used - thread.fp);
      thread.unmarked_fp = thread.fp;
    }
    if (thread.unmarked_fp == 0) return true;
    Word* const base = thread.base();
    Word* const reached = machine_.frames.visit_callers(collector, base + thread.unmarked_fp, nullptr, count);
    thread.unmarked_fp = return_position(reached) == nullptr ? 0 : static_cast<size_t>(reached - base);
    return thread.unmarked_fp == 0;
  };
  if (is_running_ && !mark(main_)) return false;
  for (; marking_at_ != nullptr; marking_at_ = marking_at_->started_after) {
    if (count == 0 || !mark(*marking_at_)) return false;
    // A thread counts as a frame even if it has no callers, which bounds the step.
    if (count != 0) --count;
  }
  return true;
}

}  // namespace fble
