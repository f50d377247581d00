#include "interp/call_stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "interp/interpreter.h"
#include "interp/liveness.h"
#include "interp/whereabouts.h"

namespace fble {

namespace {

/// The growth of the stack after which a collection moves the watermark up.
constexpr size_t kStackStepSlots = 128 * 1024;

/// The memory that core files contain from the beginning.
constexpr size_t kFirstDumpedBytes = 2 * kStackStepSlots * sizeof(Word);

/// The unused stack that is kept, and the amount that one collection returns to the OS, if any.
constexpr size_t kKeptStackBytes = size_t{8} << 20;
constexpr size_t kLeastReleasedBytes = size_t{64} << 10;
constexpr size_t kMostReleasedBytes = size_t{4} << 20;
/// The memory that a stack keeps when its owner leaves: more than the growth that no collection has seen.
constexpr size_t kVacantBytes = 2 * kStackStepSlots * sizeof(Word);
/// While little of the stack that is kept because it was used again is in use, each collection forgets one part in this
/// many.
constexpr size_t kForgetStackOneIn = 65536;

/// The largest number of frames that are visited together slot by slot: they stay in the cache.
constexpr size_t kMostInColumn = 256;

/// Longer lists of slots are remembered for one position only.
constexpr size_t kMostRememberedSlots = 256;

/// The number of frames by which the watermark moves down; those above its new place are visited once more.
constexpr int kFramesToUncover = 64;

/// Overwrites the slots that liveness calls dead, so that a read of one is noticed.
void poison_dead_slots(Word* frame, size_t end, const LiveSlots& live) {
  auto next = live.begin();
  for (size_t slot = 0; slot < end; ++slot) {
    if (next != live.end() && *next == slot) {
      ++next;
    } else {
      frame[slot] = kPoison;
    }
  }
}

}  // namespace

CallStack::CallStack(Mapping memory)
    : memory_(std::move(memory)),
      limit_(base() + memory_.bytes() / sizeof(Word) - kGuardSlots),
      high_water_(base()),
      dumped_end_(reinterpret_cast<char*>(base()) + std::min(memory_.bytes(), kFirstDumpedBytes)) {
  // Far more is reserved than is ever used: a core file would have all of it.
  if (dumped_end_ != memory_.end()) {
    madvise(dumped_end_, static_cast<size_t>(static_cast<char*>(memory_.end()) - dumped_end_), MADV_DONTDUMP);
  }
  allow(base());
}

/// Has core files contain the stack up to this place, or further.
void CallStack::dump_up_to(const Word* end) {
  const size_t bytes = reinterpret_cast<const char*>(end) - dumped_end_ + kStackStepSlots * sizeof(Word);
  const size_t rest = static_cast<size_t>(static_cast<char*>(memory_.end()) - dumped_end_);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t added = std::min(rest, (bytes + page - 1) / page * page);
  madvise(dumped_end_, added, MADV_DODUMP);
  dumped_end_ += added;
}

void CallStack::allow(const Word* top) {
  const size_t room = static_cast<size_t>(limit_ - top);
  soft_limit_ = base() + (top - base()) + std::min(room, kStackStepSlots);
  if (const Word* const end = soft_limit_ + kGuardSlots; reinterpret_cast<const char*>(end) > dumped_end_)
    dump_up_to(end);
}

void CallStack::move_watermark(Word* frame) {
  if (watermark_.fp != nullptr) watermark_.fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_.return_address);
  watermark_.fp = nullptr;
  if (return_position(frame) != nullptr) {
    watermark_ = {frame, reinterpret_cast<Handler>(frame[kReturnAddressSlot])};
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_return());
  }
  // Afterwards: a handler that comes in between sees either place.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  note_running_frames(this, watermark_.fp);
}

void CallStack::lower_watermark(Word* frame) {
  if (watermark_.fp != nullptr && watermark_.fp > frame) move_watermark(frame);
}

Handler CallStack::return_through_watermark() {
  const Handler real = watermark_.return_address;
  Word* frame = watermark_.fp;
  for (int i = 0; i < kFramesToUncover && return_position(frame) != nullptr; ++i) frame = caller_of(frame);
  move_watermark(frame);
  return real;
}

void CallStack::visit_new_frames(FrameVisitor& frames, Collector& collector, const uint32_t* pc, Word* fp) {
  frames.visit_new(collector, pc, fp, SIZE_MAX, watermark_.fp);
  // If frames have returned to below the rest that was to be marked, they were visited just now.
  if (unmarked_fp_ != nullptr) unmarked_fp_ = std::min(unmarked_fp_, watermark_.fp == nullptr ? base() : watermark_.fp);
}

void CallStack::frames_are_old(Word* fp) {
  move_watermark(fp);
  release_unused(fp);
  allow(fp);
}

void CallStack::begin_marking(FrameVisitor& frames, Collector& collector, const uint32_t* pc, Word* fp) {
  unmarked_fp_ = fp;
  frames.visit_running(collector, pc, fp, SIZE_MAX);
}

bool CallStack::mark_frames(FrameVisitor& frames, Collector& collector, size_t& count) {
  // The callers of unmarked_fp_ are below the watermark: they hold old pointers
  // only and wait for a result.
  if (unmarked_fp_ != nullptr && unmarked_fp_ > base()) {
    unmarked_fp_ = frames.visit_callers(collector, unmarked_fp_, base(), count);
    if (count == 0 && unmarked_fp_ > base() && return_position(unmarked_fp_) != nullptr) return false;
  }
  unmarked_fp_ = nullptr;
  return true;
}

std::pair<size_t, size_t> CallStack::take_places() {
  const auto slot_of = [&](const Word* frame) { return frame == nullptr ? 0 : static_cast<size_t>(frame - base()); };
  const std::pair<size_t, size_t> places{slot_of(watermark_.fp), slot_of(unmarked_fp_)};
  if (watermark_.fp != nullptr) watermark_.fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_.return_address);
  watermark_.fp = unmarked_fp_ = nullptr;
  note_running_frames(this, nullptr);
  return places;
}

void CallStack::put_places(std::pair<size_t, size_t> places) {
  if (places.first != 0) move_watermark(base() + places.first);
  unmarked_fp_ = places.second == 0 ? nullptr : base() + places.second;
}

void CallStack::vacate() {
  clear();
  note_running_frames(this, nullptr);
  owner = nullptr;
  const Word* const used_end = std::max<const Word*>(high_water_, soft_limit_);
  const size_t used = static_cast<size_t>(used_end - base()) * sizeof(Word);
  if (used > kVacantBytes) {
    madvise(reinterpret_cast<char*>(base()) + kVacantBytes, used - kVacantBytes, MADV_DONTNEED);
    high_water_ = base();
  }
  allow(base());
}

/// Returns the slots that hold values in a frame that waits at the position: the live ones except the result's.
const std::vector<int>& FrameVisitor::waiting_slots(Word* frame, const uint32_t* position) {
  WaitingSlots& few = waiting_slots_[reinterpret_cast<uintptr_t>(position) / sizeof(uint32_t) % waiting_slots_.size()];
  if (few.position == position) return few.slots;
  const LiveSlots live = live_slots(code_of_frame(frame), position);
  WaitingSlots& known = live.size() <= kMostRememberedSlots ? few : many_waiting_slots_;
  if (known.position == position) return known.slots;
  known.position = position;
  known.slots.clear();
  const int result = static_cast<int>(result_slot(position));
  for (uint32_t slot : live) {
    if (static_cast<int>(slot) != result) known.slots.push_back(static_cast<int>(slot));
  }
  return known.slots;
}

void FrameVisitor::visit_running(Collector& collector, const uint32_t* pc, Word* fp, size_t slots) {
  const LiveSlots live = live_slots(code_of_frame(fp), pc);
  if (poison_) poison_dead_slots(fp, std::min<size_t>(code_of_frame(fp).frame_slots, slots), live);
  for (uint32_t slot : live) collector.visit(fp[slot]);
  collector.visit(fp[kClosureSlot]);
}

Word* FrameVisitor::visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count) {
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
    if (poison_) {
      for (Word* at = frame; at != end;) {
        at -= distance;
        poison_dead_slots(at, frame_distance(position) - kHeaderSlots, live_slots(code_of_frame(at), position));
      }
    }
    auto visit_column = [&](int slot) {
      Word known = 0;  // a word equal to the last visited one is not visited again
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

/// Returns pages of a recursion that has ended to the OS, from its end. One collection releases a part of them:
/// freeing a page takes time, and the next recursion may be as deep. If one is, the pages that it used are kept for
/// as long as such recursions follow.
void CallStack::release_unused(const Word* fp) {
  const Word* const top = fp + code_of_frame(fp).frame_slots;
  const size_t used = static_cast<size_t>(top - base());
  if (top > high_water_) {
    if (high_water_ < released_end_) wanted_slots_ = std::max(wanted_slots_, used);
    high_water_ = base() + used;
  } else if (used < wanted_slots_ / 2) {
    wanted_slots_ -= wanted_slots_ / kForgetStackOneIn;
  }
  const Word* const kept_end = base() + std::max(used + kKeptStackBytes / sizeof(Word), wanted_slots_);
  if (high_water_ <= kept_end) return;
  const size_t unused = static_cast<size_t>(high_water_ - kept_end) * sizeof(Word);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = std::min(unused / 16, kMostReleasedBytes) / page * page;
  if (bytes < kLeastReleasedBytes) return;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(high_water_) + page - 1) / page * page;
  madvise(reinterpret_cast<void*>(end - bytes), bytes, MADV_DONTNEED);
  released_end_ = std::max(released_end_, reinterpret_cast<Word*>(end));
  high_water_ = reinterpret_cast<Word*>(end - bytes);
}

}  // namespace fble
