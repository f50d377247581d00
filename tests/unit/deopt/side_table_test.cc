// The byte format: written tables are read back, there is one encoding only,
// and corrupt tables are refused.
#include "deopt/side_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "deopt/side_table_verify.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

SideTable encode(const std::vector<ExitEntry>& entries) {
  SideTableBuilder builder;
  for (const ExitEntry& entry : entries) builder.add(entry);
  return builder.finish();
}

TEST(SideTable, RandomExitsComeBack) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  for (uint32_t seed = 0; seed < 400; ++seed) {
    ExitGenerator generator(*program, seed);
    const std::vector<ExitEntry> entries = generator.table(generator.below(60));
    const SideTable table = encode(entries);
    ASSERT_EQ(table.exits, entries.size());
    std::vector<ExitEntry> decoded;
    for (uint32_t i = 0; i < table.exits; ++i) {
      decoded.push_back(decode_exit(table, i));
      ASSERT_EQ(SameExits(entries[i], decoded[i]).difference(), "") << "seed " << seed << ", exit " << i;
      ASSERT_EQ(verify_exit(decoded[i]), "") << "seed " << seed << ", exit " << i;
    }
    std::string message;
    ASSERT_TRUE(verify_side_table(table, &message, codes)) << message << ", seed " << seed;
    const SideTable again = encode(decoded);
    ASSERT_EQ(again, table) << "seed " << seed;
    for (uint32_t i = 0; i < again.exits; ++i) ASSERT_EQ(decode_exit(again, i), decoded[i]);
  }
}

/// Changes each byte and the length: the table is refused, or is the encoding
/// of other exits.
TEST(SideTable, CorruptTablesAreRefused) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  size_t refused = 0;
  size_t accepted = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    ExitGenerator generator(*program, seed);
    const std::vector<ExitEntry> entries = generator.table(12);
    const SideTable table = encode(entries);
    for (int round = 0; round < 400; ++round) {
      SideTable changed = table;
      const uint32_t what = generator.below(12);
      if (what == 0) {
        changed.bytes.resize(generator.below(static_cast<uint32_t>(changed.bytes.size())));
      } else if (what == 1) {
        changed.bytes.push_back(static_cast<uint8_t>(generator.below(256)));
      } else if (what == 2) {
        changed.exits = generator.below(2 * changed.exits);
      } else if (what == 3) {
        changed.code = generator.below(3) == 0 ? nullptr : codes[generator.below(static_cast<uint32_t>(codes.size()))];
      } else {
        for (uint32_t i = 1 + generator.below(3); i > 0; --i) {
          changed.bytes[generator.below(static_cast<uint32_t>(changed.bytes.size()))] =
              static_cast<uint8_t>(generator.below(256));
        }
      }
      const bool same = changed == table;
      std::string message;
      if (same) continue;
      if (!verify_side_table(changed, &message, codes)) {
        EXPECT_NE(message, "");
        ++refused;
        continue;
      }
      ++accepted;
      for (uint32_t i = 0; i < changed.exits; ++i) decode_exit(changed, i);
    }
  }
  // Most registers and facts are as good as others.
  EXPECT_GT(refused, accepted);
}

}  // namespace
}  // namespace fble
