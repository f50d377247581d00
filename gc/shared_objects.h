// Hash consing: equal survivors become one object.
//
// Objects do not change, and no program can tell two equal objects apart, so one can replace the other. Programs make
// the same values again and again: locations, small closures, results without a value. When a minor collection moves
// an object, everything that it refers to has moved before (gc/heap.cc). So two equal objects have equal words, and one
// lookup in a hash table finds out whether the old space has the object already.
//
// The table forgets. An object replaces another one whose hash selects the same entry. So a lookup costs one
// comparison, and the table's size follows memory, not the number of objects: an entry for each sixteen words of old
// space, up to 4 MiB. An object that was forgotten is not found, and then exists twice.
//
// The table keeps no object alive. Before a marking ends, unmarked objects are forgotten, so that no entry outlives its
// object's memory.
//
// A lookup costs more than a copy. Lookups begin when the old space is no longer small. They pause when they find
// little, each time for longer.
//
// Tested by tests/unit/gc/shared_objects_test.cc.
#pragma once

#include <bit>
#include <cstdlib>
#include <memory>

#include "gc/old_space.h"
#include "gc/params.h"

namespace fble {

class SharedObjects {
 public:
  /// Returns whether the minor collection that begins should look for equal objects.
  bool begin(size_t old_words, bool marking);
  /// Returns whether lookups have not paid lately and no trial is due.
  bool is_backing_off() const { return pause_words_ != 0; }
  /// Notes the result of a collection that looked: the words moved, and the words found.
  void end(size_t moved, size_t found);
  /// Notes a collection that did not look.
  void note_moved(size_t words) { pause_words_ -= std::min(pause_words_, words); }

  /// The result of a lookup: the object, or the entry for its copy.
  struct Found {
    Object* object;  ///< null if there is none
    Object** entry;
  };
  /// Looks for an object with this header and these fields. Requires: the fields are old. `slabs` are those of the
  /// heap.
  Found find(Word header, const Word* fields, uint32_t count, const SlabRange& slabs) {
    Word hash = header;
    for (uint32_t i = 0; i < count; ++i) hash = std::rotr(hash ^ fields[i], 29) * 0x9e3779b97f4a7c15;
    Object** entry = table_.entry(hash);
    if (is_equal(*entry, header, fields, count, slabs)) return {*entry, entry};
    if (previous_.size() != 0) {
      Object* known = *previous_.entry(hash);
      if (is_equal(known, header, fields, count, slabs)) {
        *entry = known;
        return {known, entry};
      }
    }
    return {nullptr, entry};
  }

  /// Prepares forgetting for a marking that begins.
  void begin_forgetting() { forget_at_ = 0; }
  /// Forgets unmarked objects among the next `entries` entries. Returns true if all entries were checked.
  bool forget_unmarked(const OldSpace& old, size_t entries);

  /// Calls `visit(const Object*)` for each object that can be found.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Table* table : {&table_, &previous_}) {
      for (size_t i = 0; i < table->size(); ++i) {
        if (const Object* object = table->entries[i]) visit(object);
      }
    }
  }
  size_t entry_count() const { return table_.size(); }

 private:
  struct Table {
    struct Free {
      void operator()(Object** memory) const { std::free(memory); }
    };
    std::unique_ptr<Object*[], Free> entries;
    unsigned power = 0;

    size_t size() const { return entries == nullptr ? 0 : size_t{1} << power; }
    Object** entry(Word hash) const { return &entries[hash >> (64 - power)]; }
  };

  /// An object in a frozen slab counts as another one: it would have to be decoded.
  static bool is_equal(const Object* object, Word header, const Word* fields, uint32_t count, const SlabRange& slabs) {
    if (object == nullptr || slabs.is_frozen(object) || object->header != header) return false;
    for (uint32_t i = 0; i < count; ++i) {
      if (object->fields[i] != fields[i]) return false;
    }
    return true;
  }
  void back_off();

  Table table_;
  Table previous_;  ///< the table before it grew; searched second
  size_t forget_at_ = 0;
  size_t tried_words_ = 0;  ///< in this trial
  size_t found_words_ = 0;
  size_t pause_words_ = 0;              ///< words to move before the next trial
  size_t next_pause_ = kShortestPause;  ///< in trials; 0 when the last trial found enough
};

}  // namespace fble
