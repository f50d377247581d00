#include "gc/mapping.h"

#include <sys/mman.h>

#include <algorithm>

namespace fble {

namespace {

/// The memory that a kept range keeps at either end. Stacks grow from one of them, heaps and code from the first.
constexpr size_t kKeptBytes = size_t{1} << 20;

/// Memory is returned after this number of owners: a walk along the page tables takes longer than some owners live.
constexpr uint32_t kOwnersPerReturn = 16;

thread_local KeptMappings* current = nullptr;

void unmap(const MappedRange& range) {
  munmap(range.begin, range.bytes);
  if (range.twin != nullptr) munmap(range.twin, range.bytes);
}

void* reserve_low(size_t bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* low = mmap(nullptr, bytes, PROT_NONE, kFlags | MAP_32BIT, -1, 0);
  return low != MAP_FAILED ? low : mmap(nullptr, bytes, PROT_NONE, kFlags, -1, 0);
}

/// Maps shared memory a second time, to be executed. Returns null if the system refuses.
void* map_executable(void* writable, size_t bytes) {
  void* low = reserve_low(bytes);
  if (low == MAP_FAILED) return nullptr;
  // An old size of 0 leaves the first mapping in place (mremap(2)).
  if (mremap(writable, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, low) != MAP_FAILED &&
      mprotect(low, bytes, PROT_READ | PROT_EXEC) == 0) {
    return low;
  }
  munmap(low, bytes);
  return nullptr;
}

}  // namespace

KeptMappings::KeptMappings() {
  if (current == nullptr) current = this;
}

KeptMappings::~KeptMappings() {
  if (current == this) current = nullptr;
  for (const MappedRange& range : ranges_) unmap(range);
}

MappedRange KeptMappings::take(size_t bytes, bool has_twin) {
  if (current == nullptr) return {};
  std::vector<MappedRange>& ranges = current->ranges_;
  // The last one that was kept: its memory is in the caches.
  const auto found = std::find_if(ranges.rbegin(), ranges.rend(), [&](const MappedRange& range) {
    return range.bytes == bytes && (range.twin != nullptr) == has_twin;
  });
  if (found == ranges.rend()) return {};
  const MappedRange range = *found;
  ranges.erase(std::next(found).base());
  return range;
}

bool KeptMappings::keep(const MappedRange& range) {
  if (current == nullptr) return false;
  // Of shared memory, this would only drop the page table's entries.
  if (range.twin == nullptr && range.bytes > 2 * kKeptBytes && range.owners % kOwnersPerReturn == 0) {
    madvise(static_cast<char*>(range.begin) + kKeptBytes, range.bytes - 2 * kKeptBytes, MADV_DONTNEED);
  }
  current->ranges_.push_back(range);
  ++current->ranges_.back().owners;
  return true;
}

Mapping::Mapping(size_t bytes) : Mapping(bytes, 0) {}

Mapping::Mapping(size_t bytes, int flags) {
  void* begin =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  range_ = {begin == MAP_FAILED ? nullptr : begin, nullptr, bytes};
}

Mapping Mapping::low(size_t bytes) {
  Mapping low(bytes, MAP_32BIT);
  return low.begin() != nullptr ? std::move(low) : Mapping(bytes);
}

Mapping Mapping::not_zeroed(size_t bytes) {
  Mapping mapping = kept(bytes);
  if (mapping.begin() == nullptr) mapping = Mapping(bytes);
  mapping.may_be_kept_ = true;
  return mapping;
}

Mapping Mapping::kept(size_t bytes) {
  Mapping mapping;
  mapping.range_ = KeptMappings::take(bytes, false);
  mapping.may_be_kept_ = true;
  return mapping;
}

Mapping::~Mapping() {
  if (begin() == nullptr || (may_be_kept_ && KeptMappings::keep(range_))) return;
  unmap(range_);
}

CodeMapping::CodeMapping(size_t bytes) : range_(KeptMappings::take(bytes, true)) {
  if (range_.begin != nullptr) return;
  // perf looks up names of code in such memory, but not in that of memfd_create.
  void* writable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (writable == MAP_FAILED) return;
  void* executable = map_executable(writable, bytes);
  if (executable == nullptr) {
    munmap(writable, bytes);
    return;
  }
  range_ = {writable, executable, bytes};
}

CodeMapping::~CodeMapping() {
  if (range_.begin != nullptr && !KeptMappings::keep(range_)) unmap(range_);
}

}  // namespace fble
