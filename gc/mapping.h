// Mappings: memory that the process reserves from the system.
//
// A process that makes one machine after the other spends a fifth of its time on reserving memory, on the first use of
// its pages, and on returning it. KeptMappings hands the memory of one machine on to the next.
//
// Tested by tests/unit/gc/mapping_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace fble {

/// A reserved range of addresses; memory is taken as it is used. `twin` is a second range with the same memory, or
/// null.
struct MappedRange {
  void* begin = nullptr;
  void* twin = nullptr;
  size_t bytes = 0;
  uint32_t owners = 1;  ///< that it has had
};

/// Keeps ranges whose owners are gone, for the next owners on this OS thread that reserve as much. What was used is not
/// zeroed in between. The middle of a large range is returned to the system from time to time. Must not exist across a
/// fork: code is in shared memory.
class KeptMappings {
 public:
  /// Does nothing if there is one on this OS thread already, which then keeps all.
  KeptMappings();
  ~KeptMappings();
  KeptMappings(const KeptMappings&) = delete;
  KeptMappings& operator=(const KeptMappings&) = delete;

  /// Returns a kept range of this OS thread with the size, and with a twin or without; null if there is none.
  static MappedRange take(size_t bytes, bool has_twin);
  /// Takes over a range. Returns false if this OS thread keeps none.
  static bool keep(const MappedRange& range);

 private:
  std::vector<MappedRange> ranges_;
};

/// A piece of private memory. Null if the system has none.
class Mapping {
 public:
  Mapping() = default;
  /// Reserves zeroed memory.
  explicit Mapping(size_t bytes);
  /// Returns zeroed memory below 2 GB if there is some: its addresses can be operands of instructions.
  static Mapping low(size_t bytes);
  /// Returns memory that may have been used before (KeptMappings).
  static Mapping not_zeroed(size_t bytes);
  /// Returns memory that has been used before; null if none of the size is kept.
  static Mapping kept(size_t bytes);
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Mapping();

  void* begin() const { return range_.begin; }
  void* end() const { return static_cast<char*>(range_.begin) + range_.bytes; }
  size_t bytes() const { return range_.bytes; }

 private:
  Mapping(size_t bytes, int flags);
  void swap(Mapping& other) {
    std::swap(range_, other.range_);
    std::swap(may_be_kept_, other.may_be_kept_);
  }

  MappedRange range_;
  bool may_be_kept_ = false;
};

/// Memory for machine code at two addresses, so that no page is writable and executable at the same address. Null if
/// the system refuses. It may have been used before (KeptMappings).
class CodeMapping {
 public:
  explicit CodeMapping(size_t bytes);
  ~CodeMapping();
  CodeMapping(const CodeMapping&) = delete;
  CodeMapping& operator=(const CodeMapping&) = delete;

  void* writable() const { return range_.begin; }
  /// Below 2 GB if possible, next to a program that is not position independent: addresses of code are immediate
  /// operands, and the interpreter is within reach of a jump.
  void* executable() const { return range_.twin; }
  size_t bytes() const { return range_.bytes; }

 private:
  MappedRange range_;
};

}  // namespace fble
