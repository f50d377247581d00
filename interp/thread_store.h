// The thread store: memory for the records of threads and for the frames of those that have no call stack.
//
// All of it is in cells of slabs, a size per slab. A slab that is free as a whole serves another size, or is returned
// to the system. So what a million threads have used is returned when most of them have ended, however many are left.
//
// Tested by tests/unit/interp/thread_store_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "interp/call_stack.h"

namespace fble {

struct VirtualThread;

/// Slabs of equal size, each aligned to it.
class SlabPool {
 public:
  static constexpr size_t kSlabBytes = size_t{16} << 10;

  /// Returns a slab. Ends the process if the system has no memory left.
  void* take();
  /// Takes a slab back. Free slabs beyond a part of those in use lose their memory.
  void give(void* slab);

  size_t in_use() const { return in_use_; }
  /// Returns the bytes of slabs that may have memory of the system.
  size_t bytes() const { return (in_use_ + free_.size() - returned_) * kSlabBytes; }

 private:
  void add_region();

  std::vector<Mapping> regions_;
  std::vector<void*> free_;
  size_t returned_ = 0;  ///< the first `returned_` slabs of free_ have no memory: the system has it
  size_t in_use_ = 0;
};

/// Cells of one size. A slab with a free cell is in a list, and a slab without a used one is the pool's.
class Cells {
 public:
  static constexpr size_t kLargestCell = 2048;

  /// Requires: `bytes` is a multiple of 8, at most kLargestCell.
  Cells(SlabPool& pool, size_t bytes) : pool_(pool), cell_bytes_(bytes) {}
  Cells(const Cells&) = delete;

  void* take();
  /// Takes a cell back, whichever Cells it is of.
  static void give(void* cell);

 private:
  struct Slab;
  bool is_full(const Slab& slab) const;
  void unlink(Slab& slab);
  void link(Slab& slab);

  SlabPool& pool_;
  const size_t cell_bytes_;
  Slab* first_ = nullptr;  ///< of those that have a free cell
};

class ThreadStore {
 public:
  ThreadStore();

  VirtualThread& new_thread();
  static void free_thread(VirtualThread& thread);

  /// Returns memory for frames. To be freed with the same size.
  Word* new_chunk(size_t slots);
  static void free_chunk(Word* chunk, size_t slots);

  /// Returns a cell for an object of at most Cells::kLargestCell bytes; Cells::give takes it back.
  void* new_object(size_t bytes) { return chunks_[class_of((bytes + sizeof(Word) - 1) / sizeof(Word))].take(); }

  const SlabPool& pool() const { return pool_; }

 private:
  static constexpr size_t kSlotsPerClass = 4;
  static constexpr size_t kClasses = Cells::kLargestCell / sizeof(Word) / kSlotsPerClass;

  static size_t class_of(size_t slots) { return (slots - 1) / kSlotsPerClass; }

  SlabPool pool_;
  Cells threads_;
  std::array<Cells, kClasses> chunks_;  ///< by size; larger ones are the system's
};

}  // namespace fble
