#include "jit/x64/code_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "gc/base.h"

namespace fble {

namespace {

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/// Maps memory below 2 GB, next to a program that is not position independent:
/// addresses of code are immediate operands, and the interpreter is within
/// reach of a jump.
void* map_executable(int file, size_t bytes) {
  void* low = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_32BIT, file, 0);
  if (low != MAP_FAILED) return low;
  return mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
}

}  // namespace

CodeCache::CodeCache(size_t bytes) {
  const size_t size = round_up(bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  const int file = memfd_create("fble-jit code", MFD_CLOEXEC);
  if (file < 0) return;
  if (ftruncate(file, static_cast<off_t>(size)) == 0) {
    void* executable = map_executable(file, size);
    if (executable != MAP_FAILED) {
      void* writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (writable != MAP_FAILED) {
        executable_ = static_cast<uint8_t*>(executable);
        writable_ = static_cast<uint8_t*>(writable);
        capacity_ = size;
      } else {
        munmap(executable, size);
      }
    }
  }
  close(file);
}

CodeCache::~CodeCache() {
  if (!usable()) return;
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
