#include "frontends/fble/image/image_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fble {
namespace {

constexpr std::string_view kMagic = "FbleImgs";
constexpr size_t kAlignment = 8;

struct Header {
  char magic[8];
  Digest command;
  uint32_t count;
  uint32_t zero;
};
static_assert(sizeof(Header) == 48);

size_t aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::string image_file(const std::map<Digest, std::string>& images) {
  Header header{};
  std::memcpy(header.magic, kMagic.data(), sizeof header.magic);
  header.command = command_digest().value_or(Digest{});
  header.count = static_cast<uint32_t>(images.size());
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  uint64_t offset = sizeof header + images.size() * (sizeof(Digest) + 2 * sizeof(uint64_t));
  for (const auto& [key, image] : images) {
    const uint64_t size = image.size();
    file.append(reinterpret_cast<const char*>(&key), sizeof key);
    file.append(reinterpret_cast<const char*>(&offset), sizeof offset);
    file.append(reinterpret_cast<const char*>(&size), sizeof size);
    offset += aligned(size);
  }
  for (const auto& [key, image] : images) {
    file += image;
    file.resize(aligned(file.size()));
  }
  return file;
}

std::unique_ptr<MappedFile> MappedFile::open(const std::string& name) {
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return nullptr;
  struct stat status;
  std::unique_ptr<MappedFile> file;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    file = map(descriptor, static_cast<size_t>(status.st_size));
  }
  close(descriptor);
  return file;
}

std::unique_ptr<MappedFile> MappedFile::map(int descriptor, size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED) return nullptr;
  return std::unique_ptr<MappedFile>(new MappedFile({static_cast<const char*>(memory), bytes}));
}

MappedFile::~MappedFile() { munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }

std::unique_ptr<ImageFileReader> ImageFileReader::open(std::string_view bytes, std::string& problem) {
  Header header;
  if (bytes.size() < sizeof header) {
    problem = "this is no file of images";
    return nullptr;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::string_view(header.magic, sizeof header.magic) != kMagic || header.zero != 0) {
    problem = "this is no file of images";
    return nullptr;
  }
  if (header.command != command_digest()) {
    problem = "another fble-jit has written it";
    return nullptr;
  }
  std::unique_ptr<ImageFileReader> reader(new ImageFileReader(bytes));
  if (header.count > (bytes.size() - sizeof header) / sizeof(Entry)) {
    problem = "the file ends early";
    return nullptr;
  }
  reader->count_ = header.count;
  return reader;
}

const ImageFileReader::Entry* ImageFileReader::entries() const {
  static_assert(sizeof(Entry) == 48 && alignof(Entry) <= kAlignment);
  return reinterpret_cast<const Entry*>(bytes_.data() + sizeof(Header));
}

std::string_view ImageFileReader::image_bytes(size_t index) const {
  const Entry& entry = entries()[index];
  if (entry.offset % kAlignment != 0 || entry.offset > bytes_.size() || entry.size > bytes_.size() - entry.offset)
    return "";
  return bytes_.substr(entry.offset, entry.size);
}

const ModuleImage* ImageFileReader::find(const Digest& source_key) {
  // If the entries are not in order, the key is not found, or another image is, which has another key.
  const Entry* end = entries() + count_;
  const Entry* entry = std::lower_bound(entries(), end, source_key,
                                        [](const Entry& candidate, const Digest& key) { return candidate.key < key; });
  if (entry == end || entry->key != source_key) return nullptr;
  auto [opened, is_new] = opened_.try_emplace(entry);
  if (is_new) {
    std::string problem;
    opened->second = ModuleImage::open(image_bytes(static_cast<size_t>(entry - entries())), problem);
    if (opened->second != nullptr && opened->second->source_key() != source_key) opened->second = nullptr;
  }
  return opened->second.get();
}

}  // namespace fble
