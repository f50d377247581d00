// The table of shared objects: found objects are equal and alive.
#include "gc/shared_objects.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace fble {
namespace {

class Objects {
 public:
  SharedObjects shared;
  OldSpace space;

  Object* make(const std::vector<Word>& fields, uint32_t tag = 0) {
    Word* memory = space.allocate(object_words(static_cast<uint32_t>(fields.size())));
    memory[0] = header(fields, tag);
    std::copy(fields.begin(), fields.end(), memory + 1);
    return reinterpret_cast<Object*>(memory);
  }
  SharedObjects::Found find(const std::vector<Word>& fields, uint32_t tag = 0) {
    return shared.find(header(fields, tag), fields.data(), static_cast<uint32_t>(fields.size()), space.slabs().range());
  }
  /// Returns the object that the collector would keep.
  Object* keep(const std::vector<Word>& fields, uint32_t tag = 0) {
    const SharedObjects::Found found = find(fields, tag);
    return found.object != nullptr ? found.object : *found.entry = make(fields, tag);
  }

 private:
  static Word header(const std::vector<Word>& fields, uint32_t tag) {
    return Object::make_header(ObjectKind::kStruct, static_cast<uint32_t>(fields.size()), tag);
  }
};

TEST(SharedObjects, FindsWhatIsEqual) {
  Objects objects;
  ASSERT_TRUE(objects.shared.begin(0, false));
  Object* pair = objects.keep({5, 7});
  EXPECT_EQ(objects.keep({5, 7}), pair);
  EXPECT_NE(objects.keep({7, 5}), pair);
  EXPECT_NE(objects.keep({5, 7}, 1), pair);
  EXPECT_NE(objects.keep({5}), pair);
  EXPECT_NE(objects.keep({5, 7, 9}), pair);
}

TEST(SharedObjects, RandomObjectsAreEqualToWhatIsFound) {
  Objects objects;
  std::mt19937_64 random(1);
  size_t found = 0;
  size_t old_words = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 100 == 0) ASSERT_TRUE(objects.shared.begin(old_words, false));
    std::vector<Word> fields(1 + random() % 3);
    for (Word& field : fields) field = 2 * (random() % 20) + 1;
    const uint32_t tag = static_cast<uint32_t>(random() % 2);
    const SharedObjects::Found look = objects.find(fields, tag);
    if (look.object != nullptr) {
      ++found;
      EXPECT_EQ(look.object->tag(), tag);
      ASSERT_EQ(look.object->count(), fields.size());
      for (size_t f = 0; f < fields.size(); ++f) EXPECT_EQ(look.object->fields[f], fields[f]);
    } else {
      *look.entry = objects.make(fields, tag);
      old_words += 1 + fields.size();
    }
  }
  EXPECT_GT(found, 2'000u);
}

TEST(SharedObjects, GrowsAndKnowsWhatItKnew) {
  Objects objects;
  ASSERT_TRUE(objects.shared.begin(0, false));
  EXPECT_EQ(objects.shared.entry_count(), kFewestEntries);
  Object* pair = objects.keep({5, 7});
  const size_t words = 1000 * kWordsPerEntry;
  ASSERT_TRUE(objects.shared.begin(words, true));  // not within a marking
  EXPECT_EQ(objects.shared.entry_count(), kFewestEntries);
  ASSERT_TRUE(objects.shared.begin(words, false));
  EXPECT_EQ(objects.shared.entry_count(), 1024u);
  EXPECT_EQ(objects.keep({5, 7}), pair);
  ASSERT_TRUE(objects.shared.begin(2 * words, false));
  EXPECT_EQ(objects.shared.entry_count(), 2048u);
  EXPECT_EQ(objects.keep({5, 7}), pair);
  ASSERT_TRUE(objects.shared.begin(words, false));  // never smaller
  EXPECT_EQ(objects.shared.entry_count(), 2048u);
}

TEST(SharedObjects, ForgetsWhatHasNoMark) {
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1} << 30}) {
    Objects objects;
    ASSERT_TRUE(objects.shared.begin(0, false));
    std::vector<Object*> made;
    for (Word i = 0; i < 40; ++i) made.push_back(objects.keep({2 * i + 1, 9}));
    ASSERT_TRUE(objects.shared.begin(1000 * kWordsPerEntry, false));
    for (Word i = 0; i < 20; ++i) objects.keep({2 * i + 1, 9});
    objects.space.begin_marking();
    objects.shared.begin_forgetting();
    std::set<const Object*> marked;
    for (size_t i = 0; i < made.size(); i += 3) {
      objects.space.mark(made[i]);
      marked.insert(made[i]);
    }
    size_t steps = 1;
    while (!objects.shared.forget_unmarked(objects.space, step)) ++steps;
    EXPECT_EQ(steps > 1, step < 1000);
    objects.shared.for_each([&](const Object* object) { EXPECT_TRUE(marked.contains(object)); });
    size_t known = 0;
    for (Word i = 0; i < 40; ++i) {
      const SharedObjects::Found found = objects.find({2 * i + 1, 9});
      if (found.object == nullptr) continue;
      EXPECT_EQ(found.object, made[i]);
      ++known;
    }
    EXPECT_GT(known, 5u);
    EXPECT_LE(known, marked.size());
  }
}

TEST(SharedObjects, RestsWhenLittleIsFound) {
  SharedObjects shared;
  const size_t trial = kTrialWords;
  ASSERT_TRUE(shared.begin(1 << 20, false));
  // A trial that finds enough continues.
  shared.end(trial - trial / kWorthwhileOneIn, trial / kWorthwhileOneIn);
  ASSERT_TRUE(shared.begin(1 << 20, false));
  EXPECT_GT(shared.entry_count(), 0u);
  for (size_t rest = kShortestPause; rest <= 4 * kLongestPause; rest *= 2) {
    // Too little, but enough that the trial does not end early.
    ASSERT_TRUE(shared.begin(1 << 20, false));
    shared.end(trial / 2 - trial / 64, trial / 64);
    ASSERT_TRUE(shared.begin(1 << 20, false));
    shared.end(trial / 2 - trial / 64, trial / 64);
    EXPECT_EQ(shared.entry_count(), 0u);  // and takes no memory
    for (size_t i = 0; i < std::min(rest, kLongestPause); ++i) {
      ASSERT_FALSE(shared.begin(1 << 20, false));
      shared.note_moved(trial);
    }
  }
  EXPECT_TRUE(shared.begin(1 << 20, false));
}

TEST(SharedObjects, GivesUpWhenNothingIsFound) {
  SharedObjects shared;
  const size_t trial = kTrialWords;
  ASSERT_TRUE(shared.begin(1 << 20, false));
  shared.end(trial / 4 - 1, 0);  // too early to decide
  ASSERT_TRUE(shared.begin(1 << 20, false));
  shared.end(1, 0);
  // The pause is as long as after a whole trial.
  for (size_t i = 0; i < kShortestPause; ++i) {
    ASSERT_FALSE(shared.begin(1 << 20, false));
    shared.note_moved(trial);
  }
  EXPECT_TRUE(shared.begin(1 << 20, false));
}

}  // namespace
}  // namespace fble
