// Memory for machine code: one reservation, mapped twice, so that no page is
// writable and executable at the same address (W^X), and all of it is within
// reach of 32-bit displacements.
//
// Tested by tests/unit/jit/x64/code_cache_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gc/mapping.h"
#include "jit/x64/gdb_jit.h"

namespace fble {

class CodeCache {
 public:
  /// Reserves address space for `bytes`; memory is used as it is filled.
  explicit CodeCache(size_t bytes);
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  /// Returns false if the system gave no memory: then no trace can be compiled.
  bool usable() const { return executable_ != nullptr; }

  /// Returns the address where the next `install` puts its code, aligned to 16.
  const uint8_t* next_address() const;
  /// Copies code, assembled for next_address(), into the cache. Returns null when the cache is full.
  const uint8_t* install(std::span<const uint8_t> code);
  /// Writes a 32-bit value at an address of installed code.
  void patch32(const uint8_t* address, int32_t value);
  /// Returns the bytes in use; `rewind` to them forgets all code installed since.
  size_t used() const { return used_; }
  void rewind(size_t used);
  bool contains(const void* address) const;
  /// Returns the distance of an address in the cache from its first byte.
  uint32_t offset_of(const uint8_t* address) const { return static_cast<uint32_t>(address - executable_); }

 private:
  CodeMapping memory_;
  uint8_t* const executable_;
  uint8_t* const writable_;
  size_t capacity_ = 0;
  size_t used_ = 0;
  RegisteredCode registered_;
};

}  // namespace fble
