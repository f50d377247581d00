#include "interp/thread_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "gc/old_space.h"
#include "interp/virtual_thread.h"

namespace fble {
namespace {

/// Slabs are mapped in regions of this part of those in use, within these limits.
constexpr size_t kRegionOneIn = 8;
constexpr size_t kFewestSlabs = 16;
constexpr size_t kMostSlabs = 512;

/// Free slabs keep their memory up to this number and this part of those in use.
constexpr size_t kFewestKept = 64;
constexpr size_t kKeptOneIn = 4;

}  // namespace

// ---- slabs ------------------------------------------------------------------

void SlabPool::add_region() {
  const size_t count = std::clamp(in_use_ / kRegionOneIn, kFewestSlabs, kMostSlabs);
  Mapping region = Mapping::not_zeroed((count + 1) * kSlabBytes);
  if (region.begin() == nullptr) system_out_of_memory();
  const uintptr_t start = (reinterpret_cast<uintptr_t>(region.begin()) + kSlabBytes - 1) / kSlabBytes * kSlabBytes;
  for (size_t i = count; i-- > 0;) free_.push_back(reinterpret_cast<void*>(start + i * kSlabBytes));
  returned_ = free_.size();
  regions_.push_back(std::move(region));
}

void* SlabPool::take() {
  if (free_.empty()) add_region();
  void* slab = free_.back();
  free_.pop_back();
  returned_ = std::min(returned_, free_.size());
  ++in_use_;
  return slab;
}

void SlabPool::give(void* slab) {
  free_.push_back(slab);
  --in_use_;
  // Two for each one, so that they become fewer while those in use do.
  for (int i = 0; i < 2 && free_.size() - returned_ > kFewestKept + in_use_ / kKeptOneIn; ++i) {
    madvise(free_[returned_++], kSlabBytes, MADV_DONTNEED);
  }
}

// ---- cells ------------------------------------------------------------------

/// The head of a slab; its cells follow. A free cell that was used holds the address of the next one.
struct Cells::Slab {
  Cells* owner;
  Slab* next;
  Slab* previous;
  void* free;
  uint32_t used;   ///< the number of used cells
  uint32_t fresh;  ///< the offset in bytes of the cells that were never used
};

bool Cells::is_full(const Slab& slab) const {
  return slab.free == nullptr && slab.fresh + cell_bytes_ > SlabPool::kSlabBytes;
}

void Cells::link(Slab& slab) {
  slab.previous = nullptr;
  slab.next = first_;
  if (first_ != nullptr) first_->previous = &slab;
  first_ = &slab;
}

void Cells::unlink(Slab& slab) {
  (slab.previous != nullptr ? slab.previous->next : first_) = slab.next;
  if (slab.next != nullptr) slab.next->previous = slab.previous;
}

void* Cells::take() {
  if (first_ == nullptr) {
    Slab* made = new (pool_.take()) Slab{};
    made->owner = this;
    made->fresh = sizeof(Slab);
    link(*made);
  }
  Slab& slab = *first_;
  void* cell = slab.free;
  if (cell != nullptr) {
    slab.free = *static_cast<void**>(cell);
  } else {
    cell = reinterpret_cast<char*>(&slab) + slab.fresh;
    slab.fresh += static_cast<uint32_t>(cell_bytes_);
  }
  ++slab.used;
  if (is_full(slab)) unlink(slab);
  return cell;
}

void Cells::give(void* cell) {
  Slab& slab = *reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(cell) & ~(SlabPool::kSlabBytes - 1));
  Cells& owner = *slab.owner;
  const bool was_full = owner.is_full(slab);
  *static_cast<void**>(cell) = slab.free;
  slab.free = cell;
  if (was_full) owner.link(slab);
  if (--slab.used != 0) return;
  // The last one is kept: it may be needed again soon.
  if (owner.first_ == &slab && slab.next == nullptr) return;
  owner.unlink(slab);
  owner.pool_.give(&slab);
}

// ---- threads and their frames -----------------------------------------------

namespace {

template <size_t... kIndex>
std::array<Cells, sizeof...(kIndex)> make_classes(SlabPool& pool, size_t step, std::index_sequence<kIndex...>) {
  return {Cells(pool, (kIndex + 1) * step)...};
}

}  // namespace

ThreadStore::ThreadStore()
    : threads_(pool_, (sizeof(VirtualThread) + sizeof(Word) - 1) / sizeof(Word) * sizeof(Word)),
      chunks_(make_classes(pool_, kSlotsPerClass * sizeof(Word), std::make_index_sequence<kClasses>())) {
  static_assert(sizeof(VirtualThread) <= Cells::kLargestCell);
}

VirtualThread& ThreadStore::new_thread() { return *new (threads_.take()) VirtualThread; }

void ThreadStore::free_thread(VirtualThread& thread) {
  thread.~VirtualThread();
  Cells::give(&thread);
}

Word* ThreadStore::new_chunk(size_t slots) {
  if (slots * sizeof(Word) <= Cells::kLargestCell) return static_cast<Word*>(chunks_[class_of(slots)].take());
  Word* chunk = static_cast<Word*>(std::malloc(slots * sizeof(Word)));
  if (chunk == nullptr) system_out_of_memory();
  return chunk;
}

void ThreadStore::free_chunk(Word* chunk, size_t slots) {
  if (slots * sizeof(Word) <= Cells::kLargestCell) return Cells::give(chunk);
  std::free(chunk);
}

}  // namespace fble
