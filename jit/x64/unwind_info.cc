#include "jit/x64/unwind_info.h"

#include <array>

namespace fble {

namespace {

// Of the DWARF standard and its use for x86-64 (System V ABI).
constexpr uint8_t kDefCfa = 0x0c;
constexpr uint8_t kOffset = 0x80;  // with the register in the lower bits
constexpr uint8_t kDwarfRbp = 6;
constexpr uint8_t kReturnAddress = 16;
constexpr uint8_t kAbsolute = 0x00;  // 8 bytes

/// The registers that `enter` pushes, by their DWARF numbers, from the highest address down: 8 bytes each.
constexpr std::array<uint8_t, 7> kPushed = {kReturnAddress, kDwarfRbp, 3 /* rbx */, 12, 13, 14, 15};

template <typename Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Appends a record: its length, then its body, filled up to a multiple of 8.
void append_record(std::string& bytes, std::string body) {
  while ((body.size() + sizeof(uint32_t)) % 8 != 0) body.push_back('\0');
  append(bytes, static_cast<uint32_t>(body.size()));
  bytes += body;
}

/// Returns the common record: the rule.
std::string common_record() {
  std::string body;
  append(body, uint32_t{0});  // it is a common record
  append(body, uint8_t{1});   // version
  body.append("zR").push_back('\0');
  append(body, uint8_t{1});     // code is counted in bytes
  append(body, uint8_t{0x78});  // offsets in units of -8
  append(body, kReturnAddress);
  append(body, uint8_t{1});  // the bytes of the encoding
  append(body, kAbsolute);
  append(body, kDefCfa);
  append(body, kDwarfRbp);
  append(body, uint8_t{16});
  uint8_t distance = 1;
  for (const uint8_t pushed : kPushed) {
    append(body, static_cast<uint8_t>(kOffset | pushed));
    append(body, distance++);
  }
  std::string bytes;
  append_record(bytes, body);
  return bytes;
}

}  // namespace

std::string unwind_table(const uint8_t* start, size_t bytes) {
  std::string table = common_record();
  std::string body;
  append(body, static_cast<uint32_t>(table.size() + sizeof(uint32_t)));  // the distance to the common record
  append(body, reinterpret_cast<uint64_t>(start));
  append(body, uint64_t{bytes});
  append(body, uint8_t{0});
  append_record(table, body);
  append(table, uint32_t{0});  // the end
  append(table, uint32_t{0});
  return table;
}

}  // namespace fble
