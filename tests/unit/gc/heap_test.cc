// The heap against an obvious model: objects with identities that never move,
// and a walk over all reachable objects.
#include "gc/heap.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace fble {
namespace {

// ---- the model --------------------------------------------------------------

struct ModelObject;

/// A word and the model's description of it.
struct Value {
  Word word = kUnitWord;
  ModelObject* object = nullptr;  ///< null unless the word is a pointer
};

struct ModelObject {
  ObjectKind kind;
  uint32_t tag = 0;
  std::vector<Word> raw;      ///< fields that the collector must not read
  std::vector<Value> values;  ///< the others; `word` counts only if there is no object
  uint64_t native = 0;        ///< number of the native resource
};

std::set<uint64_t> live_resources;

class Resource final : public NativeResource {
 public:
  explicit Resource(uint64_t number) : number_(number) { EXPECT_TRUE(live_resources.insert(number).second); }
  ~Resource() override { EXPECT_EQ(live_resources.erase(number_), 1u); }
  uint64_t number() const { return number_; }

 private:
  uint64_t number_;
};

/// A thread in small: roots that are always visited, globals that are visited
/// when they have changed, and a stack of frames with one word each, of which
/// only those that ran since the last collection may have changed.
class Mutator final : public RootReporter {
 public:
  Mutator(const HeapOptions& options, uint64_t seed)
      : heap(options),
        random_(seed),
        may_share_(options.share_from_bytes == 0 || options.stress != 0),
        tags_(options.share_from_bytes == 0 ? 3 : Object::kMaxTag + 1) {
    ap_ = heap.nursery_start();
    roots_.resize(24);
    globals_.resize(12);
    stack_.resize(1);
  }

  Heap heap;

  void step() {
    switch (below(26)) {
      case 0: return make_native();
      case 1: return make_large();
      case 2:
      case 3: stack_.push_back(roots_[below(roots_.size())]); return;
      case 4:
      case 5: return pop(1);
      case 6:
        // A deep recursion or a return from one.
        if (below(20) == 0) {
          const Value value = roots_[below(roots_.size())];
          for (uint32_t i = below(200); i > 0; --i) stack_.push_back(value);
        } else if (below(10) == 0) {
          pop(below(400));
        }
        return;
      case 7: return set_global(below(globals_.size()), any());
      case 8: return root() = globals_[below(globals_.size())], void();
      case 9: return root() = Value{}, void();
      case 10: return declare();
      case 11: return define();
      case 12:
      case 13:
      case 14:
      case 15: return load();
      default: return make_object(below(12) == 0 ? below(80) : below(5));
    }
  }

  void make_object(uint32_t count) {
    const uint32_t kind = below(4);
    auto* object = new_model(kind == 0                    ? ObjectKind::kUnion
                             : kind == 1                  ? ObjectKind::kClosure
                             : kind == 2 && below(4) == 0 ? ObjectKind::kBytes
                                                          : ObjectKind::kStruct);
    if (object->kind == ObjectKind::kUnion) count = 1;
    if (object->kind == ObjectKind::kStruct && count == 0) count = 1;
    object->tag = below(tags_);
    if (object->kind == ObjectKind::kClosure) object->raw.push_back((tags_ == 3 ? below(3) : random_()) & ~Word{3});
    if (object->kind == ObjectKind::kBytes) {
      for (uint32_t i = 0; i <= count; ++i) object->raw.push_back(random_());
      count = 0;
    }
    // Chosen by place: making room may move what the words point to.
    std::vector<Value*> sources;
    for (uint32_t i = 0; i < count; ++i) sources.push_back(&any());
    finish(object, sources);
  }

  void make_large() {
    if (below(8) != 0) return;
    auto* object = new_model(ObjectKind::kStruct);
    std::vector<Value*> sources;
    for (uint32_t i = 400 + below(400); i > 0; --i) sources.push_back(&any());
    finish(object, sources);
  }

  void make_native() {
    auto* object = new_model(ObjectKind::kNative);
    object->native = next_native_++;
    Word* memory = allocate(2);
    memory[0] = Object::make_header(ObjectKind::kNative, 1);
    memory[1] = reinterpret_cast<Word>(static_cast<NativeResource*>(new Resource(object->native)));
    heap.register_native(reinterpret_cast<Object*>(memory));
    root() = {reinterpret_cast<Word>(memory), object};
  }

  /// Makes an object with a placeholder, to be patched later.
  void declare() {
    if (pending_.size() >= 6) return;
    auto* object = new_model(ObjectKind::kStruct);
    Value* first = &any();
    Word* memory = allocate(3);
    memory[0] = Object::make_header(ObjectKind::kStruct, 2);
    memory[1] = first->word;
    memory[2] = make_placeholder(++next_placeholder_);
    object->values = {*first, {memory[2], nullptr}};
    const Value value{reinterpret_cast<Word>(memory), object};
    pending_.push_back(value);
    root() = value;
  }

  void define() {
    if (pending_.empty()) return;
    const Value value = any();
    Object* object = as_object(pending_.back().word);
    object->fields[1] = value.word;
    pending_.back().object->values[1] = value;
    heap.remember(object);
    pending_.pop_back();
  }

  void load() {
    const Value value = any();
    if (value.object == nullptr || value.object->values.empty()) return;
    const uint32_t index = below(value.object->values.size());
    const Word word = as_object(value.word)->fields[value.object->raw.size() + index];
    const Value expected = value.object->values[index];
    if (expected.object == nullptr) {
      ASSERT_EQ(word, expected.word);
    }
    root() = {word, expected.object};
  }

  void pop(size_t count) {
    for (; count > 0 && stack_.size() > 1; --count) stack_.pop_back();
    // The caller runs, so its frame may change now.
    ran_down_to_ = std::min(ran_down_to_, stack_.size() - 1);
    if (below(2) == 0) stack_.back() = roots_[below(roots_.size())];
  }

  void set_global(uint32_t index, const Value& value) {
    globals_[index] = value;
    dirty_globals_.push_back(index);
  }

  void collect_all() { ap_ = heap.collect_all(ap_, *this); }

  /// Compares all reachable objects.
  void check() {
    std::set<std::pair<Word, ModelObject*>> seen;
    std::unordered_map<Word, ModelObject*> firsts;
    std::unordered_map<ModelObject*, Word> places;
    std::vector<Value> work;
    for (const std::vector<Value>* values : {&roots_, &globals_, &stack_, &pending_}) {
      work.insert(work.end(), values->begin(), values->end());
    }
    std::unordered_set<uint64_t> natives;
    live_words_ = 0;
    while (!work.empty()) {
      const Value value = work.back();
      work.pop_back();
      if (value.object == nullptr) {
        ASSERT_FALSE(is_pointer(value.word));
        continue;
      }
      ASSERT_TRUE(is_pointer(value.word));
      // One place for each object; one object for each place, or several that are equal.
      ASSERT_EQ(places.emplace(value.object, value.word).first->second, value.word);
      if (!seen.emplace(value.word, value.object).second) continue;
      const ModelObject& model = *value.object;
      const Object* object = as_object(value.word);
      const bool is_first = firsts.emplace(value.word, value.object).second;
      if (!is_first) {
        ASSERT_TRUE(may_share_);
        ASSERT_LT(model.kind, ObjectKind::kNative);
        ++equals_;
      }
      ASSERT_FALSE(object->is_forwarded());
      ASSERT_EQ(object->kind(), model.kind);
      ASSERT_EQ(object->tag(), model.tag);
      if (is_first) live_words_ += object->size_words();
      if (model.kind == ObjectKind::kNative) {
        ASSERT_EQ(object->count(), 1u);
        const auto* resource = reinterpret_cast<NativeResource*>(object->fields[0]);
        ASSERT_TRUE(live_resources.contains(model.native));
        ASSERT_EQ(static_cast<const Resource*>(resource)->number(), model.native);
        natives.insert(model.native);
        continue;
      }
      ASSERT_EQ(object->count(), model.raw.size() + model.values.size());
      for (size_t i = 0; i < model.raw.size(); ++i) ASSERT_EQ(object->fields[i], model.raw[i]);
      for (size_t i = 0; i < model.values.size(); ++i) {
        const Word word = object->fields[model.raw.size() + i];
        const Value& field = model.values[i];
        if (field.object == nullptr) {
          ASSERT_EQ(word, field.word);
        } else {
          work.push_back({word, field.object});
        }
      }
    }
    reachable_natives_ = natives.size();
  }

  size_t live_words() const { return live_words_; }
  /// Returns the number of objects found equal to another in all checks.
  size_t equals() const { return equals_; }
  size_t reachable_natives() const { return reachable_natives_; }
  void drop_everything() {
    for (Value& value : roots_) value = {};
    for (uint32_t i = 0; i < globals_.size(); ++i) set_global(i, {});
    stack_.assign(1, {});
    ran_down_to_ = 0;
    pending_.clear();
  }
  Value& root() { return roots_[below(roots_.size())]; }

  // ---- RootReporter ---------------------------------------------------------

  void report_roots(Collector& collector, bool minor) override {
    for (Value& value : roots_) visit(collector, value);
    for (Value& value : pending_) visit(collector, value);
    if (minor) {
      for (const uint32_t index : dirty_globals_) visit(collector, globals_[index]);
    } else {
      for (Value& value : globals_) visit(collector, value);
    }
    dirty_globals_.clear();
    if (!minor) return;
    ran_down_to_ = std::min(ran_down_to_, stack_.size() - 1);
    for (size_t i = ran_down_to_; i < stack_.size(); ++i) visit(collector, stack_[i]);
    unmarked_ = std::min(unmarked_, ran_down_to_);
    ran_down_to_ = stack_.size() - 1;
  }
  size_t stack_bytes() const override { return stack_.size() * sizeof(Word); }
  void begin_frames(Collector& collector) override {
    unmarked_ = stack_.size() - 1;
    visit(collector, stack_.back());
  }
  bool report_frames(Collector& collector, size_t count) override {
    for (; count > 0 && unmarked_ > 0; --count) visit(collector, stack_[--unmarked_]);
    return unmarked_ == 0;
  }

 private:
  static void visit(Collector& collector, Value& value) { collector.visit(value.word); }

  uint32_t below(uint64_t limit) { return static_cast<uint32_t>(random_() % limit); }
  Value& any() {
    switch (below(8)) {
      case 0: return globals_[below(globals_.size())];
      case 1: return stack_.back();
      default: return root();
    }
  }
  ModelObject* new_model(ObjectKind kind) {
    models_.push_back(std::make_unique<ModelObject>());
    models_.back()->kind = kind;
    return models_.back().get();
  }
  Word* allocate(size_t words) {
    if (ap_ > heap.limit() || static_cast<size_t>(heap.limit() - ap_) < words) {
      ap_ = heap.make_room(ap_, words, *this);
      EXPECT_NE(ap_, nullptr);
      EXPECT_GE(static_cast<size_t>(heap.limit() - ap_), words);
    }
    Word* memory = ap_;
    ap_ += words;
    return memory;
  }
  void finish(ModelObject* object, const std::vector<Value*>& sources) {
    const uint32_t count = static_cast<uint32_t>(object->raw.size() + sources.size());
    Word* memory = allocate(object_words(count));
    memory[0] = Object::make_header(object->kind, count, object->tag);
    std::copy(object->raw.begin(), object->raw.end(), memory + 1);
    for (size_t i = 0; i < sources.size(); ++i) {
      memory[1 + object->raw.size() + i] = sources[i]->word;
      object->values.push_back(*sources[i]);
      if (object->values.back().object != nullptr) object->values.back().word = 0;  // it will move
    }
    root() = {reinterpret_cast<Word>(memory), object};
  }

  std::mt19937_64 random_;
  Word* ap_ = nullptr;
  std::vector<Value> roots_;
  std::vector<Value> globals_;
  std::vector<uint32_t> dirty_globals_;
  std::vector<Value> stack_;
  size_t ran_down_to_ = 0;  ///< lowest frame that ran since the last collection
  size_t unmarked_ = 0;     ///< frames below this one are still to be marked
  std::vector<Value> pending_;
  std::vector<std::unique_ptr<ModelObject>> models_;
  uint64_t next_native_ = 1;
  uint64_t next_placeholder_ = 0;
  const bool may_share_;
  const uint64_t tags_;  ///< few, where equal objects are wanted
  size_t equals_ = 0;
  size_t live_words_ = 0;
  size_t reachable_natives_ = 0;
};

void run(const HeapOptions& options, uint64_t seed, int steps, int check_period) {
  live_resources.clear();
  {
    Mutator mutator(options, seed);
    for (int i = 1; i <= steps; ++i) {
      mutator.step();
      if (testing::Test::HasFatalFailure()) return;
      if (i % check_period != 0) continue;
      mutator.check();
      if (testing::Test::HasFatalFailure()) return;
      ASSERT_LE(mutator.reachable_natives(), live_resources.size());
      if (i % (8 * check_period) != 0) continue;
      mutator.collect_all();
      mutator.check();
      if (testing::Test::HasFatalFailure()) return;
      // No dead object is left.
      ASSERT_EQ(mutator.reachable_natives(), live_resources.size());
      ASSERT_GE(mutator.heap.old_bytes(), mutator.live_words() * sizeof(Word));
      ASSERT_LE(mutator.heap.old_bytes(), mutator.live_words() * sizeof(Word) * 3 / 2 + 64);
    }
    mutator.drop_everything();
    mutator.collect_all();
    EXPECT_EQ(mutator.heap.old_bytes(), 0u);
    EXPECT_TRUE(live_resources.empty());
    mutator.make_native();
    EXPECT_EQ(live_resources.size(), 1u);
  }
  EXPECT_TRUE(live_resources.empty());  // natives die with the heap
}

// ---- tests ------------------------------------------------------------------

TEST(Heap, AgreesWithTheModel) {
  HeapOptions options;
  options.nursery_bytes = 4096;
  options.verify = true;
  for (uint64_t seed = 1; seed <= 8; ++seed) run(options, seed, 10'000, 250);
}

TEST(Heap, AgreesWithTheModelWhenEqualObjectsBecomeOne) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (const unsigned stress : {0u, 1u, 3u}) {
      HeapOptions options;
      options.nursery_bytes = 1024u << seed % 4;
      options.share_from_bytes = 0;
      options.stress = stress;
      options.stress_full_period = 1u << seed;
      options.verify = true;
      run(options, seed, 4'000, 100);
      if (HasFailure()) return;
    }
  }
}

TEST(Heap, EqualObjectsBecomeOne) {
  HeapOptions options;
  options.share_from_bytes = 0;
  options.verify = true;
  Mutator mutator(options, 5);
  for (int i = 0; i < 20'000; ++i) {
    mutator.step();
    if (i % 1000 == 0) mutator.collect_all();
    if (i % 500 == 0) mutator.check();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(mutator.equals(), 100u);
  EXPECT_GT(mutator.heap.stats().shared_bytes, 1000u);
}

TEST(Heap, AgreesWithTheModelUnderStress) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    for (const unsigned stress : {1u, 3u}) {
      for (const unsigned full_period : {1u, 2u, 8u, 1'000'000u}) {
        HeapOptions options;
        options.nursery_bytes = 8 * 1024;
        options.stress = stress;
        options.stress_full_period = full_period;
        options.verify = true;
        run(options, seed, 2'000, 100);
      }
    }
  }
}

TEST(Heap, AgreesWithTheModelWhileMarkingGoesOn) {
  // There are no full collections in between, so markings end step by step.
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    HeapOptions options;
    options.nursery_bytes = 8 * 1024;
    options.stress = 1;
    options.stress_full_period = 1'000'000;
    options.verify = true;
    Mutator mutator(options, seed);
    for (int i = 1; i <= 7'000; ++i) {
      mutator.step();
      if (HasFatalFailure()) return;
      if (i % 100 == 0) mutator.check();
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(mutator.heap.stats().full_collections, 20u);
    EXPECT_GT(mutator.heap.stats().minor_collections, 3 * mutator.heap.stats().full_collections);
  }
}

TEST(Heap, AgreesWithTheModelInOneStep) {
  HeapOptions options;
  options.nursery_bytes = 1 << 20;
  run(options, 1, 20'000, 5'000);
}

TEST(Heap, AgreesWithTheModelWithATinyNursery) {
  for (const size_t bytes : {0u, 64u, 200u, 512u}) {
    HeapOptions options;
    options.nursery_bytes = bytes;
    options.verify = true;
    for (uint64_t seed = 1; seed <= 2; ++seed) run(options, seed, 3'000, 100);
  }
}

/// Runs new seeds for a second; FBLE_HEAP_MODEL_SECONDS=600 runs for ten minutes.
TEST(Heap, AgreesWithTheModelForAWhile) {
  const char* seconds = std::getenv("FBLE_HEAP_MODEL_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 1 : std::atoi(seconds));
  for (uint64_t seed = 100; std::chrono::steady_clock::now() < end; ++seed) {
    std::mt19937_64 random(seed);
    HeapOptions options;
    options.nursery_bytes = size_t{64} << random() % 13;
    options.stress = random() % 2 == 0 ? 0 : static_cast<unsigned>(1 + random() % 5);
    options.stress_full_period = 1u << random() % 12;
    options.verify = random() % 4 != 0;
    if (random() % 2 == 0) options.share_from_bytes = 0;
    run(options, seed, 3'000, 200);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(PauseHistogram, MedianIsCloseEnough) {
  EXPECT_EQ(PauseHistogram().median_ns(), 0u);
  std::mt19937_64 random(1);
  for (const size_t count : {1u, 2u, 3u, 10u, 1001u}) {
    for (int shift = 0; shift < 40; shift += 3) {
      PauseHistogram histogram;
      std::vector<uint64_t> pauses;
      for (size_t i = 0; i < count; ++i) {
        pauses.push_back((random() % 100) << shift | (random() & ((uint64_t{1} << shift) - 1)));
        histogram.note(pauses.back());
      }
      std::sort(pauses.begin(), pauses.end());
      const double median = static_cast<double>(pauses[count / 2]);
      EXPECT_NEAR(static_cast<double>(histogram.median_ns()), median, median * 0.07);
    }
  }
  PauseHistogram largest;
  largest.note(UINT64_MAX);
  EXPECT_GE(largest.median_ns(), UINT64_MAX / 16 * 15);
}

/// Keeps a long list alive while it makes garbage, so that markings spread over
/// many collections.
class ListMutator final : public RootReporter {
 public:
  explicit ListMutator(const HeapOptions& options) : heap(options), ap(heap.nursery_start()) {}

  Word* allocate(size_t words) {
    if (static_cast<size_t>(heap.limit() - ap) < words) {
      ap = heap.make_room(ap, words, *this);
      if (ap == nullptr) return nullptr;
    }
    Word* memory = ap;
    ap += words;
    return memory;
  }
  bool prepend(Word number) {
    Word* memory = allocate(3);
    if (memory == nullptr) return false;
    memory[0] = Object::make_header(ObjectKind::kStruct, 2);
    memory[1] = number << 1 | 1;
    memory[2] = list;
    list = reinterpret_cast<Word>(memory);
    return true;
  }

  void report_roots(Collector& collector, bool) override { collector.visit(list); }
  size_t stack_bytes() const override { return 0; }

  Heap heap;
  Word* ap;
  Word list = kUnitWord;
};

TEST(Heap, MarkingIsSpreadOverCollections) {
  HeapOptions options;
  options.nursery_bytes = 16 * 1024;
  ListMutator mutator(options);
  std::mt19937_64 random(1);
  std::vector<Word> expected;
  for (Word round = 0; round < 40; ++round) {
    // The list grows at its end and now and then loses its newer part.
    for (Word i = 0; i < 20'000; ++i) {
      expected.push_back(1 + random() % 1000);
      ASSERT_TRUE(mutator.prepend(expected.back()));
    }
    if (round % 3 != 2) continue;
    for (Word i = 40'000; i > 0; --i) {
      mutator.list = as_object(mutator.list)->fields[1];
      expected.pop_back();
    }
    Word at = mutator.list;
    for (size_t i = expected.size(); i-- > 0; at = as_object(at)->fields[1]) {
      ASSERT_EQ(as_object(at)->fields[0], expected[i] << 1 | 1);
    }
    ASSERT_EQ(at, kUnitWord);
  }
  const HeapStats& stats = mutator.heap.stats();
  EXPECT_GT(stats.full_collections, 1u);
  EXPECT_GT(stats.minor_collections, 10 * stats.full_collections);
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  EXPECT_GE(mutator.heap.old_bytes(), expected.size() * 3 * sizeof(Word));
  EXPECT_LE(mutator.heap.old_bytes(), expected.size() * 3 * sizeof(Word) + 4096);
}

TEST(Heap, WhatOnlyGrowsIsAdopted) {
  for (const bool verify : {false, true}) {
    HeapOptions options;
    options.nursery_bytes = 64 * 1024;
    options.verify = verify;
    ListMutator mutator(options);
    const Word most = verify ? 100'000 : 1'000'000;
    for (Word i = 1; i <= most; ++i) ASSERT_TRUE(mutator.prepend(i));
    const HeapStats& stats = mutator.heap.stats();
    EXPECT_GE(stats.adopted_bytes, stats.survived_bytes / 2);
    Word at = mutator.list;
    for (Word i = most; i > 0; --i, at = as_object(at)->fields[1]) ASSERT_EQ(as_object(at)->fields[0], i << 1 | 1);
    // Dead objects are found in spite of it, and no further nursery is adopted.
    mutator.list = kUnitWord;
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    EXPECT_EQ(mutator.heap.old_bytes(), 0u);
    const uint64_t adopted = stats.adopted_bytes;
    for (Word i = 0; i < 100'000; ++i) {
      ASSERT_TRUE(mutator.prepend(i));
      mutator.list = kUnitWord;
    }
    EXPECT_LE(stats.adopted_bytes - adopted, 40 * options.nursery_bytes);
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    EXPECT_EQ(mutator.heap.old_bytes(), 0u);
  }
}

/// Returns the resident memory of the process in bytes.
size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  size_t all = 0;
  size_t resident = 0;
  status >> all >> resident;
  return resident * 4096;
}

TEST(Heap, OldListsAreFrozenAndThawed) {
  for (const bool verify : {false, true}) {
    HeapOptions options;
    options.freeze_from_bytes = 1 << 20;
    options.verify = verify;
    if (verify) options.nursery_bytes = 1 << 20;  // fewer checks
    ListMutator mutator(options);
    const size_t before = resident_bytes();
    // Slabs that are young, that wait in the pool and that were thawed last are 48 MiB, however long the list is.
    const Word most = verify ? 1'500'000 : 8'000'000;
    for (Word i = 1; i <= most; ++i) ASSERT_TRUE(mutator.prepend(i % 1000));
    const FreezeStats& stats = mutator.heap.freeze_stats();
    const size_t list_bytes = most * 3 * sizeof(Word);
    EXPECT_GE(stats.frozen_slabs * kSlabBytes, list_bytes / (verify ? 12 : 3));
    EXPECT_LE(stats.code_bytes, stats.frozen_slabs * kSlabBytes / 8);
    if (!verify) {
      EXPECT_LE(resident_bytes() - before, list_bytes / 2);
    }
    // The list is walked several times, from its youngest cell to its oldest, and from places inside.
    std::vector<Word> places;
    for (int walk = 0; walk < 6; ++walk) {
      Word at = mutator.list;
      for (Word i = most; i > 0; --i, at = as_object(at)->fields[1]) {
        ASSERT_EQ(as_object(at)->header, Object::make_header(ObjectKind::kStruct, 2));
        ASSERT_EQ(as_object(at)->fields[0], i % 1000 << 1 | 1);
        if (walk == 0 && i % 10'007 == 0) places.push_back(at);
      }
      ASSERT_EQ(at, kUnitWord);
      if (walk == 0) {
        EXPECT_GE(stats.thawed_slabs, stats.frozen_slabs / 2);
        if (!verify) {
          EXPECT_LE(resident_bytes() - before, list_bytes / 2);
        }
      }
      for (size_t i = 0; i < places.size(); i += 7)
        ASSERT_EQ(as_object(places[i])->fields[0], (most - most % 10'007 - i * 10'007) % 1000 << 1 | 1);
    }
    // Slabs that are thawed again and again stay thawed.
    const uint64_t thawed = stats.thawed_slabs;
    for (Word at = mutator.list; at != kUnitWord;) at = as_object(at)->fields[1];
    EXPECT_LE(stats.thawed_slabs, thawed);
    // A full marking finds all of it, and frozen slabs die like others.
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    EXPECT_GE(mutator.heap.old_bytes(), list_bytes);
    mutator.list = kUnitWord;
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    EXPECT_EQ(mutator.heap.old_bytes(), 0u);
    // Their memory is used again.
    for (Word i = 1; i <= most / 4; ++i) ASSERT_TRUE(mutator.prepend(i));
    Word at = mutator.list;
    for (Word i = most / 4; i > 0; --i, at = as_object(at)->fields[1]) ASSERT_EQ(as_object(at)->fields[0], i << 1 | 1);
  }
}

TEST(Heap, ObjectsThatWillChangeAreNotFrozen) {
  HeapOptions options;
  options.stress = 1;
  options.stress_full_period = 1'000'000;
  options.verify = true;
  ListMutator mutator(options);
  const Word placeholder = make_placeholder(7);
  Word undefined = 0;
  for (Word i = 0; i < 4'000; ++i) {
    ASSERT_TRUE(mutator.prepend(i));
    if (i % 400 != 10) continue;
    as_object(mutator.list)->fields[0] = placeholder;
    for (Word later = 0; later < 300; ++later) ASSERT_TRUE(mutator.prepend(later));
    // It is defined.
    undefined = mutator.list;
    while (as_object(undefined)->fields[0] != placeholder) undefined = as_object(undefined)->fields[1];
    as_object(undefined)->fields[0] = kUnitWord;
    mutator.heap.remember(as_object(undefined));
  }
  for (Word at = mutator.list; at != kUnitWord; at = as_object(at)->fields[1])
    ASSERT_EQ(as_object(at)->fields[0] & 1, 1u);
  EXPECT_GT(mutator.heap.freeze_stats().frozen_slabs, 10u);
  EXPECT_GT(mutator.heap.freeze_stats().thawed_slabs, 10u);
}

/// Returns the current number of words of the nursery.
size_t nursery_words(const Heap& heap) { return static_cast<size_t>(heap.limit() - heap.nursery_start()); }

TEST(Heap, TheNurseryGrowsWhereMuchSurvivesAndShrinksAgain) {
  for (const bool limited : {false, true}) {
    HeapOptions options;
    options.nursery_bytes = 32 * 1024;
    if (limited) options.max_bytes = 1 << 20;
    ListMutator mutator(options);
    const size_t usual = nursery_words(mutator.heap);
    // Lists of three quarters of a nursery: a quarter of it is alive when it is full, then a half, and so on.
    for (Word i = 0; i < 40'000; ++i) {
      if (i % (usual / 4) == 0) mutator.list = kUnitWord;
      ASSERT_TRUE(mutator.prepend(i));
    }
    // Under a limit of memory it stays small.
    EXPECT_EQ(nursery_words(mutator.heap), limited ? usual : 2 * usual);
    // Nothing survives.
    for (Word i = 0; i < 40'000; ++i) {
      mutator.list = kUnitWord;
      ASSERT_TRUE(mutator.prepend(i));
    }
    EXPECT_LE(nursery_words(mutator.heap), usual);
    // A nursery for one large object makes no difference.
    ASSERT_NE(mutator.allocate(3 * usual), nullptr);
    mutator.ap -= 3 * usual;
    for (Word i = 0; i < 4 * usual; ++i) {
      mutator.list = kUnitWord;
      ASSERT_TRUE(mutator.prepend(i));
    }
    EXPECT_LE(nursery_words(mutator.heap), usual);
  }
}

TEST(Heap, GarbageIsReused) {
  HeapOptions options;
  options.nursery_bytes = 16 * 1024;
  ListMutator mutator(options);
  for (int round = 0; round < 200; ++round) {
    for (Word i = 0; i < 10'000; ++i) ASSERT_TRUE(mutator.prepend(i));
    mutator.list = kUnitWord;
  }
  EXPECT_LE(mutator.heap.stats().peak_bytes, size_t{16} << 20);
  EXPECT_GE(mutator.heap.stats().allocated_bytes + options.nursery_bytes, size_t{200} * 10'000 * 24);
}

TEST(Heap, StopsAtTheLimitOfMemory) {
  for (const unsigned stress : {0u, 1u}) {
    HeapOptions options;
    options.nursery_bytes = 16 * 1024;
    options.max_bytes = stress == 0 ? 1 << 20 : 1 << 17;
    options.stress = stress;
    ListMutator mutator(options);
    size_t count = 0;
    while (mutator.prepend(count)) ++count;
    EXPECT_LE(count * 24, options.max_bytes);
    EXPECT_GE(count * 24, options.max_bytes / 2);
    // A program that needs less continues.
    mutator.list = kUnitWord;
    mutator.ap = mutator.heap.nursery_start();
    for (Word i = 0; i < 1000; ++i) ASSERT_TRUE(mutator.prepend(i));
    if (stress != 0) continue;
    // Garbage does not count.
    for (Word i = 0; i < 1'000'000; ++i) {
      if (i % 1000 == 0) mutator.list = kUnitWord;
      ASSERT_TRUE(mutator.prepend(i));
    }
  }
}

TEST(Heap, RequestsBeyondTheLimitFailAtOnce) {
  HeapOptions options;
  options.max_bytes = 1 << 20;
  ListMutator mutator(options);
  EXPECT_EQ(mutator.allocate(size_t{1} << 50), nullptr);
  mutator.ap = mutator.heap.nursery_start();
  EXPECT_TRUE(mutator.prepend(1));
}

TEST(Heap, LargeObjectsGetANurseryForOnce) {
  HeapOptions options;
  options.nursery_bytes = 4096;
  options.verify = true;
  ListMutator mutator(options);
  for (const uint32_t count : {100'000u, 600u, 5u, 50'000u, 511u, 512u, 513u}) {
    Word* memory = mutator.allocate(object_words(count));
    ASSERT_NE(memory, nullptr);
    memory[0] = Object::make_header(ObjectKind::kStruct, count);
    for (uint32_t i = 0; i < count; ++i) memory[1 + i] = i == 7 ? mutator.list : static_cast<Word>(i) << 1 | 1;
    mutator.list = reinterpret_cast<Word>(memory);
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    const Object* object = as_object(mutator.list);
    ASSERT_EQ(object->count(), count);
    for (uint32_t i = 0; i < count; ++i) {
      if (i != 7) ASSERT_EQ(object->fields[i], static_cast<Word>(i) << 1 | 1);
    }
    if (count == 5) mutator.list = kUnitWord;
  }
  // Small again.
  for (Word i = 0; i < 50'000; ++i) ASSERT_TRUE(mutator.prepend(i));
  EXPECT_EQ(mutator.heap.limit() - mutator.heap.nursery_start(), 512);
}

TEST(Heap, ManyObjectsWaitToBeMarked) {
  constexpr uint32_t kCount = 50'000;
  HeapOptions options;
  options.verify = true;
  ListMutator mutator(options);
  for (Word i = 0; i < kCount; ++i) ASSERT_TRUE(mutator.prepend(i));
  // One object that refers to all cells of the list: its marking reaches them in one step.
  Word* memory = mutator.allocate(object_words(kCount));
  ASSERT_NE(memory, nullptr);
  memory[0] = Object::make_header(ObjectKind::kStruct, kCount);
  Word cell = mutator.list;
  for (uint32_t i = 0; i < kCount; ++i, cell = as_object(cell)->fields[1]) memory[1 + i] = cell;
  mutator.list = reinterpret_cast<Word>(memory);
  for (int round = 0; round < 3; ++round) {
    mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
    const Object* all = as_object(mutator.list);
    for (uint32_t i = 0; i < kCount; ++i) {
      const Object* at = as_object(all->fields[i]);
      ASSERT_EQ(at->fields[0], Word{kCount - 1 - i} << 1 | 1);
      ASSERT_EQ(at->fields[1], i + 1 < kCount ? all->fields[i + 1] : kUnitWord);
    }
  }
  EXPECT_LE(mutator.heap.old_bytes(), size_t{kCount} * 4 * sizeof(Word) + 64);
  mutator.list = kUnitWord;
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  EXPECT_EQ(mutator.heap.old_bytes(), 0u);
}

TEST(Heap, WhatIsRememberedIsForgottenByTheNextCollection) {
  ListMutator mutator({});
  ASSERT_TRUE(mutator.prepend(1));
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  Object* old = as_object(mutator.list);
  mutator.heap.remember(old);
  // No object is new, but this one may be dead after the collection, and its memory reused.
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  Word* young = mutator.allocate(3);
  young[0] = Object::make_header(ObjectKind::kStruct, 2);
  young[1] = young[2] = kUnitWord;
  old->fields[1] = reinterpret_cast<Word>(young);
  const uint64_t survived = mutator.heap.stats().survived_bytes;
  mutator.ap = mutator.heap.make_room(mutator.ap, 1, mutator);
  EXPECT_EQ(mutator.heap.stats().survived_bytes, survived);
  EXPECT_EQ(old->fields[1], reinterpret_cast<Word>(young));
  old->fields[1] = kUnitWord;
}

TEST(Heap, StressCanBeSwitchedOnAndOff) {
  HeapOptions options;
  ListMutator mutator(options);
  for (Word i = 0; i < 100; ++i) ASSERT_TRUE(mutator.prepend(i));
  EXPECT_EQ(mutator.heap.stats().minor_collections, 0u);
  mutator.heap.set_stress(1);
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  for (Word i = 0; i < 100; ++i) ASSERT_TRUE(mutator.prepend(i));
  const uint64_t collections = mutator.heap.stats().minor_collections;
  EXPECT_GE(collections, 100u);
  mutator.heap.set_stress(0);
  mutator.ap = mutator.heap.collect_all(mutator.ap, mutator);
  for (Word i = 0; i < 100; ++i) ASSERT_TRUE(mutator.prepend(i));
  EXPECT_LE(mutator.heap.stats().minor_collections, collections + 2);
}

/// A resource whose values change.
class Box final : public TracedResource {
 public:
  void visit_values(const std::function<void(Word&)>& visit) override {
    for (Word& word : words) visit(word);
  }
  std::vector<Word> words;
};

class HandleRoot final : public RootReporter {
 public:
  void report_roots(Collector& collector, bool) override { collector.visit(handle); }
  size_t stack_bytes() const override { return 0; }
  Word handle = kUnitWord;
};

TEST(Heap, TracedResourcesKeepWhatTheyHold) {
  for (const unsigned stress : {0u, 1u}) {
    HeapOptions options;
    options.nursery_bytes = 256;
    options.stress = stress;
    options.verify = true;
    Heap heap(options);
    HandleRoot root;
    Word* ap = heap.nursery_start();
    const auto make = [&](ObjectKind kind, uint32_t tag, Word field) {
      if (ap + 2 > heap.limit()) ap = heap.make_room(ap, 2, root);
      Word* object = std::exchange(ap, ap + 2);
      object[0] = Object::make_header(kind, 1, tag);
      object[1] = field;
      if (kind == ObjectKind::kNative) heap.register_native(reinterpret_cast<Object*>(object));
      return reinterpret_cast<Word>(object);
    };
    auto* outer = new Box;
    auto* inner = new Box;
    root.handle = make(ObjectKind::kNative, kTracedTag, reinterpret_cast<Word>(static_cast<NativeResource*>(outer)));
    // The inner box is reached through the outer one only.
    outer->words.push_back(
        make(ObjectKind::kNative, kTracedTag, reinterpret_cast<Word>(static_cast<NativeResource*>(inner))));
    heap.note_written(*outer);
    constexpr uint32_t kCount = 200;
    for (uint32_t i = 0; i < kCount; ++i) {
      inner->words.push_back(make(ObjectKind::kUnion, i, kUnitWord));
      heap.note_written(*inner);
      make(ObjectKind::kUnion, 0, kUnitWord);  // garbage
      if (i % 50 == 0) ap = heap.collect_all(ap, root);
    }
    for (uint32_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(as_object(inner->words[i])->tag(), i);
      EXPECT_EQ(as_object(inner->words[i])->fields[0], kUnitWord);
    }
    ap = heap.collect_all(ap, root);
    const size_t with_items = heap.old_bytes();
    inner->words.clear();
    ap = heap.collect_all(ap, root);
    EXPECT_LT(heap.old_bytes() + kCount * 2 * sizeof(Word) / 2, with_items);
  }
}

}  // namespace
}  // namespace fble
