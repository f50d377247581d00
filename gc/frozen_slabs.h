// Frozen slabs: old objects that are not used for a while take less memory.
//
// A program that makes a list of 10^8 characters keeps 24 bytes for each, and does not look at most of them for a long
// time. Objects of such slabs are alike, so they are encoded in about a tenth of the memory (gc/slab_codec.h). Then the
// slab's own memory goes away, and only its addresses stay. An access to one of these faults, and the handler of the
// signal brings the objects back. So interpreter, machine code and natives know nothing of this, and pay nothing.
//
//   ordinary --freeze--> frozen --thaw--> thawed --a freeze without encoding, or the code is forgotten--> ...
//                                 objects and code
//
// Objects do not change, so a thawed slab can be frozen again without encoding it. The exceptions are objects that hold
// placeholders, and slabs with holes: neither is frozen.
//
// The marker does not thaw slabs. It decodes a slab into one of a few *views* and reads its objects there.
//
// Memory moves from slab to slab by mremap(2): clearing and mapping the pages of a slab takes ten times as long. A few
// slabs' worth of memory waits in a pool.
//
// What bounds the time:
//   - Slabs are frozen in proportion to what becomes old. Each slab that is thawed is paid for by some that are not
//   frozen.
//   - The last kWindowSlabs slabs that were thawed stay, so a walk along a long list takes that much memory.
//   - A slab that was thawed kMostThaws times, or decoded kMostPeeks times by one marking, stays thawed.
//
// At most kMostCodedSlabs slabs are frozen at a time: each thaw needs mappings, which the system limits.
//
// Faults are handled on the OS thread that accesses the heap, on a signal stack that `prepare_signal_stack` sets up.
// Faults at other addresses reach the handler that was there before.
//
// Tested by tests/unit/gc/frozen_slabs_test.cc.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "gc/mapping.h"
#include "gc/params.h"
#include "gc/slab.h"

namespace fble {

struct FreezeStats {
  uint64_t frozen_slabs = 0;  ///< how often a slab was encoded and frozen
  uint64_t code_bytes = 0;    ///< of their codes
  uint64_t thawed_slabs = 0;  ///< how often an access brought a slab back
  uint64_t peeks = 0;         ///< slabs decoded for the marker
  uint64_t kept_slabs = 0;    ///< how often a slab was too unlike to be frozen
};

class FrozenSlabs {
 public:
  /// `range` outlives this, and may change until the first slab is frozen.
  explicit FrozenSlabs(const SlabRange& range) : range_(range) {}
  ~FrozenSlabs();
  FrozenSlabs(const FrozenSlabs&) = delete;
  FrozenSlabs& operator=(const FrozenSlabs&) = delete;

  /// Freezes a slab, if its objects are alike enough. Requires: all of it is objects, and none is about to change.
  /// Returns whether it is frozen now.
  bool freeze(Slab* slab);
  /// Brings the memory back and forgets the code: the slab is about to change.
  void discard(Slab* slab) {
    if (slab->code != nullptr) discard_code(slab, true);
  }
  /// Does the same for a slab whose objects are dead.
  void release(Slab* slab) {
    if (slab->code != nullptr) discard_code(slab, false);
  }
  /// Provides memory for a slab that was released.
  void unprotect(Slab* slab);
  /// Forgets the code of a slab that has been thawed for good.
  void forget_code(Slab* slab);

  /// Returns where the content of an object in a slab can be read, for the marker: valid until kViews - 1 other slabs
  /// are viewed, and longer with a Pin.
  const Object* view(const Object* object) {
    Slab* slab = range_.slab_of(object);
    return slab->is_frozen ? view_frozen(slab, object, true) : object;
  }
  /// Does the same for any object, for checks. It leaves all slabs as they are.
  const Object* look(const Object* object) {
    return range_.is_frozen(object) ? view_frozen(range_.slab_of(object), object, false) : object;
  }
  /// Returns whether any slab may be frozen.
  bool any() const { return coded_ != 0; }

  /// Keeps the view of a slab.
  class Pin {
   public:
    Pin(FrozenSlabs& frozen, const Slab* slab) : frozen_(frozen), before_(std::exchange(frozen.pinned_, slab)) {}
    ~Pin() { frozen_.pinned_ = before_; }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

   private:
    FrozenSlabs& frozen_;
    const Slab* before_;
  };

  /// Returns the words that must not be frozen because of slabs that were thawed since the last call.
  size_t take_price() { return std::exchange(price_, 0) * kSlabWords; }
  /// Checks that nothing has written to a thawed slab before it is frozen again.
  void set_verify(bool verify) { verify_ = verify; }

  const FreezeStats& stats() const { return stats_; }

  /// Handles a fault. Returns false if the address is not in a frozen slab. Called by the signal handler only.
  bool on_fault(const void* address);

 private:
  friend class Registry;

  bool begin();
  bool encode(Slab* slab);
  void take_memory(Slab* slab);
  void bring_memory(Slab* slab);
  void thaw(Slab* slab);
  void discard_code(Slab* slab, bool keep_objects);
  void close_view(Slab* slab);
  const Object* view_frozen(Slab* slab, const Object* object, bool counts);
  Word* view_words(size_t index) const { return static_cast<Word*>(views_.begin()) + index * kSlabWords; }
  Word* pool_slot(size_t index) const { return pool_start_ + index * kSlabWords; }

  const SlabRange& range_;
  bool has_begun_ = false;
  bool verify_ = false;
  size_t coded_ = 0;  ///< slabs with a code
  size_t moved_ = 0;  ///< slabs with is_moved
  size_t price_ = 0;
  std::unique_ptr<uint8_t[]> scratch_;  ///< room for a code
  Mapping pool_;
  Word* pool_start_ = nullptr;
  size_t pooled_ = 0;  ///< slots of the pool that have memory
  Mapping views_;
  Slab* viewed_[kViews] = {};
  size_t next_view_ = 0;
  const Slab* pinned_ = nullptr;
  Slab* window_[kWindowSlabs] = {};  ///< a ring
  size_t window_at_ = 0;
  FreezeStats stats_;
  FrozenSlabs* next_ = nullptr;  ///< in the registry
};

/// True as soon as any slab of the process was frozen.
extern std::atomic<bool> has_frozen_slabs;
void set_up_signal_stack();
/// Sets up a signal stack for this OS thread if slabs are frozen and it has none: that of machine code may be nearly
/// full. Called before code runs.
inline void prepare_signal_stack() {
  if (has_frozen_slabs.load(std::memory_order_relaxed)) [[unlikely]]
    set_up_signal_stack();
}

}  // namespace fble
