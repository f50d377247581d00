// Tables of remembered calls.
#include "jit/ir/memo_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace fble {
namespace {

MemoTable make_table(uint32_t index_bits) {
  MemoTable table;
  table.index_bits = index_bits;
  table.rows = std::make_unique<MemoRow[]>(size_t{1} << index_bits);
  return table;
}

void remember(const MemoTable& table, std::span<const Word> arguments, Word result) {
  MemoRow& row = table.row_for(arguments);
  std::ranges::copy(arguments, row.arguments);
  row.result = result;
}

TEST(MemoTable, FindsWhatItRemembers) {
  const MemoTable table = make_table(10);
  const std::array<Word, 3> call{11, 13, 15};
  EXPECT_EQ(table.find(call), 0u);
  remember(table, call, 21);
  EXPECT_EQ(table.find(call), 21u);
}

TEST(MemoTable, EachArgumentCounts) {
  const MemoTable table = make_table(1);
  const std::array<Word, 3> call{11, 13, 15};
  remember(table, call, 21);
  for (size_t k = 0; k < call.size(); ++k) {
    std::array<Word, 3> other = call;
    other[k] += 2;
    // The same row, of another call.
    std::ranges::copy(call, table.row_for(other).arguments);
    table.row_for(other).result = 21;
    EXPECT_EQ(table.find(other), 0u) << k;
  }
}

TEST(MemoTable, SmallNumbersDoNotShareRows) {
  const MemoTable table = make_table(10);
  std::array<int, 1024> uses{};
  for (Word word = 1; word < 1024; word += 2) ++uses[&table.row_for(std::span(&word, 1)) - table.rows.get()];
  EXPECT_LE(*std::ranges::max_element(uses), 2);
}

TEST(MemoTable, WithoutRowsNothingIsRemembered) {
  MemoTable table = make_table(4);
  const std::array<Word, 1> call{11};
  remember(table, call, 21);
  table.rows.reset();
  EXPECT_EQ(table.find(call), 0u);
}

}  // namespace
}  // namespace fble
