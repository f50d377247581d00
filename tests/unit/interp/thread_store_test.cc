#include "interp/thread_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "interp/virtual_thread.h"

namespace fble {
namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

struct Chunk {
  Word* words;
  size_t slots;
};

/// Fills it with a pattern of its own.
Chunk make(ThreadStore& store, size_t slots, Word seed) {
  Chunk chunk{store.new_chunk(slots), slots};
  for (size_t i = 0; i < slots; ++i) chunk.words[i] = seed + i;
  return chunk;
}

TEST(ThreadStore, ChunksKeepTheirWordsUntilTheyAreFreed) {
  ThreadStore store;
  std::mt19937 random(1);
  std::vector<std::pair<Chunk, Word>> chunks;
  for (Word seed = 0; seed < 200'000; ++seed) {
    if (chunks.size() < 2000 || random() % 2 == 0) {
      // Small ones mostly, as those of threads are; a few are larger than any cell.
      const size_t slots = 1 + random() % (random() % 50 == 0 ? 600 : 40);
      chunks.emplace_back(make(store, slots, seed << 16), seed << 16);
      continue;
    }
    std::swap(chunks[random() % chunks.size()], chunks.back());
    const auto [chunk, first] = chunks.back();
    for (size_t i = 0; i < chunk.slots; ++i) ASSERT_EQ(chunk.words[i], first + i);
    store.free_chunk(chunk.words, chunk.slots);
    chunks.pop_back();
  }
  for (const auto& [chunk, first] : chunks) store.free_chunk(chunk.words, chunk.slots);
}

TEST(ThreadStore, ReturnsMemoryAsThreadsEnd) {
  ThreadStore store;
  std::vector<VirtualThread*> threads;
  std::vector<Chunk> chunks;
  for (int i = 0; i < 100'000; ++i) {
    threads.push_back(&store.new_thread());
    chunks.push_back(make(store, 5 + static_cast<size_t>(i) % 20, 7));
  }
  EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), threads.size());
  const size_t most = store.pool().bytes();
  EXPECT_GT(most, 100'000 * (sizeof(VirtualThread) + 5 * sizeof(Word)));
  // A fifth of the slabs keeps a thread; the others are free.
  for (size_t i = 0; i < threads.size(); ++i) {
    if (i / 500 % 5 == 0) continue;
    store.free_thread(*threads[i]);
    store.free_chunk(chunks[i].words, chunks[i].slots);
  }
  EXPECT_LT(store.pool().bytes(), most / 2);
  for (size_t i = 0; i < threads.size(); ++i) {
    if (i / 500 % 5 != 0) continue;
    store.free_thread(*threads[i]);
    store.free_chunk(chunks[i].words, chunks[i].slots);
  }
  EXPECT_LT(store.pool().bytes(), 2 * kMegabyte);
}

TEST(ThreadStore, ServesOneThreadAtATimeFromOneSlab) {
  ThreadStore store;
  VirtualThread* const first = &store.new_thread();
  store.free_thread(*first);
  for (int i = 0; i < 1000; ++i) {
    VirtualThread& thread = store.new_thread();
    EXPECT_EQ(&thread, first);
    EXPECT_EQ(thread.value, 0u);
    thread.value = 7;
    store.free_thread(thread);
  }
  EXPECT_EQ(store.pool().in_use(), 1u);
}

TEST(ThreadStore, ObjectsHaveCellsOfTheirOwn) {
  ThreadStore store;
  std::vector<void*> objects;
  for (size_t bytes = 1; bytes <= Cells::kLargestCell; ++bytes) {
    objects.push_back(store.new_object(bytes));
    std::fill_n(static_cast<uint8_t*>(objects.back()), bytes, static_cast<uint8_t>(bytes));
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(static_cast<uint8_t*>(objects[i])[i], static_cast<uint8_t>(i + 1));
    Cells::give(objects[i]);
  }
}

TEST(SlabPool, SlabsAreAligned) {
  SlabPool pool;
  std::set<void*> slabs;
  for (int i = 0; i < 1000; ++i) {
    void* slab = pool.take();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(slab) % SlabPool::kSlabBytes, 0u);
    *static_cast<Word*>(slab) = 1;
    EXPECT_TRUE(slabs.insert(slab).second);
  }
  for (void* slab : slabs) pool.give(slab);
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_LE(pool.bytes(), 2 * kMegabyte);
}

}  // namespace
}  // namespace fble
