#include "gc/old_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace fble {

namespace {

constexpr size_t kRegionBlocks = 8;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

OldSpace::~OldSpace() {
  for (Block* block : blocks_) {
    if (block->bytes != kBlockBytes) std::free(block);
  }
  for (void* region : regions_) std::free(region);
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

Block* OldSpace::new_block(uint32_t cell_words, size_t bytes) {
  Block* block = nullptr;
  if (bytes == kBlockBytes) {
    if (free_blocks_.empty()) {
      void* region = std::aligned_alloc(kBlockBytes, kRegionBlocks * kBlockBytes);
      if (region == nullptr) return nullptr;
      regions_.push_back(region);
      for (size_t i = kRegionBlocks; i-- > 0;) {
        free_blocks_.push_back(reinterpret_cast<Block*>(static_cast<char*>(region) + i * kBlockBytes));
      }
    }
    block = free_blocks_.back();
    free_blocks_.pop_back();
  } else {
    block = static_cast<Block*>(std::aligned_alloc(kBlockBytes, bytes));
    if (block == nullptr) return nullptr;
  }
  committed_bytes_ += bytes;
  std::memset(static_cast<void*>(block), 0, sizeof(Block));
  block->cell_words = cell_words;
  block->bytes = bytes;
  block->cell_count = bytes == kBlockBytes
                          ? static_cast<uint32_t>((bytes - sizeof(Block)) / sizeof(Word) / cell_words)
                          : 1;
  block->reciprocal = ((uint64_t{1} << 32) + cell_words - 1) / cell_words;
  block->epoch = epoch_;
  // The new block is swept: it goes before the part of the list that a sweep has yet to visit.
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
  if (block == nullptr) return nullptr;
  block->live[0] = 1;
  if (marking_) block->mark[0] = 1;
  // Its size for accounting; no second cell is ever asked for.
  block->cell_words = static_cast<uint32_t>(words);
  used_words_ += words;
  return block->cells();
}

Word* OldSpace::allocate(size_t words) {
  FBLE_ASSERT(words >= 2);  // or there would be more cells in a block than bits
  if (words > kLargestCell) return allocate_large(words);
  const uint32_t size_class = class_of(words);
  SizeClass& list = classes_[size_class];
  for (;;) {
    if (list.current == nullptr) {
      Block* block = new_block(class_words(size_class), kBlockBytes);
      if (block == nullptr) return nullptr;
      block->previous = list.last;
      (list.last == nullptr ? list.first : list.last->next) = block;
      list.last = list.current = block;
      list.hint = 0;
    }
    Block* block = list.current;
    if (!is_swept(block)) sweep(block);
    const uint32_t bitmap_words = (block->cell_count + 63) / 64;
    for (; list.hint < bitmap_words; ++list.hint) {
      const uint64_t free = ~block->live[list.hint];
      if (free == 0) continue;
      const uint32_t bit = static_cast<uint32_t>(std::countr_zero(free));
      const uint32_t index = list.hint * 64 + bit;
      if (index >= block->cell_count) break;
      block->live[list.hint] |= uint64_t{1} << bit;
      if (marking_) block->mark[list.hint] |= uint64_t{1} << bit;
      used_words_ += block->cell_words;
      return block->cells() + static_cast<size_t>(index) * block->cell_words;
    }
    list.current = block->next;
    list.hint = 0;
  }
}

void OldSpace::end_marking() {
  marking_ = false;
  ++epoch_;
  sweep_at_ = 0;
  for (SizeClass& list : classes_) {
    list.current = list.first;
    list.hint = 0;
  }
}

bool OldSpace::sweep(Block* block) {
  size_t dead = 0;
  uint64_t any = 0;
  for (size_t i = 0; i < kMaxCells / 64; ++i) {
    const uint64_t dying = block->live[i] & ~block->mark[i];
    dead += static_cast<size_t>(std::popcount(dying));
#ifndef NDEBUG
    // Whoever still uses a dead object shall notice.
    for (uint64_t rest = dying; rest != 0; rest &= rest - 1) {
      Word* cell = block->cells() + (i * 64 + static_cast<size_t>(std::countr_zero(rest))) * block->cell_words;
      std::fill_n(cell, block->cell_words, Word{0xdeaddeaddeadde00});
    }
#endif
    block->live[i] &= block->mark[i];
    block->mark[i] = 0;
    any |= block->live[i];
  }
  used_words_ -= dead * block->cell_words;
  block->epoch = epoch_;
  return any == 0;
}

void OldSpace::sweep_some(size_t count) {
  for (; count > 0 && sweep_at_ < blocks_.size(); --count) {
    Block* block = blocks_[sweep_at_];
    if (is_swept(block) || !sweep(block)) {
      ++sweep_at_;
    } else if (block->bytes == kBlockBytes && classes_[class_of(block->cell_words)].current == block) {
      ++sweep_at_;  // the next object will go there
    } else {
      release(block);
    }
  }
}

/// Requires: the block is at sweep_at_, where the last block takes its place.
void OldSpace::release(Block* block) {
  if (block->bytes == kBlockBytes) {
    SizeClass& list = classes_[class_of(block->cell_words)];
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
  // Keep what the next cycle will probably want; give the pages of the rest back.
  if (free_blocks_.size() >= std::max<size_t>(kRegionBlocks, blocks_.size() / 4)) {
    madvise(block, kBlockBytes, MADV_DONTNEED);
  }
  free_blocks_.push_back(block);
}

}  // namespace fble
