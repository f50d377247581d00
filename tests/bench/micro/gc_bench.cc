// The heap alone: allocation, minor collections by the share of survivors, marking, pauses.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "gc/heap.h"

namespace fble {
namespace {

/// A set of live words.
struct Roots final : RootReporter {
  void report_roots(Collector& collector, bool minor) override {
    static_cast<void>(minor);
    collector.visit_range(words.data(), words.size());
  }
  size_t stack_bytes() const override { return words.size() * sizeof(Word); }
  std::vector<Word> words;
};

/// A heap, and the pointer that allocation moves.
struct Mutator {
  explicit Mutator(const HeapOptions& options = {}) : heap(options), ap(heap.nursery_start()) {}

  Word pair(Word first, Word second) {
    if (ap + object_words(2) > heap.limit()) [[unlikely]] {
      roots.words.push_back(first);
      roots.words.push_back(second);
      ap = heap.make_room(ap, object_words(2), roots);
      second = roots.words.back();
      roots.words.pop_back();
      first = roots.words.back();
      roots.words.pop_back();
    }
    auto* object = reinterpret_cast<Object*>(ap);
    object->header = Object::make_header(ObjectKind::kStruct, 2);
    object->fields[0] = first;
    object->fields[1] = second;
    ap += object_words(2);
    return from_object(object);
  }

  Heap heap;
  Roots roots;
  Word* ap;
};

void report_heap(benchmark::State& state, const Heap& heap) {
  const HeapStats& stats = heap.stats();
  state.counters["minor"] = static_cast<double>(stats.minor_collections);
  state.counters["full"] = static_cast<double>(stats.full_collections);
  state.counters["longest_pause_us"] = static_cast<double>(stats.longest_pause_ns) / 1000;
  state.counters["pause_share"] =
      benchmark::Counter(static_cast<double>(stats.total_pause_ns) * 1e-9, benchmark::Counter::kIsRate);
}

/// Measures objects that die immediately: moving a pointer, and collections that find no live object.
void BM_AllocateGarbage(benchmark::State& state) {
  Mutator mutator;
  for (auto _ : state) benchmark::DoNotOptimize(mutator.pair(kUnitWord, kUnitWord));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * object_words(2) * sizeof(Word)));
  report_heap(state, mutator.heap);
}
BENCHMARK(BM_AllocateGarbage);

/// Measures survivors: one object of every `range(0)` lives for a while, in a window of the last 1024 of them.
void BM_AllocateSurvivors(benchmark::State& state) {
  const auto period = static_cast<uint64_t>(state.range(0));
  Mutator mutator;
  mutator.roots.words.assign(1024, kUnitWord);
  uint64_t made = 0;
  uint64_t until = period;
  for (auto _ : state) {
    const Word word = mutator.pair(kUnitWord, kUnitWord);
    if (--until == 0) {
      until = period;
      mutator.roots.words[made++ % 1024] = word;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  report_heap(state, mutator.heap);
}
BENCHMARK(BM_AllocateSurvivors)->Arg(1)->Arg(10)->Arg(100);

/// Measures promotion: a list grows to `range(0)` cells and is then dropped. All of it is promoted.
void BM_Promote(benchmark::State& state) {
  Mutator mutator;
  for (auto _ : state) {
    mutator.roots.words.assign(1, kUnitWord);
    for (int64_t i = 0; i < state.range(0); ++i) {
      mutator.roots.words[0] = mutator.pair(kUnitWord, mutator.roots.words[0]);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
  report_heap(state, mutator.heap);
}
BENCHMARK(BM_Promote)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

Word full_tree(Mutator& mutator, int depth) {
  if (depth == 0) return kUnitWord;
  mutator.roots.words.push_back(full_tree(mutator, depth - 1));
  const Word second = full_tree(mutator, depth - 1);
  const Word first = mutator.roots.words.back();
  mutator.roots.words.pop_back();
  return mutator.pair(first, second);
}

/// Measures a full collection with a live tree of 2^depth objects.
void BM_FullCollection(benchmark::State& state) {
  const auto depth = static_cast<int>(state.range(0));
  Mutator mutator;
  const Word tree = full_tree(mutator, depth);
  mutator.roots.words.push_back(tree);
  for (auto _ : state) mutator.ap = mutator.heap.collect_all(mutator.ap, mutator.roots);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) << depth);
  report_heap(state, mutator.heap);
}
BENCHMARK(BM_FullCollection)->Arg(10)->Arg(16)->Arg(20)->Unit(benchmark::kMillisecond);

/// Measures the longest pause while garbage is made, a tree of 2^depth objects
/// lives, and trees of 2^8 objects are made and dropped.
void BM_PauseWithLargeHeap(benchmark::State& state) {
  const auto depth = static_cast<int>(state.range(0));
  Mutator mutator;
  const Word tree = full_tree(mutator, depth);
  mutator.roots.words.push_back(tree);
  mutator.roots.words.resize(1 + 4096, kUnitWord);
  uint64_t made = 0;
  for (auto _ : state) {
    const Word small = full_tree(mutator, 8);
    mutator.roots.words[1 + made++ % 4096] = small;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) << 8);
  report_heap(state, mutator.heap);
}
BENCHMARK(BM_PauseWithLargeHeap)->Arg(10)->Arg(20)->Arg(22);

}  // namespace
}  // namespace fble
