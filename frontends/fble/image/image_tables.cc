#include "frontends/fble/image/image_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "frontends/fble/image/checksum.h"

namespace fble {
namespace {

constexpr size_t kWordBytes = sizeof(uint32_t);
constexpr size_t kChecksumAt = kImageMagic.size();
constexpr size_t kCountsAt = kChecksumAt + kWordBytes;
constexpr size_t kTablesAt = kCountsAt + (kSections + 1) * kWordBytes;

std::vector<SectionInfo> make_infos() {
  std::vector<SectionInfo> infos;
#define FBLE_NUMBER(name) {#name, MemberKind::kNumber},
#define FBLE_REF(name, Target) {#name, MemberKind::kRef, Section::k##Target},
#define FBLE_OPTIONAL(name, Target) {#name, MemberKind::kOptional, Section::k##Target},
#define FBLE_RANGE(name, Target) {#name, MemberKind::kRange, Section::k##Target},
#define FBLE_IMAGE_SECTION(Name, members, doc) infos.push_back({#Name, sizeof(Name##Record) / kWordBytes, {members}});
#include "frontends/fble/image/checksum.h"
#include "frontends/fble/image/sections.def"
#undef FBLE_IMAGE_SECTION
#undef FBLE_NUMBER
#undef FBLE_REF
#undef FBLE_OPTIONAL
#undef FBLE_RANGE
  return infos;
}

// What the members of the rows say is how the records are laid out.
#define FBLE_NUMBER(name) +1
#define FBLE_REF(name, Target) +1
#define FBLE_OPTIONAL(name, Target) +1
#define FBLE_RANGE(name, Target) +2
#define FBLE_IMAGE_SECTION(Name, members, doc) static_assert(sizeof(Name##Record) == kWordBytes * (0 members));
#include "frontends/fble/image/sections.def"
#undef FBLE_IMAGE_SECTION
#undef FBLE_NUMBER
#undef FBLE_REF
#undef FBLE_OPTIONAL
#undef FBLE_RANGE

void append(std::string& image, const void* from, size_t bytes) { image.append(static_cast<const char*>(from), bytes); }

}  // namespace

const SectionInfo& section_info(Section section) {
  static const std::vector<SectionInfo> infos = make_infos();
  return infos[static_cast<size_t>(section)];
}

std::string ImageTables::to_image() const {
  std::string image(kImageMagic);
  image.resize(kCountsAt);
  for (size_t i = 0; i < kSections; ++i) {
    const auto count = static_cast<uint32_t>(words_[i].size() / section_info(static_cast<Section>(i)).width);
    append(image, &count, sizeof count);
  }
  const auto byte_count = static_cast<uint32_t>(bytes_.size());
  append(image, &byte_count, sizeof byte_count);
  for (const std::vector<uint32_t>& words : words_) append(image, words.data(), words.size() * kWordBytes);
  image += bytes_;
  image.resize((image.size() + kWordBytes - 1) / kWordBytes * kWordBytes);
  const uint32_t checksum = image_checksum(image);
  std::memcpy(image.data() + kChecksumAt, &checksum, sizeof checksum);
  return image;
}

uint32_t image_checksum(std::string_view image) {
  const std::string_view content = image.substr(std::min(kCountsAt, image.size()));
  return checksum_of(content);
}

std::string ImageView::open(std::string_view image) {
  if (image.size() < kTablesAt || image.size() % kWordBytes != 0 || !image.starts_with(kImageMagic)) {
    return "this is no image of a module";
  }
  std::memcpy(&checksum_, image.data() + kChecksumAt, sizeof checksum_);
  std::array<uint32_t, kSections + 1> counts;
  std::memcpy(counts.data(), image.data() + kCountsAt, sizeof counts);
  uint64_t at = kTablesAt;
  for (size_t i = 0; i < kSections; ++i) {
    const uint64_t words = uint64_t{counts[i]} * section_info(static_cast<Section>(i)).width;
    if (words * kWordBytes > image.size() - at) return "the image ends early";
    words_[i] = {reinterpret_cast<const uint32_t*>(image.data() + at), words};
    at += words * kWordBytes;
  }
  const uint64_t byte_count = counts[kSections];
  if (image.size() - at != (byte_count + kWordBytes - 1) / kWordBytes * kWordBytes) {
    return "the image does not end where it should";
  }
  bytes_ = image.substr(at, byte_count);
  if (image.find_first_not_of('\0', at + byte_count) != std::string_view::npos)
    return "the image has bytes after its end";
  return "";
}

Digest ImageView::key(uint32_t index) const {
  Digest digest;
  std::memcpy(&digest, &at<KeyRecord>(index), sizeof digest);
  return digest;
}

}  // namespace fble
