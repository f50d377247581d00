// The call stack of one thread of execution: its memory, its limits, its watermark, and how
// collections visit its frames (interp/call_frame.h).
//
// Watermark. After a collection all frames hold old pointers only, and frames
// that do not run do not change. The native return address of one frame is
// replaced by a barrier: frames below it are clean and a minor collection does
// not look at them. When the barrier is returned through, it moves down.
//
// Tested by tests/unit/interp/interpreter_test.cc, tests/unit/deopt/exit_test.cc and tests/lang with gc-stress.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "gc/heap.h"
#include "interp/call_frame.h"

namespace fble {

/// Zeroed memory of the process, reserved and not yet used. Null if the system has none.
class Mapping {
 public:
  Mapping() = default;
  explicit Mapping(size_t bytes);
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Mapping();

  void* begin() const { return begin_; }
  void* end() const { return static_cast<char*>(begin_) + bytes_; }
  size_t bytes() const { return bytes_; }

 private:
  void swap(Mapping& other) {
    std::swap(begin_, other.begin_);
    std::swap(bytes_, other.bytes_);
  }

  void* begin_ = nullptr;
  size_t bytes_ = 0;
};

/// Room above the limit: small frames of glue and deoptimisation need no check.
inline constexpr size_t kGuardSlots = 256;

/// Where frames become clean: `fp` is the topmost clean frame, null if none is. Its return address is the barrier, and
/// `return_address` is the one that the barrier has replaced.
struct Watermark {
  Word* fp = nullptr;
  Handler return_address = nullptr;
};

/// Between runs it has no frames, hence no watermark.
class CallStack {
 public:
  /// Requires: the mapping is not null. With `poison`, collections overwrite dead slots.
  CallStack(Mapping memory, bool poison);
  CallStack(const CallStack&) = delete;

  Word* base() const { return static_cast<Word*>(memory_.begin()); }
  /// The end of the memory that checked frames may use. Glue and deoptimisation need no check: kGuardSlots follow.
  Word* limit() const { return limit_; }
  /// Where the stack may grow to before a collection moves the watermark up: none visits more than a step of it.
  Word* soft_limit() const { return soft_limit_; }
  /// Sets the soft limit a step above `top`.
  void allow(const Word* top);

  /// Bytes in use below the running frame `fp`; 0 if that is null.
  size_t used_bytes(const Word* fp) const {
    return fp == nullptr ? 0 : static_cast<size_t>(fp - base()) * sizeof(Word);
  }

  const Watermark& watermark() const { return watermark_; }
  /// Replaces what is known of the watermark; frames stay as they are (deopt/shadow_check.h).
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
  void visit_new_frames(Collector& collector, const uint32_t* pc, Word* fp);
  /// Called when all frames hold old pointers only: moves the watermark up to the running frame, and returns pages to
  /// the OS.
  void frames_are_old(Word* fp);
  /// Begins marking in steps: visits the running frame.
  void begin_marking(Collector& collector, const uint32_t* pc, Word* fp);
  /// Visits at most `count` more callers. Returns whether all have been visited.
  bool mark_frames(Collector& collector, size_t count);
  /// Forgets all frames, at the end of a run.
  void clear();

 private:
  const std::vector<int>& waiting_slots(Word* frame, const uint32_t* position);
  void visit_running_frame(Collector& collector, const uint32_t* pc, Word* fp);
  Word* visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count);
  void release_unused(const Word* fp);

  Mapping memory_;
  const bool poison_;
  Word* limit_;
  Word* soft_limit_ = nullptr;
  Word* high_water_;              ///< pages from here on hold no memory, or were never used
  Word* released_end_ = nullptr;  ///< of all that was ever returned to the OS
  size_t wanted_slots_ = 0;       ///< stack depth reached again after its pages were released; kept from then on
  Watermark watermark_;
  Word* unmarked_fp_ = nullptr;  ///< during marking: the topmost frame whose callers are not marked yet
  /// What waiting_slots has found lately, by position.
  struct WaitingSlots {
    const uint32_t* position = nullptr;
    std::vector<int> slots;
  };
  std::array<WaitingSlots, 64> waiting_slots_;
  WaitingSlots many_waiting_slots_;  ///< a list that is too long for those
};

}  // namespace fble
