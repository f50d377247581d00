#include "jit/x64/gdb_jit.h"

#include <elf.h>

#include <cstring>
#include <iterator>
#include <mutex>
#include <string>

#include "jit/x64/unwind_info.h"

// The interface: debuggers look for the two symbols, and know the layouts.
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

// NOLINTBEGIN(readability-identifier-naming)
__attribute__((used, retain)) JitDescriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
__attribute__((used, retain, noinline)) void __jit_debug_register_code() { asm volatile("" ::: "memory"); }
// NOLINTEND(readability-identifier-naming)
}

namespace fble {

namespace {

enum Action : uint32_t { kRegister = 1, kUnregister = 2 };

std::mutex& list_lock() {
  static std::mutex lock;
  return lock;
}

void tell(Action action, JitCodeEntry* entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_register_code();
}

enum Section : uint16_t { kNone, kText, kUnwinding, kSymbols, kStrings, kSections };

/// The names of the sections and of the symbol, at these places.
constexpr char kNames[] = "\0.text\0.eh_frame\0.symtab\0.strtab\0fble_machine_code";
constexpr uint32_t kNameAt[kSections] = {0, 1, 7, 17, 25};
constexpr uint32_t kSymbolNameAt = 33;

/// Returns an object file whose code is elsewhere in memory.
std::string object_file(const uint8_t* start, size_t bytes) {
  const std::string unwinding = unwind_table(start, bytes);
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = kSymbolNameAt;
  symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbols[1].st_shndx = kText;
  symbols[1].st_size = bytes;

  Elf64_Shdr sections[kSections] = {};
  std::string contents;
  const auto add = [&](Section number, uint32_t type, const void* data, size_t size) {
    while (contents.size() % 8 != 0) contents.push_back('\0');
    Elf64_Shdr& section = sections[number];
    section.sh_name = kNameAt[number];
    section.sh_type = type;
    section.sh_offset = sizeof(Elf64_Ehdr) + contents.size();
    section.sh_size = size;
    section.sh_addralign = 8;
    contents.append(static_cast<const char*>(data), size);
  };
  add(kUnwinding, SHT_PROGBITS, unwinding.data(), unwinding.size());
  sections[kUnwinding].sh_flags = SHF_ALLOC;
  add(kSymbols, SHT_SYMTAB, symbols, sizeof symbols);
  sections[kSymbols].sh_link = kStrings;
  sections[kSymbols].sh_info = 1;  // the first global one
  sections[kSymbols].sh_entsize = sizeof(Elf64_Sym);
  add(kStrings, SHT_STRTAB, kNames, sizeof kNames);
  sections[kText].sh_name = kNameAt[kText];
  sections[kText].sh_type = SHT_NOBITS;
  sections[kText].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  sections[kText].sh_addr = reinterpret_cast<Elf64_Addr>(start);
  sections[kText].sh_size = bytes;
  sections[kText].sh_addralign = 16;
  while (contents.size() % 8 != 0) contents.push_back('\0');

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = sizeof header + contents.size();
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSections;
  header.e_shstrndx = kStrings;
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file += contents;
  file.append(reinterpret_cast<const char*>(sections), sizeof sections);
  return file;
}

}  // namespace

struct RegisteredCode::Entry {
  JitCodeEntry links{};
  std::string file;
};

RegisteredCode::RegisteredCode() = default;

void RegisteredCode::add(const uint8_t* start, size_t bytes) {
  entry_ = std::make_unique<Entry>();
  entry_->file = object_file(start, bytes);
  JitCodeEntry& entry = entry_->links;
  entry.symfile_addr = entry_->file.data();
  entry.symfile_size = entry_->file.size();
  const std::lock_guard<std::mutex> hold(list_lock());
  entry.next_entry = __jit_debug_descriptor.first_entry;
  if (entry.next_entry != nullptr) entry.next_entry->prev_entry = &entry;
  __jit_debug_descriptor.first_entry = &entry;
  tell(kRegister, &entry);
}

RegisteredCode::~RegisteredCode() {
  if (entry_ == nullptr) return;
  JitCodeEntry& entry = entry_->links;
  const std::lock_guard<std::mutex> hold(list_lock());
  if (entry.next_entry != nullptr) entry.next_entry->prev_entry = entry.prev_entry;
  (entry.prev_entry != nullptr ? entry.prev_entry->next_entry : __jit_debug_descriptor.first_entry) = entry.next_entry;
  tell(kUnregister, &entry);
}

}  // namespace fble
