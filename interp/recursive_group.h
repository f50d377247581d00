// Recursive values: the groups of `let` variables whose definitions are being evaluated.
//
// A group begins with Declare, which gives each variable a placeholder, and ends with Define,
// which replaces the placeholders by the values. Groups nest; a placeholder's number tells its
// group, since the groups that are open have consecutive ranges of numbers.
//
// Tested by tests/unit/interp/interpreter_test.cc and tests/lang.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gc/heap.h"

namespace fble {

/// The program's globals by index; an undefined one is 0.
struct Globals {
  std::vector<Word> words;
  /// The indices of globals that may point into the nursery. Each collection clears it.
  std::vector<uint32_t> dirty;

  void note_written(uint32_t index) {
    if (is_pointer(words[index])) dirty.push_back(index);
  }
};

/// The open groups of one thread of execution. Copies are made for rehearsals (deopt/shadow_check.h).
class RecursiveGroups {
 public:
  bool any_open() const { return !open_.empty(); }

  /// Begins a group of `count` variables: writes their placeholders to `slots`.
  void declare(uint32_t count, Word* slots);

  /// Ends the innermost group, whose values are in the slots `value_slots` of the frame: replaces its placeholders
  /// everywhere and writes the values to `slots`. Returns the index of a vacuous variable, or -1.
  int define(uint32_t count, Word* slots, const uint32_t* value_slots, const Word* frame, Globals& globals, Heap& heap);

  /// Notes that the object or global holds placeholders of open groups.
  void note(Object* object) { pending_.push_back({object, 0}); }
  void note_global(uint32_t index) { pending_.push_back({nullptr, index}); }

  void visit(Collector& collector);
  void clear() {
    pending_.clear();
    open_.clear();
  }

  uint64_t next_placeholder = 1;  ///< the number that the next variable's placeholder gets

 private:
  struct Pending {
    Object* object;  ///< null for a global
    uint32_t global;
  };
  std::vector<Pending> pending_;
  std::vector<size_t> open_;  ///< for each open group the size of `pending_` when it began
};

}  // namespace fble
