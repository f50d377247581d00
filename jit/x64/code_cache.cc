#include "jit/x64/code_cache.h"

#include <unistd.h>

#include <cstring>

#include "gc/base.h"
#include "interp/debug_state.h"

namespace fble {

namespace {

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

CodeCache::CodeCache(size_t bytes)
    : memory_(round_up(bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE)))),
      executable_(static_cast<uint8_t*>(memory_.executable())),
      writable_(static_cast<uint8_t*>(memory_.writable())) {
  if (!usable()) return;
  capacity_ = memory_.bytes();
  registered_.add(executable_, capacity_);
  fble_debug_state.code_begin.store(executable_, std::memory_order_relaxed);
  fble_debug_state.code_end.store(executable_ + capacity_, std::memory_order_relaxed);
}

CodeCache::~CodeCache() {
  if (!usable()) return;
  const void* mine = executable_;
  if (fble_debug_state.code_begin.compare_exchange_strong(mine, nullptr)) fble_debug_state.code_end.store(nullptr);
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
