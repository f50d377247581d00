#include "frontends/fble/image/image_store.h"

namespace fble {

std::string ImageStore::add(File file, std::string_view bytes) {
  std::string problem;
  file.reader = ImageFileReader::open(bytes, problem);
  if (file.reader != nullptr) files_.push_back(std::move(file));
  return problem;
}

std::string ImageStore::add_file(const std::string& name) {
  File file{MappedFile::open(name), nullptr, nullptr};
  if (file.mapping == nullptr) return "it cannot be read";
  const std::string_view bytes = file.mapping->bytes();
  return add(std::move(file), bytes);
}

std::string ImageStore::add_bytes(std::string bytes) {
  File file{nullptr, std::make_unique<const std::string>(std::move(bytes)), nullptr};
  const std::string_view text = *file.text;
  return add(std::move(file), text);
}

const ModuleImage* ImageStore::find(const Digest& source_key) {
  for (File& file : files_) {
    const ModuleImage* image = file.reader->find(source_key);
    if (image != nullptr && !rejected_.contains(image)) return image;
  }
  if (cache_ == nullptr) return nullptr;
  auto [cached, is_new] = cached_.try_emplace(source_key);
  if (is_new) {
    cached->second.mapping = cache_->read(source_key);
    std::string problem;
    if (cached->second.mapping != nullptr) {
      cached->second.image = ModuleImage::open(cached->second.mapping->bytes(), problem);
    }
    if (cached->second.image != nullptr && cached->second.image->source_key() != source_key) {
      cached->second.image = nullptr;
    }
  }
  const ModuleImage* image = cached->second.image.get();
  return rejected_.contains(image) ? nullptr : image;
}

}  // namespace fble
