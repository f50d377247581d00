#include "frontends/fble/image/digest.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>
#include <nettle/sha2.h>

#include <cstring>
#include <new>

namespace fble {
namespace {

/// Finds the build id among the notes of the command, which is the first object.
int find_build_id(dl_phdr_info* object, size_t, void* result) {
  for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* note = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    const char* end = note + segment.p_memsz;
    while (static_cast<size_t>(end - note) >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) header;
      std::memcpy(&header, note, sizeof header);
      const char* name = note + sizeof header;
      const char* content = name + (header.n_namesz + 3) / 4 * 4;
      if (header.n_type == NT_GNU_BUILD_ID && std::string_view(name, header.n_namesz) == std::string_view("GNU\0", 4)) {
        *static_cast<std::optional<Digest>*>(result) = digest_of({content, header.n_descsz});
        return 1;
      }
      note = content + (header.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;
}

}  // namespace

std::string Digest::str() const {
  std::string text;
  for (const uint32_t word : words) text += fmt::format("{:08x}", word);
  return text;
}

Digester::Digester() {
  static_assert(sizeof(sha256_ctx) <= sizeof state_ && alignof(sha256_ctx) <= 8);
  sha256_init(new (state_.data()) sha256_ctx);
}

void Digester::update(const void* bytes, size_t count) {
  sha256_update(reinterpret_cast<sha256_ctx*>(state_.data()), count, static_cast<const uint8_t*>(bytes));
}

Digester& Digester::add(std::string_view part) {
  const uint64_t length = part.size();
  update(&length, sizeof length);
  update(part.data(), part.size());
  return *this;
}

Digester& Digester::add(const Digest& part) {
  return add(std::string_view(reinterpret_cast<const char*>(part.words.data()), sizeof part.words));
}

Digest Digester::finish() {
  Digest digest;
  static_assert(sizeof digest.words == SHA256_DIGEST_SIZE);
  sha256_digest(reinterpret_cast<sha256_ctx*>(state_.data()), SHA256_DIGEST_SIZE,
                reinterpret_cast<uint8_t*>(digest.words.data()));
  return digest;
}

Digest digest_of(std::string_view bytes) { return Digester().add(bytes).finish(); }

std::optional<Digest> command_digest() {
  std::optional<Digest> digest;
  dl_iterate_phdr(find_build_id, &digest);
  return digest;
}

}  // namespace fble
