// The call stack of one thread of execution: its memory, its limits, its watermark, and how
// collections visit its frames (interp/call_frame.h).
//
// Watermark. After a collection all frames hold old pointers only, and frames
// that do not run do not change. The native return address of one frame is
// replaced by a barrier: frames below it are clean and a minor collection does
// not visit them. A return through the barrier moves it down.
//
// Tested by tests/unit/interp/interpreter_test.cc, tests/unit/interp/scheduler_test.cc, tests/unit/deopt/exit_test.cc
// and tests/lang with gc-stress.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gc/heap.h"
#include "gc/mapping.h"
#include "interp/call_frame.h"

namespace fble {

/// The room above the limit: small frames of glue and deoptimisation need no check.
inline constexpr size_t kGuardSlots = 256;

/// The border of clean frames: `fp` is the topmost clean frame, null if none is. Its return address is the barrier,
/// and `return_address` is the one that the barrier has replaced.
struct Watermark {
  Word* fp = nullptr;
  Handler return_address = nullptr;
};

/// Visits frames for the collector, wherever they are.
class FrameVisitor {
 public:
  /// With `poison`, it overwrites dead slots.
  explicit FrameVisitor(bool poison) : poison_(poison) {}

  /// Visits the running frame, whose position is `pc`. `slots`: the slots of it that have memory.
  void visit_running(Collector& collector, const uint32_t* pc, Word* fp, size_t slots);
  /// Visits at most `count` callers of a frame, down to `last` or the bottom of the stack, and subtracts their number
  /// from `count`. Returns the lowest frame visited.
  Word* visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count);
  /// Visits the running frame and its callers down to `last`, which is null for all.
  void visit_new(Collector& collector, const uint32_t* pc, Word* fp, size_t slots, const Word* last) {
    visit_running(collector, pc, fp, slots);
    size_t unlimited = SIZE_MAX;
    visit_callers(collector, fp, last, unlimited);
  }

 private:
  const std::vector<int>& waiting_slots(Word* frame, const uint32_t* position);

  const bool poison_;
  /// The latest results of waiting_slots, by position.
  struct WaitingSlots {
    const uint32_t* position = nullptr;
    std::vector<int> slots;
  };
  std::array<WaitingSlots, 64> waiting_slots_;
  WaitingSlots many_waiting_slots_;  ///< a list that is too long for those
};

struct VirtualThread;

/// Without frames, it has no watermark.
class CallStack {
 public:
  /// Requires: the mapping is not null.
  explicit CallStack(Mapping memory);
  CallStack(const CallStack&) = delete;

  VirtualThread* owner = nullptr;  ///< whose frames are here, if any are
  uint64_t used_at = 0;            ///< when the owner ran last, by the scheduler's count

  Word* base() const { return static_cast<Word*>(memory_.begin()); }
  /// Returns the end of the memory that checked frames may use. Glue and deoptimisation need no check: kGuardSlots
  /// follow.
  Word* limit() const { return limit_; }
  /// Returns the place that the stack may reach before a collection moves the watermark up: no collection visits more
  /// than a step of it.
  Word* soft_limit() const { return soft_limit_; }
  /// Sets the soft limit a step above `top`.
  void allow(const Word* top);

  /// Returns the bytes in use below the running frame `fp`; 0 if that is null.
  size_t used_bytes(const Word* fp) const {
    return fp == nullptr ? 0 : static_cast<size_t>(fp - base()) * sizeof(Word);
  }

  const Watermark& watermark() const { return watermark_; }
  /// Replaces the record of the watermark; frames stay as they are (deopt/shadow_check.h).
  void restore_watermark(const Watermark& watermark) { watermark_ = watermark; }
  /// Moves the watermark to the frame, or removes it if that is the outermost one.
  void move_watermark(Word* frame);
  /// Moves the watermark down to the frame if it is above: its callers stay clean.
  void lower_watermark(Word* frame);
  /// Moves the watermark down by some frames, since its frame returns. Returns that frame's own return address.
  Handler return_through_watermark();
  /// Makes the frame at the watermark return to `address`.
  void redirect_watermark(Handler address) { watermark_.return_address = address; }

  /// Visits the running frame, whose position is `pc`, and its callers down to the watermark.
  void visit_new_frames(FrameVisitor& frames, Collector& collector, const uint32_t* pc, Word* fp);
  /// Called when all frames hold old pointers only: moves the watermark up to the running frame, and returns pages to
  /// the OS.
  void frames_are_old(Word* fp);
  /// Begins marking in steps: visits the running frame.
  void begin_marking(FrameVisitor& frames, Collector& collector, const uint32_t* pc, Word* fp);
  /// Visits at most `count` more callers, and subtracts their number. Returns whether all have been visited.
  bool mark_frames(FrameVisitor& frames, Collector& collector, size_t& count);
  /// Takes the watermark out of the frames, and what marking has to visit yet: the slots of both frames; 0 for none.
  std::pair<size_t, size_t> take_places();
  /// Puts back what take_places has taken.
  void put_places(std::pair<size_t, size_t> places);
  /// Forgets all frames, at the end of a run.
  void clear() { watermark_.fp = unmarked_fp_ = nullptr; }
  /// Does the same when the owner leaves, and returns to the OS what a deep stack has used.
  void vacate();

 private:
  void release_unused(const Word* fp);
  void dump_up_to(const Word* end);

  Mapping memory_;
  Word* limit_;
  Word* soft_limit_ = nullptr;
  Word* high_water_;              ///< pages from here on have been released or never used
  char* dumped_end_;              ///< what follows is in no core file
  Word* released_end_ = nullptr;  ///< the end of all stack that was ever returned to the OS
  size_t wanted_slots_ = 0;       ///< stack depth reached again after its pages were released; kept from then on
  Watermark watermark_;
  Word* unmarked_fp_ = nullptr;  ///< during marking: the topmost frame whose callers are not marked yet
};

}  // namespace fble
