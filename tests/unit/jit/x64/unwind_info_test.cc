// The unwinding rule of machine code, and its registration with debuggers.
#include "jit/x64/unwind_info.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>

#include "jit/x64/code_cache.h"

// The interface that debuggers read, as gdb's manual has it.
extern "C" {
struct JitCodeEntry {
  JitCodeEntry* next_entry;
  JitCodeEntry* prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};
struct JitDescriptor {
  uint32_t version;
  uint32_t action_flag;
  JitCodeEntry* relevant_entry;
  JitCodeEntry* first_entry;
};
extern JitDescriptor __jit_debug_descriptor;  // NOLINT(readability-identifier-naming)
}

namespace fble {
namespace {

template <typename Number>
Number number_at(const std::string& bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

TEST(UnwindInfo, RecordsFollowEachOtherAndEnd) {
  const std::string table = unwind_table(reinterpret_cast<const uint8_t*>(0x40000000), 4096);
  const size_t of_code = number_at<uint32_t>(table, 0) + 4;
  EXPECT_EQ(number_at<uint32_t>(table, 4), 0u);
  EXPECT_EQ(of_code % 8, 0u);
  // The distance back to the common record.
  EXPECT_EQ(number_at<uint32_t>(table, of_code + 4), of_code + 4);
  EXPECT_EQ(number_at<uint64_t>(table, of_code + 8), 0x40000000u);
  EXPECT_EQ(number_at<uint64_t>(table, of_code + 16), 4096u);
  const size_t end = of_code + 4 + number_at<uint32_t>(table, of_code);
  EXPECT_EQ(end + 8, table.size());
  EXPECT_EQ(number_at<uint64_t>(table, end), 0u);
}

/// Returns the number of registered objects that have a section for code at the address.
int objects_at(const uint8_t* address) {
  int found = 0;
  for (const JitCodeEntry* entry = __jit_debug_descriptor.first_entry; entry != nullptr; entry = entry->next_entry) {
    const std::string file(entry->symfile_addr, entry->symfile_size);
    EXPECT_EQ(file.substr(0, SELFMAG), ELFMAG);
    const auto header = number_at<Elf64_Ehdr>(file, 0);
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto section = number_at<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
      if (section.sh_type != SHT_NOBITS) EXPECT_LE(section.sh_offset + section.sh_size, file.size());
      const auto* start = reinterpret_cast<const uint8_t*>(section.sh_addr);
      found += (section.sh_flags & SHF_EXECINSTR) != 0 && start <= address && address < start + section.sh_size ? 1 : 0;
    }
    if (entry->next_entry != nullptr) EXPECT_EQ(entry->next_entry->prev_entry, entry);
  }
  return found;
}

TEST(UnwindInfo, CodeCachesAreRegisteredAsLongAsTheyExist) {
  const uint8_t* address = nullptr;
  {
    const CodeCache cache(1 << 16);
    ASSERT_TRUE(cache.usable());
    address = cache.next_address();
    EXPECT_EQ(objects_at(address), 1);
    EXPECT_EQ(objects_at(address + (1 << 16) - 1), 1);
    const CodeCache other(1 << 16);
    EXPECT_EQ(objects_at(address), 1);
    EXPECT_EQ(objects_at(other.next_address()), 1);
  }
  EXPECT_EQ(objects_at(address), 0);
}

}  // namespace
}  // namespace fble
