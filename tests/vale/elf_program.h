// A program in a file, for x86-64: its functions and their code.
#pragma once

#include <elf.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace vale {

class ElfProgram {
 public:
  struct Function {
    std::string symbol;
    uint64_t begin;
    uint64_t end;
  };

  /// Reads a file. There are no functions if it is no such program.
  explicit ElfProgram(const char* path);

  /// By their addresses, as they are in the file. Of several names of a function there is one.
  const std::map<uint64_t, Function>& functions() const { return functions_; }

  /// The bytes from an address up to another one; none if they are not in the file.
  std::span<const uint8_t> code(uint64_t begin, uint64_t end) const;

 private:
  template <typename T>
  const T& at(uint64_t offset) const {
    return reinterpret_cast<const T&>(bytes_[offset]);
  }
  void read_symbols(const Elf64_Shdr& section);

  std::vector<char> bytes_;
  std::span<const Elf64_Shdr> sections_;
  std::map<uint64_t, Function> functions_;
};

}  // namespace vale
