// Freezing and thawing of single slabs, and faults that have another cause.
#include "gc/frozen_slabs.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "gc/slabs.h"

namespace fble {
namespace {

/// Slabs full of the cells of one list, with the number of the cell as its head.
struct Lists {
  explicit Lists(size_t count) {
    Word next = kUnitWord;
    for (Word number = 0; all.size() < count;) {
      Slab* slab = slabs.take();
      Word* at = slab->words();
      for (; at + 3 <= slab->end(); at += 3, ++number) {
        at[0] = Object::make_header(ObjectKind::kStruct, 2);
        at[1] = number % 5000 << 1 | 1;
        at[2] = next;
        next = reinterpret_cast<Word>(at);
      }
      slabs.adopt(slab, at);
      slabs.leave(slab);
      all.push_back(slab);
      last = next;
      cells = number;
    }
  }
  void freeze_all() {
    for (Slab* slab : all) ASSERT_TRUE(slabs.frozen().freeze(slab));
  }
  size_t frozen() const {
    return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const Slab* slab) { return slab->is_frozen; }));
  }
  void walk() const {
    Word number = cells;
    for (Word at = last; at != kUnitWord; at = as_object(at)->fields[1]) {
      ASSERT_EQ(as_object(at)->fields[0], --number % 5000 << 1 | 1);
    }
    ASSERT_EQ(number, 0u);
  }

  Slabs slabs;
  std::vector<Slab*> all;
  Word last = kUnitWord;
  Word cells = 0;
};

TEST(FrozenSlabs, AWalkThawsAWindow) {
  const size_t count = 3 * kWindowSlabs;
  Lists lists(count);
  lists.freeze_all();
  EXPECT_EQ(lists.frozen(), count);
  for (uint64_t walk = 1; walk < kMostThaws; ++walk) {
    lists.walk();
    EXPECT_EQ(lists.frozen(), count - kWindowSlabs);
    EXPECT_EQ(lists.slabs.frozen().stats().thawed_slabs, walk * count);
  }
  EXPECT_EQ(lists.slabs.frozen().stats().frozen_slabs, count);
  // At last all of them stay.
  lists.walk();
  lists.walk();
  lists.walk();
  EXPECT_EQ(lists.frozen(), 0u);
  EXPECT_LE(lists.slabs.frozen().stats().thawed_slabs, kMostThaws * count);
  EXPECT_GE(lists.slabs.frozen().take_price(), count * kThawPrice * kSlabWords);
}

TEST(FrozenSlabs, ViewsLeaveSlabsFrozen) {
  Lists lists(kViews + 3);
  lists.freeze_all();
  for (uint64_t round = 1; round < kMostPeeks; ++round) {
    for (const Slab* slab : lists.all) {
      const auto* first = reinterpret_cast<const Object*>(slab->words());
      const auto* other = reinterpret_cast<const Object*>(slab->words() + 3000);
      EXPECT_EQ(lists.slabs.frozen().view(other)->fields[1], from_object(other) - 24);
      EXPECT_NE(lists.slabs.frozen().view(first), first);
    }
    EXPECT_EQ(lists.frozen(), lists.all.size());
    EXPECT_EQ(lists.slabs.frozen().stats().peeks, round * lists.all.size());
  }
  // One view too many thaws.
  const auto* object = reinterpret_cast<const Object*>(lists.all[0]->words());
  EXPECT_EQ(lists.slabs.frozen().view(object), object);
  EXPECT_EQ(lists.frozen(), lists.all.size() - 1);
  // A check does not.
  const auto* checked = reinterpret_cast<const Object*>(lists.all[1]->words());
  for (int i = 0; i < 3; ++i) {
    for (const Slab* slab : lists.all) {
      lists.slabs.frozen().look(reinterpret_cast<const Object*>(slab->words()));
    }
    EXPECT_EQ(lists.slabs.frozen().look(checked)->header, Object::make_header(ObjectKind::kStruct, 2));
  }
  EXPECT_EQ(lists.frozen(), lists.all.size() - 1);
  lists.walk();
}

TEST(FrozenSlabs, APinnedViewStays) {
  Lists lists(kViews + 2);
  lists.freeze_all();
  FrozenSlabs& frozen = lists.slabs.frozen();
  const FrozenSlabs::Pin pin(frozen, lists.all[0]);
  const auto* object = reinterpret_cast<const Object*>(lists.all[0]->words() + 300);
  const Object* content = frozen.view(object);
  for (int round = 0; round < 3; ++round) {
    for (const Slab* slab : lists.all) frozen.view(reinterpret_cast<const Object*>(slab->words()));
  }
  EXPECT_EQ(content->fields[1], from_object(object) - 24);
}

TEST(FrozenSlabs, SlabsThatWillChangeAreNotFrozen) {
  Lists lists(2);
  for (const size_t cell : {size_t{0}, size_t{2000}}) {
    Word& head = lists.all[0]->words()[3 * cell + 1];
    const Word before = std::exchange(head, make_placeholder(7));
    EXPECT_FALSE(lists.slabs.frozen().freeze(lists.all[0]));
    head = before;
  }
  EXPECT_TRUE(lists.slabs.frozen().freeze(lists.all[0]));
  lists.walk();
}

TEST(FrozenSlabs, HeapsOnSeveralThreadsAreThawed) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 5; ++round) {
        Lists lists(20);
        lists.freeze_all();
        lists.walk();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(FrozenSlabs, OtherFaultsEndTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto fault = [](int protection) {
    Lists lists(2);
    lists.freeze_all();
    lists.walk();
    void* memory = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<volatile int*>(memory) = 1;
    std::_Exit(0);
  };
  // Sanitizers report it.
  const auto is_fatal = [](int status) { return status != 0; };
  EXPECT_EXIT(fault(PROT_NONE), is_fatal, "");
  EXPECT_EXIT(fault(PROT_READ), is_fatal, "");
}

}  // namespace
}  // namespace fble
