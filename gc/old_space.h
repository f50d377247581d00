// The old space: objects that survived, in blocks of equal cells, never moved.
//
//   block (16 KiB, aligned)
//   [ header: cell size | live bits | mark bits ][ cell ][ cell ] ...
//
// Blocks are aligned, so the block of an object is its address with the low bits
// cleared. A cell is free exactly when its live bit is clear. Sweeping a block is
// `live &= mark`, a few words of work that is put off until somebody wants to
// allocate in the block or a step of the collector comes by. An object that is
// too large for a cell has a block of its own, as long as it needs.
//
// Tested by tests/unit/gc/old_space_test.cc.
#pragma once

#include <vector>

#include "gc/object.h"

namespace fble {

inline constexpr size_t kBlockBytes = 16 * 1024;
inline constexpr uint32_t kMaxCells = 1024;

struct Block {
  uint32_t cell_words;
  uint32_t cell_count;
  uint64_t reciprocal;  ///< ceil(2^32 / cell_words), to divide by cell_words
  size_t bytes;         ///< kBlockBytes, or more for a large object
  Block* next;          ///< in the list of its size class
  Block* previous;
  size_t position;      ///< in OldSpace::blocks_
  uint64_t epoch;       ///< of the marking that the live bits are up to date with
  uint64_t live[kMaxCells / 64];
  uint64_t mark[kMaxCells / 64];

  Word* cells() { return reinterpret_cast<Word*>(this + 1); }
  uint32_t index_of(const Object* object) const {
    const size_t words = static_cast<size_t>(reinterpret_cast<const Word*>(object) -
                                             reinterpret_cast<const Word*>(this + 1));
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

  /// Memory for an object of `words` words, live and, during marking, marked.
  /// Null when the system has no memory left.
  Word* allocate(size_t words);

  static Block* block_of(const Object* object) {
    return reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(object) & ~(kBlockBytes - 1));
  }

  static bool is_marked(const Object* object) {
    const Block* block = block_of(object);
    const uint32_t index = block->index_of(object);
    return (block->mark[index / 64] >> (index % 64) & 1) != 0;
  }
  /// Marks the object; false if it was marked already.
  static bool mark(const Object* object) {
    Block* block = block_of(object);
    const uint32_t index = block->index_of(object);
    uint64_t& bits = block->mark[index / 64];
    const uint64_t bit = uint64_t{1} << (index % 64);
    if ((bits & bit) != 0) return false;
    bits |= bit;
    return true;
  }

  /// From now on new objects are marked. Requires: no sweep is pending.
  void begin_marking() { marking_ = true; }
  /// What is not marked is dead from here on; its cells become free as blocks are swept.
  void end_marking();

  bool sweeping() const { return sweep_at_ < blocks_.size(); }
  /// Sweeps up to `blocks` blocks.
  void sweep_some(size_t blocks);

  /// Words in cells that are live or not yet known to be dead.
  size_t used_words() const { return used_words_; }
  /// Bytes taken from the system and not given back.
  size_t committed_bytes() const { return committed_bytes_; }

  /// Calls `visit(Object*)` for each live object. Requires: no sweep is pending.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Block* block : blocks_) {
      for (uint32_t i = 0; i < block->cell_count; ++i) {
        if ((block->live[i / 64] >> (i % 64) & 1) == 0) continue;
        visit(reinterpret_cast<Object*>(block->cells() + static_cast<size_t>(i) * block->cell_words));
      }
    }
  }

 private:
  static constexpr uint32_t kExactClasses = 32;  ///< one class per size up to here, in words
  static constexpr uint32_t kLargestCell = 512;
  static constexpr uint32_t kClasses = kExactClasses + 1 + 10;

  struct SizeClass {
    Block* first = nullptr;
    Block* last = nullptr;
    Block* current = nullptr;  ///< blocks before this one are full; null: all are
    uint32_t hint = 0;         ///< in `current`, bitmap words before this one are full
  };

  static uint32_t class_of(size_t words);
  static uint32_t class_words(uint32_t size_class);
  Block* new_block(uint32_t cell_words, size_t bytes);
  Word* allocate_large(size_t words);
  bool is_swept(const Block* block) const { return block->epoch == epoch_; }
  /// Brings the live bits up to date. True if no object is left.
  bool sweep(Block* block);
  void release(Block* block);

  SizeClass classes_[kClasses];
  std::vector<Block*> blocks_;       ///< all blocks, those of large objects included
  std::vector<Block*> free_blocks_;  ///< of kBlockBytes
  std::vector<void*> regions_;       ///< what has to be freed in the end
  size_t sweep_at_ = 0;              ///< blocks_ from here on may be unswept
  uint64_t epoch_ = 0;               ///< number of completed markings
  size_t used_words_ = 0;
  size_t committed_bytes_ = 0;
  bool marking_ = false;
};

}  // namespace fble
