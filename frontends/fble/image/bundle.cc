#include "frontends/fble/image/bundle.h"

#include <algorithm>
#include <cstring>

#include "frontends/fble/image/checksum.h"

namespace fble {
namespace {

constexpr size_t kAlignment = 8;

struct Header {
  char magic[8];
  uint32_t checksum;
  uint32_t count;
};
static_assert(sizeof(Header) == 16);

/// Some of the bundle's bytes.
struct Piece {
  uint64_t offset;
  uint64_t size;
};

struct Entry {
  Piece file;
  Piece image;
};
static_assert(sizeof(Entry) == 32);

size_t aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

template <typename Record>
void append(std::string& bytes, const Record& record) {
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

/// Returns the entries of a bundle that has as many as its header says.
std::span<const Entry> entries_of(std::string_view bundle, const Header& header) {
  return {reinterpret_cast<const Entry*>(bundle.data() + sizeof header), header.count};
}

/// Returns the part of the bundle that its checksum covers: what follows the checksum, up to the first image.
std::string_view checked_part(std::string_view bundle) {
  Header header;
  std::memcpy(&header, bundle.data(), sizeof header);
  uint64_t end = bundle.size();
  for (const Entry& entry : entries_of(bundle, header)) end = std::min(end, entry.image.offset);
  constexpr size_t kBegin = offsetof(Header, count);
  return bundle.substr(kBegin, std::max<uint64_t>(end, kBegin) - kBegin);
}

/// Returns why a bundle has no entries that could be looked at; empty if it has.
std::string find_problem(std::string_view bundle) {
  Header header;
  if (bundle.size() < sizeof header || !bundle.starts_with(kBundleMagic)) return "it is not what fble-jit writes";
  std::memcpy(&header, bundle.data(), sizeof header);
  if (header.count == 0 || header.count > (bundle.size() - sizeof header) / sizeof(Entry)) return "it ends early";
  return "";
}

}  // namespace

std::string write_bundle(std::span<const BundledModule> modules) {
  Header header{};
  std::memcpy(header.magic, kBundleMagic.data(), sizeof header.magic);
  header.count = static_cast<uint32_t>(modules.size());
  std::string names;
  for (const BundledModule& module : modules) names += module.file;

  uint64_t name = sizeof header + modules.size() * sizeof(Entry);
  uint64_t image = aligned(name + names.size());
  std::string bundle;
  append(bundle, header);
  for (const BundledModule& module : modules) {
    append(bundle, Entry{.file = {name, module.file.size()}, .image = {image, module.image.size()}});
    name += module.file.size();
    image += aligned(module.image.size());
  }
  bundle += names;
  for (const BundledModule& module : modules) {
    bundle.resize(aligned(bundle.size()));
    bundle += module.image;
  }
  const uint32_t checksum = bundle_checksum(bundle);
  std::memcpy(bundle.data() + offsetof(Header, checksum), &checksum, sizeof checksum);
  return bundle;
}

std::optional<std::vector<BundledModule>> read_bundle(std::string_view bundle, std::string& problem) {
  problem = find_problem(bundle);
  if (!problem.empty()) return std::nullopt;
  Header header;
  std::memcpy(&header, bundle.data(), sizeof header);
  if (header.checksum != bundle_checksum(bundle)) {
    problem = "its checksum is wrong";
    return std::nullopt;
  }
  const auto is_within = [&](const Piece& piece) {
    return piece.offset <= bundle.size() && piece.size <= bundle.size() - piece.offset;
  };
  std::vector<BundledModule> modules;
  for (const Entry& entry : entries_of(bundle, header)) {
    if (!is_within(entry.file) || !is_within(entry.image) || entry.image.offset % kAlignment != 0) {
      problem = "it ends early";
      return std::nullopt;
    }
    modules.push_back({std::string(bundle.substr(entry.file.offset, entry.file.size)),
                       bundle.substr(entry.image.offset, entry.image.size)});
  }
  return modules;
}

uint32_t bundle_checksum(std::string_view bundle) {
  if (!find_problem(bundle).empty()) return 0;
  const std::string_view part = checked_part(bundle);
  return checksum_of(part);
}

}  // namespace fble
