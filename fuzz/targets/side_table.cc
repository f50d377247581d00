// Side tables: encoded entries decode to the same, and bytes that no builder writes
// are rejected. The first four bytes choose random entries. Each three of the rest
// change a byte of the table; or, if the first byte is odd, the rest itself is taken
// as a table, of which the other three say how many exits it has and where groups start.
#include "deopt/side_table.h"

#include "deopt/side_table_verify.h"
#include "fuzz/targets/target.h"
#include "tests/unit/deopt/exit_gen.h"

using namespace fble;

namespace {

/// Returns whether the entries encode to this table.
bool encodes_to(const std::vector<ExitEntry>& entries, const SideTable& table) {
  SideTableBuilder builder(table.code);
  for (const ExitEntry& entry : entries) builder.add(entry);
  return builder.finish() == table;
}

}  // namespace

FBLE_FUZZ_TARGET(side_table) {
  static const std::unique_ptr<ProgramCode> program = parse_exit_program();
  static const std::vector<Code*> codes = all_codes(*program);
  if (bytes.size() < 4) return;
  const uint32_t seed = static_cast<uint32_t>(bytes[0]) | bytes[1] << 8 | bytes[2] << 16;
  SideTable table;
  std::string message;
  std::vector<ExitEntry> entries;
  if ((bytes[0] & 1) == 0) {
    ExitGenerator gen(*program, seed);
    SideTableBuilder builder;
    entries = gen.table(bytes[3] % 32);
    for (const ExitEntry& entry : entries) builder.add(entry);
    table = builder.finish();
    require(verify_side_table(table, &message, codes), "a table of the builder's is rejected", message);
    for (uint32_t i = 0; i < table.exits; ++i) {
      const std::string difference = SameExits(entries[i], decode_exit(table, i)).difference();
      require(difference.empty(), "an exit decodes to another", difference);
    }
    for (size_t at = 4; at + 3 <= bytes.size() && table.exits != 0; at += 3) {
      table.bytes[(bytes[at] | bytes[at + 1] << 8) % table.bytes.size()] = bytes[at + 2];
    }
  } else {
    table = {{bytes.begin() + 4, bytes.end()}, bytes[3], codes[(bytes[1] | bytes[2] << 8) % codes.size()]};
  }
  std::vector<ExitEntry> decoded;
  if (!decode_side_table(table, codes, &decoded, &message)) {
    require(!message.empty(), "rejected without a reason");
    return;
  }
  require(encodes_to(decoded, table), "accepted, but written otherwise");
}
