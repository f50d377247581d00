#include "tests/vale/elf_program.h"

#include <cstring>
#include <fstream>
#include <iterator>

namespace vale {

ElfProgram::ElfProgram(const char* path) {
  std::ifstream file(path, std::ios::binary);
  bytes_.assign(std::istreambuf_iterator<char>(file), {});
  if (bytes_.size() < sizeof(Elf64_Ehdr) || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) return;
  const auto& header = at<Elf64_Ehdr>(0);
  sections_ = {&at<Elf64_Shdr>(header.e_shoff), header.e_shnum};
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type == SHT_SYMTAB) read_symbols(section);
  }
}

std::span<const uint8_t> ElfProgram::code(uint64_t begin, uint64_t end) const {
  for (const Elf64_Shdr& section : sections_) {
    if (begin < section.sh_addr || end > section.sh_addr + section.sh_size) continue;
    return {&at<uint8_t>(section.sh_offset + (begin - section.sh_addr)), end - begin};
  }
  return {};
}

void ElfProgram::read_symbols(const Elf64_Shdr& section) {
  const char* names = &at<char>(sections_[section.sh_link].sh_offset);
  for (uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
    const auto& symbol = at<Elf64_Sym>(section.sh_offset + i * sizeof(Elf64_Sym));
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0) continue;
    functions_.try_emplace(symbol.st_value,
                           Function{names + symbol.st_name, symbol.st_value, symbol.st_value + symbol.st_size});
  }
}

}  // namespace vale
