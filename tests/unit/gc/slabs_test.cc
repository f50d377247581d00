// Slabs against a map of the objects in them.
#include "gc/slabs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace fble {
namespace {

/// A nursery that is always adopted, cells from holes, and the expected objects.
class Model {
 public:
  Model(uint64_t seed, bool is_exact) : random_(seed), is_exact_(is_exact) {
    slabs_.set_exact(is_exact);
    slab_ = slabs_.take();
  }

  uint64_t below(uint64_t limit) { return random_() % limit; }

  /// Fills a part of the nursery and adopts it.
  void adopt(size_t most_words) {
    const size_t room = static_cast<size_t>(slab_->end() - slab_->top);
    Word* at = slab_->top;
    std::vector<Object*> made;
    for (size_t left = 1 + below(std::min(room, most_words)); left >= 2;) {
      if (!is_alike_ || below(100) == 0) usual_ = 2 + below(below(20) == 0 ? 60 : 6);
      const size_t words = std::min<size_t>(left, usual_);
      if (left - words == 1) break;
      made.push_back(make(at, words));
      at += words;
      left -= words;
    }
    const Word* start = slab_->top;
    slabs_.adopt(slab_, at);
    // Objects are born marked, one by one or all together as the collector does it.
    if (marking_ && below(2) == 0) {
      for (Object* object : made) ASSERT_TRUE(slabs_.mark(object));
    } else if (marking_) {
      const size_t live = slab_->live_words;
      slabs_.mark_all(start, at);
      ASSERT_EQ(slab_->live_words - live, static_cast<size_t>(at - start));
      for (Object* object : made) ASSERT_FALSE(slabs_.mark(object));
      // An object that may follow them later is not marked, even if it begins in the middle of a granule.
      if (at + 2 <= slab_->end()) {
        ASSERT_FALSE(slabs_.is_marked(reinterpret_cast<Object*>(at)));
      }
    }
    if (static_cast<size_t>(slab_->end() - slab_->top) < 4096) {
      slabs_.leave(slab_);
      slab_ = slabs_.take();
      ASSERT_NE(slab_, nullptr);
    }
  }

  /// Takes a run of cells, uses some of them, and puts the rest back.
  void use_holes() {
    const size_t words = 2 + below(8);
    Word* next = nullptr;
    Word* end = nullptr;
    if (!slabs_.take_run(words, next, end, marking_)) return;
    ++runs_;
    ASSERT_GT(end, next);
    ASSERT_EQ(static_cast<size_t>(end - next) % words, 0u);
    for (uint64_t cells = below(static_cast<uint64_t>(end - next) / words + 1); cells > 0; --cells) {
      Object* object = make(next, words);
      ASSERT_EQ(slabs_.is_marked(object), marking_);
      next += words;
    }
    if (next != end) slabs_.put_back_run(next, end, words, marking_);
  }

  void begin_marking() {
    sweep(SIZE_MAX);
    check();
    marking_ = true;
  }
  void mark(unsigned percent) {
    // Whole slabs die, and single objects.
    std::set<Slab*> dying;
    for (const auto& [address, content] : objects_) {
      if (below(2000) == 0) dying.insert(slabs_.slab_of(address));
    }
    for (const auto& [address, content] : objects_) {
      const Object* object = reinterpret_cast<const Object*>(address);
      if (slabs_.is_marked(object) || dying.contains(slabs_.slab_of(address)) || below(100) >= percent) continue;
      ASSERT_TRUE(slabs_.mark(object));
      ASSERT_FALSE(slabs_.mark(object));
    }
  }
  void end_marking() {
    std::erase_if(objects_, [&](const auto& entry) {
      const bool is_dead = !slabs_.is_marked(reinterpret_cast<const Object*>(entry.first));
      if (is_dead) dead_.insert(entry.first);
      return is_dead;
    });
    slabs_.end_marking();
    marking_ = false;
  }
  void sweep(size_t slabs) {
    for (; slabs > 0 && slabs_.sweeping(); --slabs) slabs_.sweep_one();
    slabs_.return_some_memory();
  }

  /// Freezes some slabs, as under stress. What is read of them later is what was there.
  void freeze() {
    const Word* in_use = nullptr;
    for (uint64_t i = below(60); i > 0; --i) {
      slabs_.freeze_some(0, true, [&](const Slab* slab) { return slab->start == in_use; });
    }
  }
  /// Reads a part of the objects, some through views.
  void read() {
    for (const auto& [address, content] : objects_) {
      if (below(200) != 0) continue;
      const Object* object = reinterpret_cast<const Object*>(address);
      const Object* seen = below(8) != 0 ? slabs_.frozen().view(object) : object;
      ASSERT_EQ(seen->header & 1, 1u);
      ASSERT_EQ(seen->fields[seen->count() - 1], content);
    }
  }
  void set_alike(bool alike) { is_alike_ = alike; }

  /// Compares the slabs with the model. Requires: all is swept.
  void check() {
    size_t words = 0;
    std::set<const Word*> found;
    slabs_.for_each([&](Object* object) {
      Word* address = reinterpret_cast<Word*>(object);
      if (!is_exact_ && dead_.contains(address) && !objects_.contains(address)) return;
      auto known = objects_.find(address);
      ASSERT_NE(known, objects_.end());
      found.insert(address);
      words += object->size_words();
      ASSERT_TRUE(slabs_.contains(object));
      ASSERT_FALSE(slabs_.is_marked(object));
      ASSERT_TRUE(
          std::all_of(address + 1, address + object->size_words(), [&](Word word) { return word == known->second; }));
    });
    ASSERT_EQ(found.size(), objects_.size());
    ASSERT_GE(slabs_.used_words(), words);
    // Dead memory that was not made a hole is less than an eighth.
    ASSERT_LE(slabs_.used_words(), is_exact_ ? words : words + words / 7 + 64);
    if (is_exact_) dead_.clear();
  }

  Slabs& slabs() { return slabs_; }
  size_t runs() const { return runs_; }

 private:
  Object* make(Word* at, size_t words) {
    // Objects that are alike can be frozen.
    const Word content = is_alike_ ? 2 * below(3000) + 1 : random_() | 1;
    std::fill_n(at, words, content);
    at[0] = Object::make_header(ObjectKind::kBytes, static_cast<uint32_t>(words - 1));
    EXPECT_TRUE(objects_.emplace(at, content).second);
    return reinterpret_cast<Object*>(at);
  }

  std::mt19937_64 random_;
  Slabs slabs_;
  Slab* slab_ = nullptr;
  const bool is_exact_;
  bool marking_ = false;
  bool is_alike_ = false;
  size_t usual_ = 3;  ///< the words of an object
  std::map<Word*, Word> objects_;
  std::set<const Word*> dead_;
  size_t runs_ = 0;
};

TEST(Slabs, AgreeWithTheModel) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Model model(seed, seed % 2 == 0);
    for (int cycle = 0; cycle < 12; ++cycle) {
      auto grow = [&] {
        for (uint64_t i = model.below(12); i > 0 && !testing::Test::HasFatalFailure(); --i) {
          model.adopt(i % 3 == 0 ? 40'000 : 600);
          for (uint64_t runs = model.below(40); runs > 0; --runs) model.use_holes();
          if (model.below(3) == 0) model.sweep(1);
        }
      };
      grow();
      model.begin_marking();
      grow();
      model.mark(cycle % 3 == 0 ? 95 : cycle % 3 == 1 ? 50 : 2);
      grow();
      model.end_marking();
      if (HasFatalFailure()) return;
    }
    model.sweep(SIZE_MAX);
    model.check();
    if (HasFatalFailure()) return;
    EXPECT_GT(model.runs(), 20u);
  }
}

TEST(Slabs, AgreeWithTheModelWhenSlabsAreFrozen) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Model model(seed, seed % 2 == 0);
    model.set_alike(true);
    model.slabs().frozen().set_verify(true);
    for (int cycle = 0; cycle < 18; ++cycle) {
      auto work = [&] {
        for (uint64_t i = model.below(12); i > 0 && !testing::Test::HasFatalFailure(); --i) {
          model.adopt(i % 3 == 0 ? 40'000 : 600);
          if (i % 2 == 0) model.freeze();
          for (uint64_t runs = model.below(40); runs > 0; --runs) model.use_holes();
          if (model.below(3) == 0) model.sweep(1);
          if (model.below(3) == 0) model.read();
        }
      };
      work();
      model.begin_marking();
      work();
      model.mark(cycle % 3 == 0 ? 95 : cycle % 3 == 1 ? 99 : 40);
      work();
      model.end_marking();
      work();
      if (HasFatalFailure()) return;
    }
    model.sweep(SIZE_MAX);
    model.check();
    if (HasFatalFailure()) return;
    const FreezeStats& stats = model.slabs().frozen().stats();
    EXPECT_GT(stats.frozen_slabs, 20u);
    EXPECT_GT(stats.thawed_slabs, 20u);
    EXPECT_GT(stats.peeks, 20u);
  }
}

TEST(Slabs, FreeSlabsAreUsedAgain) {
  Model model(1, true);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 60; ++i) model.adopt(40'000);
    model.begin_marking();
    model.end_marking();
    model.sweep(SIZE_MAX);
    if (HasFatalFailure()) return;
    EXPECT_EQ(model.slabs().used_words(), 0u);
    EXPECT_LE(model.slabs().count(), 1u);  // the one with the nursery
  }
}

TEST(Slabs, EveryObjectHasItsOwnBit) {
  Slabs slabs;
  Slab* slab = slabs.take();
  ASSERT_NE(slab, nullptr);
  std::vector<Object*> objects;
  Word* at = slab->words();
  for (size_t words = 2; at + 5 <= slab->end(); words = words % 3 + 2) {
    at[0] = Object::make_header(ObjectKind::kBytes, static_cast<uint32_t>(words - 1));
    objects.push_back(reinterpret_cast<Object*>(at));
    at += words;
  }
  slabs.adopt(slab, at);
  for (size_t i = 0; i < objects.size(); i += 2) ASSERT_TRUE(slabs.mark(objects[i]));
  for (size_t i = 0; i < objects.size(); ++i) ASSERT_EQ(slabs.is_marked(objects[i]), i % 2 == 0);
}

}  // namespace
}  // namespace fble
