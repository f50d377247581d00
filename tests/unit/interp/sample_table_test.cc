// Paths of calls with cycles taken out, and what is counted on them.
#include "interp/sample_table.h"

#include <gtest/gtest.h>

#include <deque>

namespace fble {
namespace {

class SampleTableTest : public testing::Test {
 protected:
  const Code* code(const char* name) {
    for (const Code& known : codes_) {
      if (known.block.str() == name) return &known;
    }
    Code& made = codes_.emplace_back();
    made.block = Symbol(name);
    return &made;
  }
  /// Enters the functions, all at the same place of their callers.
  uint32_t enter(std::initializer_list<const char*> names) {
    uint32_t node = 0;
    for (const char* name : names) node = table_.enter(node, words_, code(name));
    return node;
  }
  std::string path(uint32_t node) const {
    std::string text;
    for (; node != 0; node = table_.node(node).parent) text = table_.node(node).code->block.str() + text;
    return text;
  }

  std::deque<Code> codes_;
  uint32_t words_[4] = {};
  SampleTable table_;
};

TEST_F(SampleTableTest, PathsAreShared) {
  EXPECT_EQ(enter({"a", "b"}), enter({"a", "b"}));
  EXPECT_NE(enter({"a", "b"}), enter({"a", "c"}));
  EXPECT_EQ(table_.node(enter({"a", "b"})).parent, enter({"a"}));
}

TEST_F(SampleTableTest, CyclesAreTakenOut) {
  EXPECT_EQ(path(enter({"a", "b", "c", "c", "d", "c", "d", "e"})), "abcde");
  EXPECT_EQ(path(enter({"a", "a", "a", "a"})), "a");
  EXPECT_EQ(path(enter({"a", "b", "a", "b", "a"})), "aba");
  EXPECT_EQ(path(enter({"a", "b", "a", "c", "a", "b", "a", "c"})), "abac");
  uint32_t node = 0;
  for (int i = 0; i < 100'000; ++i) node = table_.enter(node, words_ + i % 2, code("f"));
  EXPECT_EQ(path(node), "f");
}

TEST_F(SampleTableTest, CallsAtOtherPlacesAreOtherPaths) {
  const uint32_t caller = enter({"a"});
  const uint32_t first = table_.enter(caller, words_, code("b"));
  const uint32_t second = table_.enter(caller, words_ + 1, code("b"));
  EXPECT_NE(first, second);
  EXPECT_EQ(table_.node(first).site, words_);
  EXPECT_EQ(table_.node(second).site, words_ + 1);
  EXPECT_EQ(table_.enter(caller, words_, code("b")), first);
}

TEST_F(SampleTableTest, LeavesSumUp) {
  const uint32_t node = enter({"a", "b"});
  table_.add(node, words_, Activity::kProgram, Tier::kMachineCode, 7, 100);
  table_.add(node, words_, Activity::kExit, Tier::kRuntime, 0, 10);
  table_.add(node, words_, Activity::kProgram, Tier::kMachineCode, 7, 50);
  table_.add(0, nullptr, Activity::kRuntime, Tier::kRuntime, 0, 1);
  uint64_t ns = 0;
  size_t leaves = 0;
  table_.for_each_leaf(node, [&](const SampleTable::Leaf& leaf) {
    ++leaves;
    if (leaf.activity == Activity::kProgram) {
      EXPECT_EQ(leaf.samples, 2u);
      ns += leaf.ns;
    }
  });
  EXPECT_EQ(leaves, 2u);
  EXPECT_EQ(ns, 150u);
  EXPECT_EQ(table_.samples(), 4u);
  EXPECT_EQ(table_.ns(), 161u);
  EXPECT_EQ(table_.cut_short(), 0u);
}

}  // namespace
}  // namespace fble
