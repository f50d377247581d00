// The old space against a set of cells and their contents.
#include "gc/old_space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace fble {
namespace {

/// The expected content of the old space: objects by address.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void allocate() {
    const uint64_t kind = random_() % 100;
    size_t words = 2 + random_() % 12;
    if (kind < 10) words = 2 + random_() % 600;
    if (kind == 0) words = 500 + random_() % 5000;
    Word* memory = space_.allocate(words);
    ASSERT_NE(memory, nullptr);
    // No live object is there.
    auto next = objects_.upper_bound(memory);
    if (next != objects_.end()) ASSERT_LE(memory + words, next->first);
    if (next != objects_.begin()) {
      const auto& [address, size] = *std::prev(next);
      ASSERT_LE(address + size, memory);
    }
    const Word content = random_();
    std::fill_n(memory, words, content);
    memory[0] = Object::make_header(ObjectKind::kBytes, static_cast<uint32_t>(words - 1));
    ASSERT_EQ(space_.is_marked(as_object(reinterpret_cast<Word>(memory))), marking_);
    objects_.emplace(memory, words);
    contents_[memory] = content;
    if (marking_) marked_.insert(memory);
  }

  void begin_marking() {
    space_.sweep_some(SIZE_MAX);
    check();
    space_.begin_marking();
    marking_ = true;
  }

  /// Marks some of the objects, `percent` of them.
  void mark(unsigned percent) {
    for (const auto& [address, size] : objects_) {
      if (random_() % 100 >= percent) continue;
      Object* object = as_object(reinterpret_cast<Word>(address));
      const bool is_new = marked_.insert(address).second;
      ASSERT_EQ(space_.is_marked(object), !is_new);
      ASSERT_EQ(space_.mark(object), is_new);
      ASSERT_FALSE(space_.mark(object));
    }
  }

  void end_marking() {
    space_.end_marking();
    marking_ = false;
    std::erase_if(objects_, [&](const auto& object) { return !marked_.contains(object.first); });
    std::erase_if(contents_, [&](const auto& object) { return !marked_.contains(object.first); });
    marked_.clear();
  }

  void sweep(size_t blocks) { space_.sweep_some(blocks); }

  /// Compares the old space with the model. Requires: all is swept.
  void check() {
    ASSERT_FALSE(space_.sweeping());
    size_t words = 0;
    std::set<Word*> found;
    space_.for_each([&](Object* object) {
      Word* address = reinterpret_cast<Word*>(object);
      ASSERT_TRUE(found.insert(address).second);
      ASSERT_TRUE(objects_.contains(address));
      ASSERT_EQ(object->size_words(), objects_[address]);
      ASSERT_TRUE(
          std::all_of(address + 1, address + objects_[address], [&](Word word) { return word == contents_[address]; }));
      words += object->size_words();
    });
    ASSERT_EQ(found.size(), objects_.size());
    ASSERT_GE(space_.used_words(), words);
    ASSERT_LE(space_.used_words(), words * 3 / 2);
    ASSERT_GE(space_.committed_bytes(), space_.used_words() * sizeof(Word));
  }

  OldSpace& space() { return space_; }
  uint64_t random() { return random_(); }

 private:
  std::mt19937_64 random_;
  OldSpace space_;
  bool marking_ = false;
  std::map<Word*, size_t> objects_;
  std::map<Word*, Word> contents_;
  std::set<Word*> marked_;
};

TEST(OldSpace, AgreesWithTheModel) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Model model(seed);
    for (int cycle = 0; cycle < 12; ++cycle) {
      auto allocate_some = [&] {
        for (uint64_t i = model.random() % 3000; i > 0 && !testing::Test::HasFatalFailure(); --i) {
          model.allocate();
          if (model.random() % 50 == 0) model.sweep(model.random() % 4);
        }
      };
      allocate_some();
      model.begin_marking();
      allocate_some();
      model.mark(cycle % 4 == 3 ? 1 : 60);
      allocate_some();
      model.end_marking();
      if (HasFatalFailure()) return;
    }
    model.sweep(SIZE_MAX);
    model.check();
  }
}

TEST(OldSpace, EmptyBlocksAreGivenBack) {
  Model model(1);
  for (int i = 0; i < 20'000; ++i) model.allocate();
  const size_t most = model.space().committed_bytes();
  EXPECT_GT(most, size_t{1} << 20);
  model.begin_marking();
  model.end_marking();
  EXPECT_TRUE(model.space().sweeping());
  model.sweep(SIZE_MAX);
  model.check();
  EXPECT_EQ(model.space().used_words(), 0u);
  // One block of each size may wait for its next object.
  EXPECT_LE(model.space().committed_bytes(), 50 * kBlockBytes);
  for (int i = 0; i < 20'000; ++i) model.allocate();
  EXPECT_LE(model.space().committed_bytes(), most * 5 / 4);
}

TEST(OldSpace, EveryCellHasItsOwnBits) {
  for (size_t words = 2; words <= 530; ++words) {
    OldSpace space;
    std::vector<Object*> objects;
    for (int i = 0; i < 40; ++i) objects.push_back(reinterpret_cast<Object*>(space.allocate(words)));
    space.begin_marking();
    for (size_t i = 0; i < objects.size(); i += 2) ASSERT_TRUE(space.mark(objects[i]));
    for (size_t i = 0; i < objects.size(); ++i) {
      ASSERT_EQ(space.is_marked(objects[i]), i % 2 == 0);
      const Block* block = OldSpace::block_of(objects[i]);
      ASSERT_EQ(reinterpret_cast<const Word*>(block + 1) + block->index_of(objects[i]) * block->cell_words,
                reinterpret_cast<const Word*>(objects[i]));
    }
  }
}

}  // namespace
}  // namespace fble
