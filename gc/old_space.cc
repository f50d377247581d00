#include "gc/old_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "gc/params.h"

namespace fble {

namespace {

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

OldSpace::~OldSpace() {
  for (Block* block : blocks_) {
    if (block->bytes != kBlockBytes) std::free(block);
  }
}

uint32_t OldSpace::class_of(size_t words) {
  if (words <= kExactClasses) return static_cast<uint32_t>(words);
  uint32_t size_class = kExactClasses + 1;
  while (class_words(size_class) < words) ++size_class;
  return size_class;
}

uint32_t OldSpace::class_words(uint32_t size_class) {
  if (size_class <= kExactClasses) return size_class;
  // 40 48 64 96 128 192 256 384 512: at most a third is wasted.
  static constexpr uint32_t kSizes[] = {40, 48, 64, 96, 128, 192, 256, 384, kLargestCell, kLargestCell};
  return kSizes[size_class - kExactClasses - 1];
}

/// Requires: there is no free block.
void OldSpace::add_region() {
  const size_t bytes =
      round_up(std::clamp(committed_bytes_ / 16, kSmallestRegionBytes, kLargestRegionBytes), kBlockBytes);
  // The mapping is one block larger than needed; the unaligned ends are never used.
  Mapping memory = Mapping::not_zeroed(bytes + kBlockBytes);
  if (memory.begin() == nullptr) system_out_of_memory();
  const uintptr_t region = round_up(reinterpret_cast<uintptr_t>(memory.begin()), kBlockBytes);
  regions_.push_back(std::move(memory));
  for (uintptr_t block = region + bytes; block != region;) {
    block -= kBlockBytes;
    free_blocks_.push_back(reinterpret_cast<Block*>(block));
  }
  returned_ = free_blocks_.size();
}

Block* OldSpace::new_block(uint32_t cell_words, size_t bytes) {
  Block* block = nullptr;
  if (bytes == kBlockBytes) {
    if (free_blocks_.empty()) add_region();
    block = free_blocks_.back();
    free_blocks_.pop_back();
    returned_ = std::min(returned_, free_blocks_.size());
  } else {
    block = static_cast<Block*>(std::aligned_alloc(kBlockBytes, bytes));
    if (block == nullptr) system_out_of_memory();
  }
  committed_bytes_ += bytes;
  std::memset(static_cast<void*>(block), 0, sizeof(Block));
  block->cell_words = cell_words;
  block->bytes = bytes;
  block->cell_count =
      bytes == kBlockBytes ? static_cast<uint32_t>((bytes - sizeof(Block)) / sizeof(Word) / cell_words) : 1;
  block->reciprocal = ((uint64_t{1} << 32) + cell_words - 1) / cell_words;
  block->epoch = epoch_;
  // The new block counts as swept: it goes before the part of the list that the sweep has not visited yet.
  block->position = blocks_.size();
  blocks_.push_back(block);
  if (sweep_at_ + 1 < blocks_.size()) {
    Block* moved = blocks_[sweep_at_];
    std::swap(blocks_[sweep_at_], blocks_.back());
    std::swap(moved->position, block->position);
    ++sweep_at_;
  } else {
    sweep_at_ = blocks_.size();
  }
  return block;
}

Word* OldSpace::allocate_large(size_t words) {
  const size_t bytes = round_up(sizeof(Block) + words * sizeof(Word), kBlockBytes);
  Block* block = new_block(1, bytes == kBlockBytes ? 2 * kBlockBytes : bytes);
  block->live[0] = 1;
  if (marking_) block->mark[0] = 1;
  // The size is for accounting; the block never has a second cell.
  block->cell_words = static_cast<uint32_t>(words);
  used_words_ += words;
  return block->cells();
}

Word* OldSpace::allocate_slowly(size_t words) {
  FBLE_ASSERT(words >= 2);  // or there would be more cells in a block than bits
  if (words > kLargestCell) return allocate_large(words);
  const uint32_t size_class = class_of(words);
  SizeClass& list = classes_[size_class];
  if (list.next == list.end) take_run(list, size_class);
  Word* cell = list.next;
  list.next += class_words(size_class);
  return cell;
}

/// Finds free cells for a class whose run is used up. After a marking that found little dead, nearly all blocks are
/// full. Taking a new block is then cheaper and faster than searching on. A new block is taken only after kMostSeen
/// blocks were searched, so there are few of these.
void OldSpace::take_run(SizeClass& list, uint32_t size_class) {
  list.in_slab = false;
  if (list.current != nullptr && take_run_of_current(list)) return;
  for (size_t seen = 0; seen < kMostSeen && list.unseen != nullptr; ++seen) {
    list.current = list.unseen;
    list.unseen = list.unseen->next;
    list.hint = 0;
    if (take_run_of_current(list)) return;
  }
  // Slabs are walked from object to object, so a cell there must have exactly the size of its object.
  if (size_class <= kExactClasses) {
    const size_t words = class_words(size_class);
    if (slabs_.take_run(words, list.next, list.end, marking_) ||
        (slabs_.open() && slabs_.take_run(words, list.next, list.end, marking_))) {
      list.in_slab = true;
      return;
    }
  }
  Block* block = new_block(class_words(size_class), kBlockBytes);
  block->previous = list.last;
  (list.last == nullptr ? list.first : list.last->next) = block;
  list.last = list.current = block;
  list.hint = 0;
  take_run_of_current(list);
}

bool OldSpace::take_run_of_current(SizeClass& list) {
  Block* block = list.current;
  if (!is_swept(block)) sweep(block);
  const uint32_t bitmap_words = (block->cell_count + 63) / 64;
  for (; list.hint < bitmap_words; ++list.hint) {
    const uint64_t free = ~block->live[list.hint];
    if (free == 0) continue;
    const uint32_t bit = static_cast<uint32_t>(std::countr_zero(free));
    const uint32_t index = list.hint * 64 + bit;
    if (index >= block->cell_count) break;
    const uint32_t count = std::min(static_cast<uint32_t>(std::countr_one(free >> bit)), block->cell_count - index);
    const uint64_t bits = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
    block->live[list.hint] |= bits;
    if (marking_) block->mark[list.hint] |= bits;
    used_words_ += static_cast<size_t>(count) * block->cell_words;
    list.next = block->cells() + static_cast<size_t>(index) * block->cell_words;
    list.end = list.next + static_cast<size_t>(count) * block->cell_words;
    return true;
  }
  return false;
}

void OldSpace::put_back_runs() {
  for (SizeClass& list : classes_) {
    if (list.next == list.end) continue;
    if (list.in_slab) {
      slabs_.put_back_run(list.next, list.end, class_words(static_cast<uint32_t>(&list - classes_)), marking_);
      list.next = list.end = nullptr;
      continue;
    }
    Block* block = list.current;
    const uint32_t first = block->index_of(reinterpret_cast<Object*>(list.next));
    const uint32_t count = static_cast<uint32_t>(static_cast<size_t>(list.end - list.next) / block->cell_words);
    const uint64_t bits = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << (first % 64);
    block->live[first / 64] &= ~bits;
    block->mark[first / 64] &= ~bits;
    used_words_ -= static_cast<size_t>(list.end - list.next);
    list.next = list.end = nullptr;
  }
}

void OldSpace::end_marking() {
  put_back_runs();
  wanted_blocks_ = std::max({blocks_.size(), wanted_blocks_ - wanted_blocks_ / kForgetWantedOneIn, kKeptBlocks});
  marking_ = false;
  slabs_.end_marking();
  ++epoch_;
  sweep_at_ = 0;
  for (SizeClass& list : classes_) {
    list.current = nullptr;
    list.unseen = list.first;
  }
}

bool OldSpace::sweep(Block* block) {
  size_t dead = 0;
  uint64_t any = 0;
  for (size_t i = 0; i < kMaxCells / 64; ++i) {
    const uint64_t dying = block->live[i] & ~block->mark[i];
    dead += static_cast<size_t>(std::popcount(dying));
#ifndef NDEBUG
    // Poisons dead objects, so that a use of one is noticed.
    for (uint64_t rest = dying; rest != 0; rest &= rest - 1) {
      Word* cell = block->cells() + (i * 64 + static_cast<size_t>(std::countr_zero(rest))) * block->cell_words;
      std::fill_n(cell, block->cell_words, kPoison);
    }
#endif
    block->live[i] &= block->mark[i];
    block->mark[i] = 0;
    any |= block->live[i];
  }
  used_words_ -= dead * block->cell_words;
  freed_words_ += dead * block->cell_words;
  block->epoch = epoch_;
  return any == 0;
}

void OldSpace::sweep_some(size_t count) {
  for (; count > 0 && sweep_at_ < blocks_.size(); --count) {
    Block* block = blocks_[sweep_at_];
    if (is_swept(block) || !sweep(block)) {
      ++sweep_at_;
    } else if (block->bytes == kBlockBytes && classes_[class_of(block->cell_words)].current == block) {
      ++sweep_at_;  // the next object will be allocated there
    } else {
      release(block);
    }
  }
  for (; count > 0 && slabs_.sweeping(); count -= std::min(count, kSlabAsBlocks)) slabs_.sweep_one();
}

/// Requires: the block is at sweep_at_, where the last block takes its place.
void OldSpace::release(Block* block) {
  if (block->bytes == kBlockBytes) {
    SizeClass& list = classes_[class_of(block->cell_words)];
    if (list.unseen == block) list.unseen = block->next;
    (block->previous == nullptr ? list.first : block->previous->next) = block->next;
    (block->next == nullptr ? list.last : block->next->previous) = block->previous;
  }
  blocks_[block->position] = blocks_.back();
  blocks_[block->position]->position = block->position;
  blocks_.pop_back();
  committed_bytes_ -= block->bytes;
  if (block->bytes != kBlockBytes) {
    std::free(block);
    return;
  }
  free_blocks_.push_back(block);
}

bool OldSpace::return_some_memory() {
  const bool are_slabs_returned = slabs_.return_some_memory();
  // Keeps what the next cycle will need if it is like the last ones.
  const auto has_more = [&] {
    return returned_ < free_blocks_.size() && blocks_.size() + free_blocks_.size() - returned_ > wanted_blocks_;
  };
  for (size_t count = kReturnedBlocksPerStep; count > 0 && has_more(); --count) {
    madvise(free_blocks_[returned_++], kBlockBytes, MADV_DONTNEED);
  }
  return are_slabs_returned && !has_more();
}

void OldSpace::freeze_some(size_t promoted, bool stress) {
  slabs_.freeze_some(promoted, stress, [&](const Slab* slab) {
    return std::any_of(std::begin(classes_), std::end(classes_), [&](const SizeClass& list) {
      return list.in_slab && list.next != list.end && slabs_.slab_of(list.next) == slab;
    });
  });
}

void OldSpace::forget_wanted() {
  wanted_blocks_ = std::max(blocks_.size(), kKeptBlocks);
  slabs_.forget_wanted();
}

}  // namespace fble
