// Slabs: where nurseries lie, so that what was allocated there can become old in place.
//
// A program that builds something large keeps all that it allocates for a while.
// To copy it out of the nursery would be work for nothing. So when nearly all of the
// last nurseries survived (gc/heap.cc decides), the next one is *adopted*: it becomes
// part of the old space as it is, nobody looks at it, and the nursery moves on to
// fresh memory. What was dead in it is found by the next marking.
//
//   slab (256 KiB, aligned)
//   [ header, mark bits ][ object ][ object ] ... top ][ the nursery, or nothing ]
//                          adopted
//
// Objects lie side by side, of any size, so a slab can be walked from header to
// header. There is a mark bit for each 16 bytes: no object is smaller, so no two start
// in the same. After a marking a slab without marks is free as a whole. In one that has
// lost more than an eighth, what is dead becomes *holes*: objects of their own, with kHoleFlag in
// the header, in lists by size, where survivors that are copied find their place.
//
// All slabs lie in one range of addresses, so it takes a comparison to tell their
// objects from those in blocks (gc/old_space.h).
//
// Tested by tests/unit/gc/slabs_test.cc.
#pragma once

#include <vector>

#include "gc/object.h"

namespace fble {

inline constexpr size_t kSlabBytes = 256 * 1024;
inline constexpr size_t kGranuleBytes = 16;

struct Slab {
  Word* top;          ///< objects from words() up to here are old
  size_t used_words;  ///< of these, so many are not in holes
  size_t live_words;  ///< marked so far by the marking under way
  size_t position;    ///< in Slabs::slabs_, or kNowhere
  uint64_t epoch;     ///< of the marking that holes and used_words are up to date with
  bool is_nursery;    ///< behind `top` is the nursery
  uint64_t mark[kSlabBytes / kGranuleBytes / 64];

  static constexpr size_t kNowhere = SIZE_MAX;

  Word* words() { return reinterpret_cast<Word*>(this + 1); }
  Word* end() { return reinterpret_cast<Word*>(reinterpret_cast<uintptr_t>(this) + kSlabBytes); }
};
static_assert(sizeof(Slab) % sizeof(Word) == 0);
inline constexpr size_t kSlabWords = (kSlabBytes - sizeof(Slab)) / sizeof(Word);

class Slabs {
 public:
  Slabs() = default;
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  /// Whether the address is in a slab.
  bool contains(const void* address) const { return range().contains(address); }
  /// The addresses of all slabs; for loops that had better not load them again. Changes with `take`.
  struct Range {
    uintptr_t start;
    size_t bytes;
    bool contains(const void* address) const { return reinterpret_cast<uintptr_t>(address) - start < bytes; }
  };
  Range range() const { return {base_, bytes_}; }
  static Slab* slab_of(const void* address) {
    return reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(address) & ~(kSlabBytes - 1));
  }
  static bool is_marked(const Object* object) {
    const size_t granule = granule_of(object);
    return (slab_of(object)->mark[granule / 64] >> (granule % 64) & 1) != 0;
  }
  /// Marks the object; false if it was marked already.
  static bool mark(const Object* object) {
    const size_t granule = granule_of(object);
    uint64_t& bits = slab_of(object)->mark[granule / 64];
    const uint64_t bit = uint64_t{1} << (granule % 64);
    if ((bits & bit) != 0) return false;
    bits |= bit;
    slab_of(object)->live_words += object->size_words();
    return true;
  }

  /// Marks objects that lie side by side from `start` to `end`, none of which is marked.
  static void mark_all(const Word* start, const Word* end);

  /// A slab for a nursery; null if there can be none.
  Slab* take();
  /// The nursery moves out of the slab.
  void leave(Slab* slab);
  /// What is between `top` and `end` becomes old.
  void adopt(Slab* slab, Word* end);

  /// Free cells of `words` words side by side, marked during marking. False if there are none.
  bool take_run(size_t words, Word*& next, Word*& end, bool marking);
  /// Cells of such a run that were not used.
  void put_back_run(Word* next, Word* end, size_t words, bool marking);

  void end_marking();
  bool sweeping() const { return sweep_at_ < slabs_.size(); }
  void sweep_one();
  /// See OldSpace::give_back_some.
  void give_back_some();

  /// All that is dead is to become holes, however little it is.
  void set_exact(bool exact) { exact_ = exact; }

  /// For checks: a bit for each granule of each slab, set where an object starts that for_each visits.
  class Starts {
   public:
    explicit Starts(Slabs& slabs) : bits_(slabs.slabs_.size() * kGranules) {
      slabs.for_each([&](const Object* object) { bits_[index_of(object)] = true; });
    }
    /// Requires: the address is in a slab.
    bool contains(const Object* object) const {
      return slab_of(object)->position != Slab::kNowhere && bits_[index_of(object)];
    }

   private:
    static constexpr size_t kGranules = kSlabBytes / kGranuleBytes;
    static size_t index_of(const Object* object) { return slab_of(object)->position * kGranules + granule_of(object); }

    std::vector<bool> bits_;
  };

  size_t used_words() const { return used_words_; }
  size_t count() const { return slabs_.size(); }

  /// Calls `visit(Object*)` for each object that is not a hole. With set_exact, and
  /// when no sweep is pending, these were alive when marking ended or are younger.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Slab* slab : slabs_) {
      for (Word* at = slab->words(); at < slab->top;) {
        Object* object = reinterpret_cast<Object*>(at);
        at += object->size_words();
        if ((object->header & kHoleFlag) == 0) visit(object);
      }
    }
  }

 private:
  /// Holes of 2, 3 ... words have lists of their own, the last is for all that are larger.
  static constexpr size_t kHoleSizes = 9;
  static constexpr size_t kMostCells = 64;  ///< of a run

  static size_t granule_of(const Object* object) {
    return (reinterpret_cast<uintptr_t>(object) & (kSlabBytes - 1)) / kGranuleBytes;
  }
  static void set_mark(const Object* object, bool is_marked);
  void reserve();
  void sweep(Slab* slab);
  void carve(Slab* slab);
  void make_hole(Word* at, size_t words);
  void release(Slab* slab);

  uintptr_t base_ = 0;
  size_t bytes_ = 0;  ///< of address space
  void* reserved_ = nullptr;
  size_t reserved_bytes_ = 0;
  bool tried_ = false;        ///< to reserve it
  uintptr_t fresh_ = 0;       ///< from here on no slab was taken yet
  std::vector<Slab*> slabs_;  ///< those with adopted objects
  std::vector<Slab*> free_;   ///< the others that were taken before
  size_t given_back_ = 0;     ///< so many of free_, the first, have no memory behind them
  size_t wanted_ = 0;         ///< most slabs of late
  size_t sweep_at_ = 0;       ///< slabs_ from here on may be unswept
  uint64_t epoch_ = 0;
  size_t used_words_ = 0;
  bool exact_ = false;
  Object* holes_[kHoleSizes] = {};  ///< by size in words; fields[0] is the next
};

}  // namespace fble
