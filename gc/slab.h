// What is known of a slab (gc/slabs.h), and where slabs are.
//
// Tested by tests/unit/gc/slabs_test.cc.
#pragma once

#include "gc/object.h"
#include "gc/params.h"

namespace fble {

inline constexpr size_t kSlabBytes = 256 * 1024;
inline constexpr size_t kGranuleBytes = 16;
inline constexpr size_t kSlabWords = kSlabBytes / sizeof(Word);

struct Slab {
  Word* start;
  Word* top;          ///< objects from `start` to here are old
  size_t used_words;  ///< the words of these that are not in holes
  size_t live_words;  ///< marked so far by the current marking
  size_t position;    ///< in Slabs::slabs_, or kNowhere
  uint64_t epoch;     ///< the marking after which holes and used_words were last updated
  uint64_t number;    ///< grows with each slab that is taken
  bool is_nursery;    ///< the nursery begins at `top`

  // What gc/frozen_slabs.h knows of it.
  bool is_frozen;       ///< its memory is away: an access faults
  bool is_protected;    ///< the same, but it holds nothing: before it is used, it must get memory
  bool is_moved;        ///< its memory was that of another slab before
  bool is_in_window;    ///< it was thawed, and may soon be frozen again without encoding
  uint8_t thaws;        ///< lately
  uint8_t peeks;        ///< views made by the current marking
  uint8_t view;         ///< one more than the index of its view; 0 if there is none
  uint32_t code_bytes;  ///< of `code`
  uint8_t* code;        ///< its objects, encoded (gc/slab_codec.h); null if it is not encoded

  uint64_t mark[kSlabBytes / kGranuleBytes / 64];

  static constexpr size_t kNowhere = SIZE_MAX;

  Word* words() const { return start; }
  Word* end() const { return start + kSlabWords; }
  /// Returns whether its objects are in use again and again, or cannot be encoded. Markings forget this.
  bool is_hot() const { return thaws >= kMostThaws; }
};

inline size_t granule_of(const Object* object) {
  return (reinterpret_cast<uintptr_t>(object) & (kSlabBytes - 1)) / kGranuleBytes;
}

/// The addresses of all slabs, and the table of what is known of each.
struct SlabRange {
  uintptr_t start = 0;
  size_t bytes = 0;
  Slab* table = nullptr;

  bool contains(const void* address) const { return reinterpret_cast<uintptr_t>(address) - start < bytes; }
  /// Requires: the address is in a slab.
  Slab* slab_of(const void* address) const {
    return table + (reinterpret_cast<uintptr_t>(address) - start) / kSlabBytes;
  }
  /// Returns whether the object is in a slab whose memory is away.
  bool is_frozen(const Object* object) const { return contains(object) && slab_of(object)->is_frozen; }
};

}  // namespace fble
