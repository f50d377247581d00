// Equal objects that survive become one object.
//
// Nothing can be changed after it is made, and nothing in the language tells two
// equal objects apart, so one may stand for the other. Programs make the same
// values again and again: locations, small closures, results without a value. When
// a minor collection moves an object, all that it refers to has been moved before
// (gc/heap.cc), so two equal objects have equal words, and one look into a hash
// table finds out whether the old space has the object already.
//
// The table forgets. An object takes the place of another whose hash falls on the
// same place, so a look costs one comparison and the table is as large as memory
// allows, not as the number of objects demands: a word for each sixteen words of
// old space, up to 4 MiB. An equal object that was forgotten is not found, and is
// then two.
//
// The table does not keep objects alive. When a marking comes to its end, objects
// without a mark are forgotten before their memory can be used again.
//
// Looking costs more than copying. It begins when the old space is no longer small,
// and rests when little was found: for a while, and longer each time.
//
// Tested by tests/unit/gc/shared_objects_test.cc.
#pragma once

#include <bit>
#include <cstdlib>
#include <memory>

#include "gc/old_space.h"

namespace fble {

class SharedObjects {
 public:
  static constexpr size_t kFewestPlaces = size_t{1} << 6;
  /// New pages of a table are paid for in pauses: so many, and no more.
  static constexpr size_t kMostPlaces = size_t{1} << 19;
  static constexpr size_t kTrialPlaces = size_t{1} << 14;  ///< at most, until looking has been worth it
  static constexpr size_t kWordsPerPlace = 16;
  /// After so many words that were looked for it is decided whether to go on.
  static constexpr size_t kTrialWords = 64 * 1024;
  /// Looking goes on when one word in so many was found.
  static constexpr size_t kWorthwhile = 8;
  /// A trial that has found less than one word in so many by its first collection is given up.
  static constexpr size_t kHopeless = 64;
  static constexpr size_t kShortestRest = 8;  ///< in trials
  static constexpr size_t kLongestRest = 128;

  /// Asked before each minor collection: whether it should look for equal objects.
  bool begin(size_t old_words, bool marking);
  /// Whether looking has not paid of late, and no trial is due.
  bool rests() const { return rest_words_ != 0; }
  /// Told after it: words that were moved, and words that were found.
  void end(size_t moved, size_t found);
  /// Told after a collection that did not look.
  void note_moved(size_t words) { rest_words_ -= std::min(rest_words_, words); }

  /// Where a look ends: at the object, or at the place that its copy is to take.
  struct Found {
    Object* object;  ///< null if there is none
    Object** place;
  };
  /// Looks for an object with this header and these fields, which are old.
  Found find(Word header, const Word* fields, uint32_t count) {
    Word hash = header;
    for (uint32_t i = 0; i < count; ++i) hash = std::rotr(hash ^ fields[i], 29) * 0x9e3779b97f4a7c15;
    Object** place = table_.place(hash);
    if (is_equal(*place, header, fields, count)) return {*place, place};
    if (previous_.size() != 0) {
      Object* known = *previous_.place(hash);
      if (is_equal(known, header, fields, count)) {
        *place = known;
        return {known, place};
      }
    }
    return {nullptr, place};
  }

  /// A marking begins.
  void begin_forgetting() { forget_at_ = 0; }
  /// Forgets objects without a mark, in steps of so many places. True if all places were looked at.
  bool forget_unmarked(const OldSpace& old, size_t places);

  /// Calls `visit(const Object*)` for each object that can be found.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Table* table : {&table_, &previous_}) {
      for (size_t i = 0; i < table->size(); ++i) {
        if (const Object* object = table->places[i]) visit(object);
      }
    }
  }
  size_t places() const { return table_.size(); }

 private:
  struct Table {
    struct Free {
      void operator()(Object** memory) const { std::free(memory); }
    };
    std::unique_ptr<Object*[], Free> places;
    unsigned power = 0;

    size_t size() const { return places == nullptr ? 0 : size_t{1} << power; }
    Object** place(Word hash) const { return &places[hash >> (64 - power)]; }
  };

  static bool is_equal(const Object* object, Word header, const Word* fields, uint32_t count) {
    if (object == nullptr || object->header != header) return false;
    for (uint32_t i = 0; i < count; ++i) {
      if (object->fields[i] != fields[i]) return false;
    }
    return true;
  }
  void rest();

  Table table_;
  Table previous_;  ///< what was known when the table grew; looked at second
  size_t forget_at_ = 0;
  size_t tried_words_ = 0;  ///< in this trial
  size_t found_words_ = 0;
  size_t rest_words_ = 0;             ///< words to be moved until the next trial
  size_t next_rest_ = kShortestRest;  ///< in trials; 0 when the last trial found enough
};

}  // namespace fble
