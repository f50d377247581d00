// Slabs: the memory of nurseries, in which objects can become old in place.
//
// A program that builds something large keeps all that it allocates for a while. Copying it out of the nursery would
// be wasted work. So when nearly all of the last nurseries survived (gc/heap.cc decides), the next one is *adopted*:
// it becomes part of the old space as it is, without a visit, and the nursery moves to fresh memory. The next marking
// finds what was dead in it.
//
//   slab (256 KiB)
//   [ object ][ object ] ... top ][ the nursery, or nothing ]
//     adopted
//
// Objects of any size lie side by side, so a slab can be walked from header to header. What is known of a slab is in
// a table aside, so that the memory of a slab can be away (gc/frozen_slabs.h). Each 16 bytes have a mark bit there:
// no object is smaller, so no two objects start in the same 16 bytes. After a marking, a slab without marks is free as
// a whole. In a slab that has lost more than an eighth, dead objects become *holes*: objects with kHoleFlag in the
// header, in lists by size. Survivors that are copied go there.
//
// All slabs lie in one range of addresses, so one comparison distinguishes their objects from those in blocks
// (gc/old_space.h).
//
// Tested by tests/unit/gc/slabs_test.cc.
#pragma once

#include <functional>
#include <vector>

#include "gc/frozen_slabs.h"
#include "gc/mapping.h"

namespace fble {

class Slabs {
 public:
  Slabs() = default;
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  const SlabRange& range() const { return range_; }
  /// Returns whether the address is in a slab.
  bool contains(const void* address) const { return range_.contains(address); }
  Slab* slab_of(const void* address) const { return range_.slab_of(address); }
  bool is_marked(const Object* object) const {
    const size_t granule = granule_of(object);
    return (slab_of(object)->mark[granule / 64] >> (granule % 64) & 1) != 0;
  }
  /// Marks the object. Returns false if it was marked already.
  bool mark(const Object* object) {
    Slab* slab = slab_of(object);
    if (!slab->is_frozen) return mark_present(slab, object);
    if (!set_bit(slab, object)) return false;
    slab->live_words += frozen_.view(object)->size_words();
    return true;
  }
  /// Does the same where the slab is not frozen.
  static bool mark_present(Slab* slab, const Object* object) {
    if (!set_bit(slab, object)) return false;
    slab->live_words += object->size_words();
    return true;
  }

  /// Slabs whose objects are not used for a while become smaller. Returns what reads them.
  FrozenSlabs& frozen() { return frozen_; }
  const FrozenSlabs& frozen() const { return frozen_; }
  /// Sets whether survivors that are copied go to slabs, since only these are frozen.
  void set_filling(bool filling) { is_filling_ = filling; }
  /// Makes a fresh slab one hole. Returns false if survivors do not go to slabs, or there is none.
  bool open();
  /// Freezes slabs for `promoted` words that have become old. `is_in_use(slab)` returns whether cells in it are about
  /// to be allocated. Under stress, also slabs that are young or not full.
  void freeze_some(size_t promoted, bool stress, const std::function<bool(const Slab*)>& is_in_use);

  /// Marks the adjacent objects from `start` to `end`. Requires: none of them is marked.
  void mark_all(const Word* start, const Word* end);

  /// Returns a slab for a nursery; null if there is no address space left.
  Slab* take();
  /// Notes that the nursery has left the slab.
  void leave(Slab* slab);
  /// Makes everything between `top` and `end` old.
  void adopt(Slab* slab, Word* end);

  /// Takes adjacent free cells of `words` words, marked during marking. Returns false if there are none.
  bool take_run(size_t words, Word*& next, Word*& end, bool marking);
  /// Puts the unused cells of such a run back.
  void put_back_run(Word* next, Word* end, size_t words, bool marking);

  void end_marking();
  bool sweeping() const { return sweep_at_ < slabs_.size(); }
  void sweep_one();
  /// Returns some memory to the system; see OldSpace.
  bool return_some_memory();
  void forget_wanted();

  /// Sets whether every dead object becomes a hole, however small it is.
  void set_exact(bool exact) { exact_ = exact; }

  /// The starts of objects, for checks: a bit for each granule of each slab, set where an object starts.
  class Starts {
   public:
    explicit Starts(Slabs& slabs) : range_(slabs.range_), bits_(slabs.slabs_.size() * kGranules) {
      slabs.for_each([&](const Object* object) { bits_[index_of(object)] = true; });
    }
    /// Requires: the address is in a slab.
    bool contains(const Object* object) const {
      return range_.slab_of(object)->position != Slab::kNowhere && bits_[index_of(object)];
    }

   private:
    static constexpr size_t kGranules = kSlabBytes / kGranuleBytes;
    size_t index_of(const Object* object) const {
      return range_.slab_of(object)->position * kGranules + granule_of(object);
    }

    SlabRange range_;
    std::vector<bool> bits_;
  };

  size_t used_words() const { return used_words_; }
  size_t count() const { return slabs_.size(); }

  /// Calls `visit(Object*)` for each object that is not a hole. With set_exact, and if no sweep is pending, these were
  /// alive when marking ended or are younger.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Slab* slab : slabs_) {
      const FrozenSlabs::Pin pin(frozen_, slab);
      for (Word* at = slab->words(); at < slab->top;) {
        Object* object = reinterpret_cast<Object*>(at);
        const Word header = frozen_.look(object)->header;
        at += 1 + (header >> 32);
        if ((header & kHoleFlag) == 0) visit(object);
      }
    }
  }

 private:
  /// Holes of 2, 3 ... words have lists of their own. The last list is for all larger ones.
  static constexpr size_t kHoleSizes = 9;
  static constexpr size_t kMostCells = 64;  ///< the most cells of a run

  static bool set_bit(Slab* slab, const Object* object) {
    const size_t granule = granule_of(object);
    uint64_t& bits = slab->mark[granule / 64];
    const uint64_t bit = uint64_t{1} << (granule % 64);
    if ((bits & bit) != 0) return false;
    bits |= bit;
    return true;
  }
  void set_mark(const Object* object, bool is_marked);
  void reserve();
  void add(Slab* slab);
  Slab* next_to_freeze(bool stress);
  void sweep(Slab* slab);
  void carve(Slab* slab);
  void make_hole(Word* at, size_t words);
  void release(Slab* slab);

  SlabRange range_{};
  Mapping reserved_;  ///< the slabs, and behind them the table
  FrozenSlabs frozen_{range_};
  bool tried_ = false;  ///< whether reserve() was called
  bool is_filling_ = false;
  uintptr_t fresh_ = 0;        ///< no slab at or after this address was taken yet
  size_t freeze_at_ = 0;       ///< the next of slabs_ that may be frozen
  uint64_t taken_ = 0;         ///< number of slabs that were taken
  ptrdiff_t credit_ = 0;       ///< words that may be frozen
  unsigned stress_turns_ = 0;  ///< calls of freeze_some under stress
  std::vector<Slab*> slabs_;   ///< slabs with adopted objects
  std::vector<Slab*> free_;    ///< all others that were taken before
  size_t returned_ = 0;        ///< the first `returned_` slabs of free_ have no memory: the system has it
  size_t wanted_ = 0;          ///< the most slabs in use lately
  size_t sweep_at_ = 0;        ///< slabs_ from this index on may be unswept
  uint64_t epoch_ = 0;
  size_t used_words_ = 0;
  bool exact_ = false;
  Object* holes_[kHoleSizes] = {};  ///< by size in words; fields[0] is the next
};

}  // namespace fble
