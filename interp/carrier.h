// The carrier: the record that the pinned thread register points to. It runs virtual threads, one at a time.
//
// Who owns what is in docs/threads.md. The handlers of the interpreter and machine code reach what they need through
// this record; the offsets are in interp/offsets.h. What they need all the time comes first, so that its offsets are
// short.
//
// Tested by tests/unit/interp/interpreter_test.cc.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "gc/heap.h"
#include "interp/exit_state.h"
#include "interp/machine_state.h"
#include "interp/stepped_run.h"

namespace fble {

/// Why a carrier should look up at its next yield point.
enum class Attention : uint32_t {
#define FBLE_ATTENTION(Name, doc) k##Name,
#include "interp/attention.def"
#undef FBLE_ATTENTION
};
/// Returns the set that has just this reason.
constexpr uint32_t bit(Attention reason) { return uint32_t{1} << static_cast<uint32_t>(reason); }

/// A carrier runs `current` on its native stack. Only the OS thread that runs it touches it, except in `request`.
struct Carrier final : RootReporter {
  Carrier(MachineState& state, Mapping native_memory);
  ~Carrier() override { machine.scheduler.stop_ticks(); }
  Carrier(const Carrier&) = delete;

  // Limits that checks compare with: those of the nursery and of the current thread's stack, or 0 when something
  // asks for attention.
  Word* alloc_limit = nullptr;
  Word* stack_limit = nullptr;
  Word* globals;  ///< machine.globals.words
  /// What entries of machine code compare with: stack_limit, but 0 while a group of
  /// recursive values is being defined, since machine code expects defined values.
  Word* machine_stack_limit = nullptr;
  /// The handlers in use: plain, observing, counting, recording or stepping.
  const HandlerTable* table = nullptr;
  /// Guards to pass until one is made to fail (--deopt-every).
  uint32_t exit_fuel = 0;
  /// The stack pointer of handlers during a run (interp/native_stack.h); null between runs.
  void* native_stack = nullptr;
  /// The code that the sleds of the machine's traces lead to, if there is a compiler.
  const void* exit_common = nullptr;
  ExitState exit_state;

  // The current thread's position at a yield point: valid while C++ helpers run, and between runs.
  const uint32_t* pc = nullptr;
  Word* fp = nullptr;  ///< null between runs
  Word* ap;
  Word value = 0;  ///< result of a run; 0 after an error

  MachineState& machine;
  VirtualThread* current;  ///< the thread that runs, or will with the next run

  RecursiveGroups groups;  ///< of the current thread; empty while threads switch
  RunError error;          ///< of the last run, or raised just now; no lines if there was none

  /// What virtual values are made of while a collection makes room for them (deopt/materialize.h).
  std::vector<Word> exit_roots;
  /// The reasons for attention, as bits. While there are any, the three limits are null or become so.
  std::atomic<uint32_t> attention{0};
  uint32_t put_off = 0;  ///< reasons that wait for the end of a recording or rehearsal

  SteppedRun stepped;

  /// Runs `func` on the arguments to the end, in the main thread. False after an error.
  bool run(Word func, std::span<const Word> args);

  /// Called from any OS thread or a signal handler.
  void request(Attention reason) { request_all(bit(reason)); }
  void request_all(uint32_t reasons);
  bool is_asked() const { return attention.load() != 0; }
  bool is_asked(Attention reason) const { return (attention.load() & bit(reason)) != 0; }
  /// Takes the reason out of the set. Returns whether it was there.
  bool take_request(Attention reason) { return (attention.fetch_and(~bit(reason)) & bit(reason)) != 0; }
  /// Requests again what could not be done while a trace was recorded.
  void request_what_was_put_off() {
    if (put_off != 0) request_all(std::exchange(put_off, 0));
  }

  /// Sets the limits that handlers compare with to what they are when nothing
  /// asks for attention.
  void restore_limits() {
    set_limits();
    order_limits();
    clear_limits_if_asked();
  }
  /// Does the same while no other OS thread requests anything: the barrier is the price of many a switch. A request
  /// from elsewhere that comes at this moment is seen when limits are set the next time.
  void restore_limits_unshared() {
    set_limits();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    clear_limits_if_asked();
  }
  /// Does the same where only the limits of the stack can have changed, as another thread is the current one now.
  /// Requires: nothing shortens limits, and no group is open.
  void restore_stack_limits_unshared() {
    stack_limit = machine_stack_limit = current->stack->soft_limit();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    clear_limits_if_asked();
  }
  /// Called before `words` words at ap are allocated, if they have passed alloc_limit and there is room for them.
  void note_allocation(size_t words) {
    if (machine.allocations != nullptr) sample_allocation(words);
  }
  /// Sets the limits to what a rehearsal of an exit may use: only the ends of the nursery and of the stack.
  void lift_limits() {
    alloc_limit = machine.heap.limit();
    stack_limit = machine_stack_limit = current->stack->limit();
  }
  /// For --threads-yield: raises a shortened limit, so that an instruction that has seen it comes further.
  void let_pass(Word*& limit, Word* used) {
    if (machine.yield_distance == 0 || limit == nullptr) return;
    limit = std::max(limit, used);
    order_limits();
    clear_limits_if_asked();
  }
  /// Lets the stack grow by a step beyond `top`.
  void allow_stack(const Word* top) {
    current->stack->allow(top);
    restore_limits();
  }

  void report_roots(Collector& collector, bool minor) override;
  void roots_are_old() override;
  size_t stack_bytes() const override;
  bool has_lost_much() const override;
  size_t table_bytes() const override;
  void begin_frames(Collector& collector) override;
  bool report_frames(Collector& collector, size_t count) override;

  /// Gives the current thread an error with the trace of its position; pc and fp are set.
  void raise(const std::string& message);
  void raise_at(const Loc& loc, const std::string& message);
  void raise_out_of_memory(const char* what);
  static constexpr const char* kHeapIsFull = "out of memory: the heap has reached its limit";
  void raise_interrupted();

  /// Collects so that `words` words fit at `ap`. False, with an error, if that fails.
  bool make_room(size_t words);
  /// Collects while no thread runs.
  void collect_while_none_runs();
  /// Collects all garbage.
  void collect_all();
  /// Does a part of giving memory back, while no thread runs. Returns false if there is nothing to do.
  bool tidy_up();

  /// Ends the activation: notes the position, from which the scheduler cuts off frames.
  void note_stop() {
    current->pc = pc;
    current->fp = fp == nullptr ? 0 : static_cast<size_t>(fp - current->stack->base());
    value = 0;
  }

  void set_global(uint32_t index, Word word);

  /// Where the native stack begins: it grows down from there.
  void* native_stack_begin() const { return native_memory_.end(); }

 private:
  /// An exchange is a cheaper barrier than a fence.
  void order_limits() { std::atomic_ref(stack_limit).exchange(stack_limit); }
  void set_limits() {
    alloc_limit = machine.heap.limit();
    stack_limit = current->stack->soft_limit();
    machine_stack_limit = groups.any_open() ? nullptr : stack_limit;
    if (machine.yield_distance != 0 && !machine.scheduler.is_alone()) shorten_limits();
    if (machine.allocations != nullptr) lower_limit_for_sample();
  }
  /// Called after limits have been set, and a barrier. A request that came before is not lost: either it sees the
  /// limits and clears them, or it is seen here. Within one OS thread, where signal handlers request, a barrier for the
  /// compiler is enough.
  void clear_limits_if_asked() {
    if (is_asked()) [[unlikely]] {
      alloc_limit = stack_limit = machine_stack_limit = nullptr;
    }
  }
  void shorten_limits();
  void lower_limit_for_sample();
  void sample_allocation(size_t words);
  /// Collects by `collect(ap)`, which returns where allocation continues, or null.
  template <typename Collect>
  Word* collect_by(Collect&& collect);
  /// The thread that runs: null between runs, and while all wait.
  VirtualThread* running() const { return fp != nullptr ? current : nullptr; }
  void raise_with(const Loc* loc, const std::string& message);
  void frames_are_old();

  Mapping native_memory_;
};

}  // namespace fble
