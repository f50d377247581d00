#include "jit/x64/code_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "gc/base.h"
#include "interp/debug_state.h"

namespace fble {

namespace {

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/// Reserves addresses below 2 GB, next to a program that is not position independent:
/// addresses of code are immediate operands, and the interpreter is within
/// reach of a jump.
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

CodeCache::CodeCache(size_t bytes) {
  const size_t size = round_up(bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  // perf looks up names of code in such memory, but not in that of memfd_create.
  void* writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (writable == MAP_FAILED) return;
  void* executable = map_executable(writable, size);
  if (executable == nullptr) {
    munmap(writable, size);
    return;
  }
  executable_ = static_cast<uint8_t*>(executable);
  writable_ = static_cast<uint8_t*>(writable);
  capacity_ = size;
  registered_.add(executable_, capacity_);
  fble_debug_state.code_begin.store(executable_, std::memory_order_relaxed);
  fble_debug_state.code_end.store(executable_ + capacity_, std::memory_order_relaxed);
}

CodeCache::~CodeCache() {
  if (!usable()) return;
  const void* mine = executable_;
  if (fble_debug_state.code_begin.compare_exchange_strong(mine, nullptr)) fble_debug_state.code_end.store(nullptr);
  munmap(executable_, capacity_);
  munmap(writable_, capacity_);
}

const uint8_t* CodeCache::next_address() const { return executable_ + round_up(used_, 16); }

const uint8_t* CodeCache::install(std::span<const uint8_t> code) {
  const size_t start = round_up(used_, 16);
  if (!usable() || start > capacity_ || code.size() > capacity_ - start) return nullptr;
  std::memcpy(writable_ + start, code.data(), code.size());
  used_ = start + code.size();
  return executable_ + start;
}

void CodeCache::patch32(const uint8_t* address, int32_t value) {
  FBLE_ASSERT(contains(address) && contains(address + 3));
  // One store: the processor executes the instruction with the old or the new value.
  uint8_t* target = writable_ + (address - executable_);
  asm volatile("movl %1, %0" : "=m"(*reinterpret_cast<uint8_t(*)[4]>(target)) : "r"(value));
}

void CodeCache::rewind(size_t used) {
  FBLE_ASSERT(used <= used_);
  used_ = used;
}

bool CodeCache::contains(const void* address) const { return address >= executable_ && address < executable_ + used_; }

}  // namespace fble
