#include "interp/thread.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "interp/engine_hooks.h"
#include "interp/foreign.h"
#include "interp/interpreter.h"
#include "interp/liveness.h"
#include "interp/profile.h"

namespace fble {

namespace {

/// Room above the stack limit: small frames of glue and deoptimisation need no check.
constexpr size_t kGuardSlots = 256;

/// The stack grows by so much between collections.
constexpr size_t kStackStepSlots = 128 * 1024;

/// So much unused stack is kept, and so much is given back in one collection, if anything.
constexpr size_t kKeptStackBytes = size_t{8} << 20;
constexpr size_t kFewestGivenBackBytes = size_t{64} << 10;
constexpr size_t kMostGivenBackBytes = size_t{4} << 20;
/// Of what is kept because it was wanted again, a part is forgotten at each collection while little of it is in use.
constexpr size_t kForgetStackPart = 65536;

/// Frames that are visited slot by slot, so many at most that they stay in the cache.
constexpr size_t kMostInColumn = 256;

std::atomic<bool> interrupt_pending{false};

/// Makes reads of slots that liveness calls dead noticeable.
void spoil_dead_slots(Word* frame, size_t end, const std::vector<uint32_t>& live) {
  auto next = live.begin();
  for (size_t slot = 0; slot < end; ++slot) {
    if (next != live.end() && *next == slot) {
      ++next;
    } else {
      frame[slot] = 0xdeaddeaddeadde00;
    }
  }
}

}  // namespace

Thread::Thread(ProgramCode& program_code, const NativeTable& native_table, const MachineOptions& options)
    : heap(options.heap), profile(options.profile), program(program_code), natives(native_table) {
  program_globals.words.resize(program.global_count);
  mark_passes.resize(program.marks.size());
  globals = program_globals.words.data();
  size_t bytes = options.stack_bytes;
  if (options.heap.max_bytes != 0) bytes = std::min(bytes, options.heap.max_bytes + kGuardSlots * sizeof(Word));
  bytes = std::max<size_t>(bytes, 64 * 1024);
  // The native stack grows down from below the call stack. Each call takes three words of the one
  // at least, and one of the other.
  constexpr size_t kNativeRoom = size_t{8} << 20;
  stacks = MAP_FAILED;
  for (; bytes >= 64 * 1024; bytes /= 2) {
    const size_t native_bytes = (bytes / 3 + kNativeRoom) / 4096 * 4096;
    stacks_bytes = native_bytes + bytes;
    stacks = mmap(nullptr, stacks_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) continue;
    native_stack_begin = static_cast<char*>(stacks) + native_bytes;
    break;
  }
  if (stacks == MAP_FAILED) throw std::runtime_error("cannot reserve memory for the call stack");
  stack_base = static_cast<Word*>(native_stack_begin);
  real_stack_limit = stack_base + bytes / sizeof(Word) - kGuardSlots;
  stack_high_water = stack_base;
  ap = heap.nursery_start();
  raise_soft_stack_limit(stack_base);
  find_int_form();
  if (profile != nullptr) {
    for (Code& code : program.codes) code.entry = entry_by_table();
  }
}

Thread::~Thread() {
  if (stack_base != nullptr) munmap(stacks, stacks_bytes);
}

void Thread::raise_soft_stack_limit(const Word* top) {
  const size_t room = static_cast<size_t>(real_stack_limit - top);
  soft_stack_limit = stack_base + (top - stack_base) + std::min(room, kStackStepSlots);
  restore_limits();
}

void Thread::request(Attention reason) {
  if (reason == Attention::kInterrupt) {
    interrupt_pending.store(true);
    attention.store(static_cast<int>(reason));
  } else {
    // Nothing that has been asked for is forgotten.
    int none = 0;
    attention.compare_exchange_strong(none, static_cast<int>(reason));
  }
  // Plain stores of a word; the running code compares with them at its next poll.
  *const_cast<Word* volatile*>(&alloc_limit) = nullptr;
  *const_cast<Word* volatile*>(&stack_limit) = nullptr;
  *const_cast<Word* volatile*>(&machine_stack_limit) = nullptr;
}

size_t Thread::stack_bytes() const { return fp == nullptr ? 0 : static_cast<size_t>(fp - stack_base) * sizeof(Word); }

void Thread::report_roots(Collector& collector, bool minor) {
  if (minor) {
    for (uint32_t index : program_globals.dirty) collector.visit(globals[index]);
  } else {
    for (Word& word : program_globals.words) {
      if (word != 0) collector.visit(word);  // 0: not yet defined
    }
  }
  program_globals.dirty.clear();
  collector.visit_range(kept.data(), kept.size());
  collector.visit_range(exit_roots.data(), exit_roots.size());
  for (std::vector<Word>* words : more_roots) collector.visit_range(words->data(), words->size());
  if (value != 0) collector.visit(value);
  groups.visit(collector);
  if (!minor || fp == nullptr) return;

  // The running frame and those above the watermark.
  visit_running_frame(collector);
  size_t unlimited = SIZE_MAX;
  visit_callers(collector, fp, watermark_fp, unlimited);
  // If frames have returned to below what was left to mark, they were visited just now.
  if (unmarked_fp != nullptr) unmarked_fp = std::min(unmarked_fp, watermark_fp == nullptr ? stack_base : watermark_fp);
  roots_are_old();
}

/// Moves the watermark up to the running frame.
void Thread::roots_are_old() {
  if (fp == nullptr) return;
  if (watermark_fp != nullptr) {
    watermark_fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_return_address);
    watermark_fp = nullptr;
  }
  if (return_position(fp) != nullptr) {
    watermark_fp = fp;
    watermark_return_address = reinterpret_cast<Handler>(fp[kReturnAddressSlot]);
    fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_return());
  }
  give_back_stack();
  raise_soft_stack_limit(fp);
}

/// The slots of a frame that waits at a position and hold values: those that are live, but for the one that the
/// result goes to.
const std::vector<int>& Thread::waiting_slots(Word* frame, const uint32_t* position) {
  WaitingSlots& known =
      waiting_slots_[reinterpret_cast<uintptr_t>(position) / sizeof(uint32_t) % waiting_slots_.size()];
  if (known.position != position) {
    known.position = position;
    known.slots.clear();
    const int result = static_cast<int>(result_slot(position));
    for (uint32_t slot : live_slots(code_of_frame(frame), position)) {
      if (static_cast<int>(slot) != result) known.slots.push_back(static_cast<int>(slot));
    }
  }
  return known.slots;
}

void Thread::visit_running_frame(Collector& collector) {
  const std::vector<uint32_t>& live = live_slots(code_of_frame(fp), pc);
  if (heap.options().verify) spoil_dead_slots(fp, code_of_frame(fp).frame_slots, live);
  for (uint32_t slot : live) collector.visit(fp[slot]);
  collector.visit(fp[kClosureSlot]);
}

/// Visits the callers of a frame, down to `last` or the bottom of the stack, but up to `count` only, from which it
/// subtracts them. Returns the lowest frame visited.
Word* Thread::visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count) {
  while (count > 0 && frame != last) {
    const uint32_t* const position = return_position(frame);
    if (position == nullptr) break;
    // In a recursion frames that wait at the same position lie side by side: a column of them is visited slot by slot.
    const ptrdiff_t distance = static_cast<ptrdiff_t>(frame_distance(position));
    const Word* const furthest =
        std::max<const Word*>(last, frame - distance * static_cast<ptrdiff_t>(std::min(count, kMostInColumn)));
    Word& closure = frame[kClosureSlot - distance];
    Word differences = 0;
    Word* end = frame;
    do {
      end -= distance;
      differences |= end[kClosureSlot] ^ closure;
    } while (end > furthest && return_position(end) == position);
    count -= static_cast<size_t>((frame - end) / distance);
    if (heap.options().verify) {
      for (Word* at = frame; at != end;) {
        at -= distance;
        spoil_dead_slots(at, frame_distance(position) - kHeaderSlots, live_slots(code_of_frame(at), position));
      }
    }
    auto visit_column = [&](int slot) {
      Word known = 0;  // what was visited is not visited again at once
      for (Word *at = frame + slot, *const top = end + slot; at != top;) {
        at -= distance;
        if (!is_pointer(*at) || *at == known) continue;
        collector.visit(*at);
        known = *at;
      }
    };
    for (const int slot : waiting_slots(frame - distance, position)) visit_column(slot);
    const Word common = closure;
    collector.visit(closure);
    if (differences != 0 || closure != common) visit_column(kClosureSlot);
    frame = end;
  }
  return frame;
}

void Thread::begin_frames(Collector& collector) {
  unmarked_fp = fp;
  if (fp != nullptr) visit_running_frame(collector);
}

bool Thread::report_frames(Collector& collector, size_t count) {
  // The callers of unmarked_fp are below the watermark: they hold old pointers
  // only and wait for a result.
  if (unmarked_fp != nullptr && unmarked_fp > stack_base) {
    unmarked_fp = visit_callers(collector, unmarked_fp, stack_base, count);
    if (count == 0 && unmarked_fp > stack_base && return_position(unmarked_fp) != nullptr) return false;
  }
  unmarked_fp = nullptr;
  return true;
}

/// Gives back the pages of a recursion that has ended, from its end. A part of
/// them in one collection: freeing a page takes its time, and the next recursion
/// may be as deep. When one has been, what it used is kept for as long as that goes on.
void Thread::give_back_stack() {
  Word* const top = fp + code_of_frame(fp).frame_slots;
  const size_t used = static_cast<size_t>(top - stack_base);
  if (top > stack_high_water) {
    if (stack_high_water < stack_given_back_end) wanted_stack_slots = std::max(wanted_stack_slots, used);
    stack_high_water = top;
  } else if (used < wanted_stack_slots / 2) {
    wanted_stack_slots -= wanted_stack_slots / kForgetStackPart;
  }
  const Word* const kept_end = stack_base + std::max(used + kKeptStackBytes / sizeof(Word), wanted_stack_slots);
  if (stack_high_water <= kept_end) return;
  const size_t unused = static_cast<size_t>(stack_high_water - kept_end) * sizeof(Word);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = std::min(unused / 16, kMostGivenBackBytes) / page * page;
  if (bytes < kFewestGivenBackBytes) return;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(stack_high_water) + page - 1) / page * page;
  madvise(reinterpret_cast<void*>(end - bytes), bytes, MADV_DONTNEED);
  stack_given_back_end = std::max(stack_given_back_end, reinterpret_cast<Word*>(end));
  stack_high_water = reinterpret_cast<Word*>(end - bytes);
}

bool Thread::make_room(size_t words) {
  if (no_collections) return false;
  Word* room = heap.make_room(ap, words, *this);
  ap = room != nullptr ? room : heap.nursery_start();
  restore_limits();
  if (room == nullptr) raise_out_of_memory("out of memory: the heap has reached its limit");
  return room != nullptr;
}

void Thread::set_global(uint32_t index, Word word) {
  globals[index] = word;
  program_globals.note_written(index);
  if (is_placeholder(word)) groups.note_global(index);
}

bool Thread::run(Word func, std::span<const Word> args) {
  Code* code = glue.run(static_cast<uint32_t>(args.size()));
  fp = stack_base + kHeaderSlots;
  fp[kClosureSlot] = code->function_value();
  fp[kReturnPositionSlot] = 0;
  fp[kReturnAddressSlot] = 0;
  fp[0] = func;
  std::copy(args.begin(), args.end(), fp + 1);
  groups.clear();
  value = 0;
  error = RunError{};
  raise_soft_stack_limit(stack_base);
  if (profile != nullptr) profile->begin_run();
  enter_interpreter(*this, code->start, fp);
  if (engine != nullptr) engine->on_run_end(*this);
  fp = watermark_fp = unmarked_fp = nullptr;
  return value != 0;
}

// ---- errors -----------------------------------------------------------------

void Thread::raise(const std::string& message) { raise_with(nullptr, message); }
void Thread::raise_at(const Loc& loc, const std::string& message) { raise_with(&loc, message); }
void Thread::raise_out_of_memory(const char* what) {
  raise(what);
  error.out_of_memory = true;
}

void Thread::raise_interrupted() {
  interrupt_pending.store(false);
  raise("interrupted");
  error.interrupted = true;
}

void Thread::raise_with(const Loc* loc, const std::string& message) {
  error = make_error(pc, fp, loc, message);
  value = 0;
}

bool interrupt_requested() { return interrupt_pending.load(std::memory_order_relaxed); }

/// Only a library with machine integers declares the natives that compute with them.
void Thread::find_int_form() {
  for (const Code& code : program.codes) {
    for (const ForeignRef& ref : code.foreigns) {
      const NativeRow* row = natives.find(ref.module, ref.name);
      if (row != nullptr && row->intrinsic != Intrinsic::kNone) int_form = IntForm::kMachine;
    }
  }
}

}  // namespace fble
