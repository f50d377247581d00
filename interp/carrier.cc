#include "interp/carrier.h"

#include <algorithm>

#include "interp/allocation_sampler.h"
#include "interp/engine_hooks.h"
#include "interp/foreign.h"
#include "interp/interpreter.h"
#include "interp/step_observer.h"
#include "interp/whereabouts.h"

namespace fble {

Carrier::Carrier(MachineState& state, Mapping native_memory)
    : globals(state.globals.words.data()),
      ap(state.heap.nursery_start()),
      machine(state),
      current(&state.main),
      native_memory_(std::move(native_memory)) {
  restore_limits();
}

void Carrier::request_all(uint32_t reasons) {
  attention.fetch_or(reasons);
  if ((reasons & bit(Attention::kInterrupt)) != 0) interrupt_pending.store(true);
  // Plain stores of a word; the running code compares with them at its next poll.
  *const_cast<Word* volatile*>(&alloc_limit) = nullptr;
  *const_cast<Word* volatile*>(&stack_limit) = nullptr;
  *const_cast<Word* volatile*>(&machine_stack_limit) = nullptr;
}

/// For --threads-yield: sets the limits a random distance from what is in use, so that yield points are taken there.
void Carrier::shorten_limits() {
  const auto shorten = [&](Word*& limit, Word* used) {
    if (limit != nullptr) limit = std::min(limit, used + machine.scheduler.random_distance(machine.yield_distance));
  };
  shorten(alloc_limit, ap);
  if (fp == nullptr) return;
  shorten(stack_limit, fp + code_of_frame(fp).frame_slots);
  if (machine_stack_limit != nullptr) machine_stack_limit = std::min(machine_stack_limit, stack_limit);
}

void Carrier::lower_limit_for_sample() { alloc_limit = std::min(alloc_limit, machine.allocations->limit()); }

void Carrier::sample_allocation(size_t words) {
  machine.allocations->note(ap, words);
  restore_limits();
}

template <typename Collect>
Word* Carrier::collect_by(Collect&& collect) {
  AllocationSampler* const allocations = machine.allocations;
  if (allocations != nullptr) allocations->leave_nursery(ap);
  Word* const room = collect(ap);
  ap = room != nullptr ? room : machine.heap.nursery_start();
  if (allocations != nullptr) allocations->enter_nursery(ap);
  return room;
}

size_t Carrier::stack_bytes() const {
  return (fp == nullptr ? 0 : current->stack->used_bytes(fp)) + machine.scheduler.waiting_bytes(running());
}
bool Carrier::has_lost_much() const { return machine.scheduler.has_lost_many(); }
size_t Carrier::table_bytes() const { return machine.program.liveness_bytes; }

void Carrier::report_roots(Collector& collector, bool minor) {
  machine.visit_roots(collector);
  collector.visit_range(exit_roots.data(), exit_roots.size());
  if (value != 0) collector.visit(value);
  groups.visit(collector);
  machine.scheduler.visit_groups(collector);
  if (!minor) return;
  if (fp != nullptr) current->stack->visit_new_frames(machine.frames, collector, pc, fp);
  machine.scheduler.visit_dirty(collector, running());
  frames_are_old();
}

void Carrier::roots_are_old() {
  machine.scheduler.dirty_are_old(running());
  frames_are_old();
}

void Carrier::frames_are_old() {
  if (fp == nullptr) return;
  current->stack->frames_are_old(fp);
  restore_limits();
}

void Carrier::begin_frames(Collector& collector) {
  machine.begin_globals();
  machine.scheduler.begin_marking(running());
  if (fp != nullptr) current->stack->begin_marking(machine.frames, collector, pc, fp);
}

bool Carrier::report_frames(Collector& collector, size_t count) {
  if (!machine.mark_globals(collector, count)) return false;
  if (fp != nullptr) {
    if (!machine.scheduler.is_marking_begun(*current)) {
      current->stack->begin_marking(machine.frames, collector, pc, fp);
    }
    if (!current->stack->mark_frames(machine.frames, collector, count)) return false;
  }
  return machine.scheduler.mark_frames(collector, count, running());
}

bool Carrier::tidy_up() {
  if (!machine.heap.is_tidying() && !has_lost_much()) return false;
  collect_by([this](Word* from) { return machine.heap.tidy_up(from, *this); });
  return true;
}

bool Carrier::make_room(size_t words) {
  if (stepped.no_collections) return false;
  const Word* const room = collect_by([&](Word* from) { return machine.heap.make_room(from, words, *this); });
  restore_limits();
  if (room == nullptr) raise_out_of_memory(kHeapIsFull);
  return room != nullptr;
}

void Carrier::collect_while_none_runs() {
  // If memory has run out, the next allocation finds out.
  collect_by([this](Word* from) { return machine.heap.make_room(from, 0, *this); });
}

void Carrier::collect_all() {
  collect_by([this](Word* from) { return machine.heap.collect_all(from, *this); });
  restore_limits();
}

void Carrier::set_global(uint32_t index, Word word) {
  globals[index] = word;
  machine.globals.note_written(index);
  if (is_placeholder(word)) groups.note_global(index);
}

bool Carrier::run(Word func, std::span<const Word> args) {
  Code* code = machine.glue.run(static_cast<uint32_t>(args.size()));
  note_running_frames(current->stack, nullptr);
  machine_call.address.store(nullptr, std::memory_order_relaxed);
  fp = current->stack->base() + kHeaderSlots;
  fp[kClosureSlot] = code->function_value();
  fp[kReturnPositionSlot] = 0;
  fp[kReturnAddressSlot] = 0;
  fp[0] = func;
  std::copy(args.begin(), args.end(), fp + 1);
  groups.clear();
  value = 0;
  error = RunError{};
  // What has ended the last run is over; what came since then is attended to.
  if (!is_asked(Attention::kInterrupt)) heed_interrupt(false);
  machine.scheduler.begin_run();
  allow_stack(current->stack->base());
  if (machine.steps != nullptr) machine.steps->begin_run();
  enter_interpreter(*this, code->start, fp);
  while (machine.scheduler.continue_run(*this)) resume_interpreter(*this);
  if (machine.engine != nullptr) machine.engine->on_run_end(*this);
  fp = nullptr;
  current->stack->clear();
  return value != 0;
}

// ---- errors -----------------------------------------------------------------

void Carrier::raise(const std::string& message) { raise_with(nullptr, message); }
void Carrier::raise_at(const Loc& loc, const std::string& message) { raise_with(&loc, message); }
void Carrier::raise_out_of_memory(const char* what) {
  raise(what);
  error.out_of_memory = true;
}

void Carrier::raise_interrupted() {
  raise("interrupted");
  error.interrupted = true;
}

void Carrier::raise_with(const Loc* loc, const std::string& message) {
  error = make_error(pc, fp, loc, message);
  note_stop();
}

void heed_interrupt(bool requested) { interrupt_pending.store(requested); }

}  // namespace fble
