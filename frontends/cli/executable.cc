#include "frontends/cli/executable.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

namespace fble {
namespace {

constexpr size_t kAlignment = 8;

/// The place of the bundle in the file of an executable. Both are 0 in the command itself; `executable_with` writes
/// other values into a copy of it.
struct BundlePlace {
  uint64_t offset;
  uint64_t size;
};

/// Volatile, since the file of an executable has other values than those that the compiler sees.
[[gnu::used]] constexpr volatile BundlePlace kBundlePlace{0, 0};

/// Finds the place of `kBundlePlace` in the file of the executable, which is the first object.
int find_place(dl_phdr_info* object, size_t, void* result) {
  const auto wanted = reinterpret_cast<uintptr_t>(&kBundlePlace);
  for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || wanted < begin || wanted - begin >= segment.p_filesz) continue;
    *static_cast<uint64_t*>(result) = segment.p_offset + (wanted - begin);
  }
  return 1;
}

/// Maps the file of this process's executable. Returns null if it cannot be read.
std::unique_ptr<MappedFile> own_file() {
  // There may be no /proc. Then the path that the process was started with is tried.
  for (const char* name : {"/proc/self/exe", reinterpret_cast<const char*>(getauxval(AT_EXECFN))}) {
    errno = 0;
    std::unique_ptr<MappedFile> file = name == nullptr ? nullptr : MappedFile::open(name);
    if (file != nullptr) return file;
    if (errno == ENOMEM) throw std::bad_alloc();
  }
  return nullptr;
}

}  // namespace

bool holds_program() { return kBundlePlace.offset != 0; }

std::optional<HeldBundle> held_bundle(std::string& problem) {
  HeldBundle held{own_file(), {}};
  if (held.file == nullptr) {
    problem = "its file cannot be read";
    return std::nullopt;
  }
  const uint64_t offset = kBundlePlace.offset;
  const uint64_t size = kBundlePlace.size;
  const std::string_view bytes = held.file->bytes();
  if (offset % kAlignment != 0 || offset > bytes.size() || size > bytes.size() - offset) {
    problem = "its file ends early, as after `strip` or an incomplete copy";
    return std::nullopt;
  }
  held.bytes = bytes.substr(offset, size);
  return held;
}

std::optional<std::string> executable_with(std::string_view bundle, std::string& problem) {
  uint64_t place_in_file = 0;
  dl_iterate_phdr(find_place, &place_in_file);
  const std::unique_ptr<MappedFile> own = own_file();
  if (own == nullptr || place_in_file == 0 || place_in_file > own->bytes().size() - sizeof(BundlePlace)) {
    problem = "the file of fble-jit itself cannot be read";
    return std::nullopt;
  }
  std::string file(own->bytes());
  file.resize((file.size() + kAlignment - 1) / kAlignment * kAlignment);
  const BundlePlace place{file.size(), bundle.size()};
  std::memcpy(file.data() + place_in_file, &place, sizeof place);
  file += bundle;
  return file;
}

}  // namespace fble
