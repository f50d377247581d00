// Slabs: the memory of nurseries, in which objects can become old in place.
//
// A program that builds something large keeps all that it allocates for a while. Copying it out of the nursery would
// be wasted work. So when nearly all of the last nurseries survived (gc/heap.cc decides), the next one is *adopted*:
// it becomes part of the old space as it is, without a visit, and the nursery moves to fresh memory. The next marking
// finds what was dead in it.
//
//   slab (256 KiB, aligned)
//   [ header, mark bits ][ object ][ object ] ... top ][ the nursery, or nothing ]
//                          adopted
//
// Objects of any size lie side by side, so a slab can be walked from header to header. Each 16 bytes have a mark bit:
// no object is smaller, so no two objects start in the same 16 bytes. After a marking, a slab without marks is free as
// a whole. In a slab that has lost more than an eighth, dead objects become *holes*: objects with kHoleFlag in the
// header, in lists by size. Survivors that are copied go there.
//
// All slabs lie in one range of addresses, so one comparison distinguishes their objects from those in blocks
// (gc/old_space.h).
//
// Tested by tests/unit/gc/slabs_test.cc.
#pragma once

#include <vector>

#include "gc/mapping.h"
#include "gc/object.h"

namespace fble {

inline constexpr size_t kSlabBytes = 256 * 1024;
inline constexpr size_t kGranuleBytes = 16;

struct Slab {
  Word* top;          ///< objects from words() to here are old
  size_t used_words;  ///< the words of these that are not in holes
  size_t live_words;  ///< marked so far by the current marking
  size_t position;    ///< in Slabs::slabs_, or kNowhere
  uint64_t epoch;     ///< the marking after which holes and used_words were last updated
  bool is_nursery;    ///< the nursery begins at `top`
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
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  /// Returns whether the address is in a slab.
  bool contains(const void* address) const { return range().contains(address); }
  /// The addresses of all slabs, as a copy for loops. Changes with `take`.
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
  /// Marks the object. Returns false if it was marked already.
  static bool mark(const Object* object) {
    const size_t granule = granule_of(object);
    uint64_t& bits = slab_of(object)->mark[granule / 64];
    const uint64_t bit = uint64_t{1} << (granule % 64);
    if ((bits & bit) != 0) return false;
    bits |= bit;
    slab_of(object)->live_words += object->size_words();
    return true;
  }

  /// Marks the adjacent objects from `start` to `end`. Requires: none of them is marked.
  static void mark_all(const Word* start, const Word* end);

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

  /// Calls `visit(Object*)` for each object that is not a hole. With set_exact, and if no sweep is pending, these were
  /// alive when marking ended or are younger.
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
  /// Holes of 2, 3 ... words have lists of their own. The last list is for all larger ones.
  static constexpr size_t kHoleSizes = 9;
  static constexpr size_t kMostCells = 64;  ///< the most cells of a run

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
  size_t bytes_ = 0;  ///< the size of the address range
  Mapping reserved_;
  bool tried_ = false;        ///< whether reserve() was called
  uintptr_t fresh_ = 0;       ///< no slab at or after this address was taken yet
  std::vector<Slab*> slabs_;  ///< slabs with adopted objects
  std::vector<Slab*> free_;   ///< all others that were taken before
  size_t returned_ = 0;       ///< the first `returned_` slabs of free_ have no memory: the system has it
  size_t wanted_ = 0;         ///< the most slabs in use lately
  size_t sweep_at_ = 0;       ///< slabs_ from this index on may be unswept
  uint64_t epoch_ = 0;
  size_t used_words_ = 0;
  bool exact_ = false;
  Object* holes_[kHoleSizes] = {};  ///< by size in words; fields[0] is the next
};

}  // namespace fble
