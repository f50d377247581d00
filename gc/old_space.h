// The old space: objects that survived, in blocks of equal cells, never moved.
//
//   block (16 KiB, aligned)
//   [ header: cell size | mark bits | live bits ][ cell ][ cell ] ...
//
// Blocks are aligned, so the block of an object is its address with the low bits cleared. A cell is free exactly if
// its live bit is clear. Sweeping a block is `live &= mark`, a few words of work. It is delayed until an allocation
// needs the block or a step of the collector reaches it. An object that is too large for a cell has a block of its
// own, as long as it needs.
//
// Cells are allocated from runs: adjacent free cells whose bits are in one word. Taking a run sets all its bits, so
// allocating a cell only moves a pointer. Putting the rest of a run back clears the bits of its unused cells.
//
// Objects that became old in the nursery's memory are in slabs (gc/slabs.h).
//
// Tested by tests/unit/gc/old_space_test.cc.
#pragma once

#include <vector>

#include "gc/object.h"
#include "gc/slabs.h"

namespace fble {

/// Ends like operator new when memory has run out: with the new-handler, which does not return when the command runs
/// (frontends/cli/ending.h), else with std::bad_alloc.
[[noreturn]] void system_out_of_memory();

inline constexpr size_t kBlockBytes = 16 * 1024;
inline constexpr uint32_t kMaxCells = 1024;

struct Block {
  // The fields that marking reads come first: for most objects they are in one cache line.
  uint64_t reciprocal;  ///< ceil(2^32 / cell_words), to divide by cell_words
  uint32_t cell_words;
  uint32_t cell_count;
  uint64_t mark[kMaxCells / 64];
  uint64_t live[kMaxCells / 64];
  size_t bytes;  ///< kBlockBytes, or more for a large object
  Block* next;   ///< in the list of its size class
  Block* previous;
  size_t position;  ///< in OldSpace::blocks_
  uint64_t epoch;   ///< the marking after which the live bits were last updated

  Word* cells() { return reinterpret_cast<Word*>(this + 1); }
  uint32_t index_of(const Object* object) const {
    const size_t words =
        static_cast<size_t>(reinterpret_cast<const Word*>(object) - reinterpret_cast<const Word*>(this + 1));
    return static_cast<uint32_t>((words * reciprocal) >> 32);
  }
};
static_assert(sizeof(Block) % sizeof(Word) == 0);

class OldSpace {
 public:
  OldSpace() = default;
  ~OldSpace();
  OldSpace(const OldSpace&) = delete;
  OldSpace& operator=(const OldSpace&) = delete;

  /// Returns memory for an object of `words` words, live and, during marking, marked. Ends the process if the system
  /// has no memory left.
  Word* allocate(size_t words) {
    if (words <= kExactClasses) {
      SizeClass& list = classes_[words];
      if (list.next != list.end) {
        Word* cell = list.next;
        list.next += words;
        return cell;
      }
    }
    return allocate_slowly(words);
  }

  static Block* block_of(const Object* object) {
    return reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(object) & ~(kBlockBytes - 1));
  }

  bool is_marked(const Object* object) const {
    if (slabs_.contains(object)) return slabs_.is_marked(object);
    const Block* block = block_of(object);
    const uint32_t index = block->index_of(object);
    return (block->mark[index / 64] >> (index % 64) & 1) != 0;
  }
  /// Marks the object. Returns false if it was marked already.
  bool mark(const Object* object) { return slabs_.contains(object) ? slabs_.mark(object) : mark_in_block(object); }
  /// Does the same for an object that is not in a slab.
  static bool mark_in_block(const Object* object) {
    Block* block = block_of(object);
    const uint32_t index = block->index_of(object);
    uint64_t& bits = block->mark[index / 64];
    const uint64_t bit = uint64_t{1} << (index % 64);
    if ((bits & bit) != 0) return false;
    bits |= bit;
    return true;
  }

  /// Starts to mark new objects. Requires: no sweep is pending.
  void begin_marking() {
    put_back_runs();
    marking_ = true;
  }
  /// Declares all unmarked objects dead. Their cells become free as blocks are swept.
  void end_marking();

  bool sweeping() const { return sweep_at_ < blocks_.size() || slabs_.sweeping(); }
  /// Sweeps up to `blocks` blocks. A slab counts as several.
  void sweep_some(size_t blocks);

  /// Freezes slabs that were not in use lately, in proportion to the words that have become old (gc/frozen_slabs.h).
  void freeze_some(size_t promoted, bool stress);

  /// Returns memory of free blocks to the system: a bounded part of what will not be needed soon. Returns whether none
  /// of that is left.
  bool return_some_memory();
  /// Counts only what is in use as needed soon. Requires: no sweep is pending.
  void forget_wanted();

  /// Returns the words in cells that are live or not yet known to be dead.
  size_t used_words() const {
    size_t rest = 0;
    for (const SizeClass& list : classes_) rest += static_cast<size_t>(list.end - list.next);
    return used_words_ + slabs_.used_words() - rest;
  }
  /// Returns the words in all cells that were ever allocated or are in a run.
  size_t handed_out_words() const { return used_words() + freed_words_; }
  /// Returns the bytes taken from the system and not returned.
  size_t committed_bytes() const { return committed_bytes_ + slabs_.count() * kSlabBytes; }

  Slabs& slabs() { return slabs_; }
  const Slabs& slabs() const { return slabs_; }

  /// Frees all cells that are in runs and not allocated yet.
  void put_back_runs();

  /// Calls `visit(Object*)` for each live object. Requires: no sweep is pending.
  template <typename Visit>
  void for_each(Visit&& visit) {
    put_back_runs();
    for (Block* block : blocks_) {
      for (uint32_t i = 0; i < block->cell_count; ++i) {
        if ((block->live[i / 64] >> (i % 64) & 1) == 0) continue;
        visit(reinterpret_cast<Object*>(block->cells() + static_cast<size_t>(i) * block->cell_words));
      }
    }
    slabs_.for_each(visit);
  }

 private:
  static constexpr uint32_t kExactClasses = 32;  ///< up to this size in words, each size has a class
  static constexpr uint32_t kLargestCell = 512;
  static constexpr uint32_t kClasses = kExactClasses + 1 + 10;

  struct SizeClass {
    Word* next = nullptr;  ///< the first unused cell of the run
    Word* end = nullptr;
    bool in_slab = false;  ///< the run was a hole, not cells of `current`
    Block* first = nullptr;
    Block* last = nullptr;
    Block* current = nullptr;  ///< the run's block, if there is one
    uint32_t hint = 0;         ///< bitmap words of `current` before this one are full
    Block* unseen = nullptr;   ///< the first block that may have free cells; null: none has
  };

  static uint32_t class_of(size_t words);
  static uint32_t class_words(uint32_t size_class);
  Block* new_block(uint32_t cell_words, size_t bytes);
  void add_region();
  Word* allocate_slowly(size_t words);
  Word* allocate_large(size_t words);
  void take_run(SizeClass& list, uint32_t size_class);
  bool take_run_of_current(SizeClass& list);
  bool is_swept(const Block* block) const { return block->epoch == epoch_; }
  /// Updates the live bits. Returns true if no object is left.
  bool sweep(Block* block);
  void release(Block* block);

  Slabs slabs_;
  SizeClass classes_[kClasses];
  std::vector<Block*> blocks_;       ///< all blocks, those of large objects included
  std::vector<Block*> free_blocks_;  ///< of kBlockBytes
  size_t returned_ = 0;              ///< the first `returned_` free blocks have no memory: the system has it
  size_t wanted_blocks_ = 0;         ///< the most blocks in use lately: that number is worth keeping
  std::vector<Mapping> regions_;     ///< the memory of blocks_ and free_blocks_
  size_t sweep_at_ = 0;              ///< blocks_ from this index on may be unswept
  uint64_t epoch_ = 0;               ///< number of completed markings
  size_t used_words_ = 0;            ///< in blocks, runs included
  size_t freed_words_ = 0;           ///< found dead in blocks
  size_t committed_bytes_ = 0;       ///< for blocks
  bool marking_ = false;
};

}  // namespace fble
