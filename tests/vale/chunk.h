// Chunks: stacks of computed size.
//
//     low                                        high
//     | room for a function and what it calls    | Chunk |
//                                                ^ top: a stack pointer begins here and goes down
//
// Free chunks are kept in lists by size, one set of lists per OS thread. Taking and releasing one costs a few
// instructions on the stack of the function that does it, so they are inline: their frames are computed, too.
//
// In an audit, a chunk has a margin below, all of it is painted before use, and what is left of the paint tells how
// much was used.
//
// Tested by tests/vale/vale_test.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/vale/switch.h"

namespace vale {

/// What a function needs of a stack: from its return address down, all that it calls included.
struct StackNeed {
  const char* function;
  uint32_t bytes;
};

/// The end of a chunk. Aligned to 16 bytes, as stack pointers are at calls.
struct alignas(16) Chunk {
  Chunk* next;  ///< in its list, while it is free
  const StackNeed* need;

  void* top() { return this; }
};

constexpr uint32_t kChunkStep = 16;
/// Sizes of chunks, in steps. A chunk of a larger size does not compile (kinds.cc).
constexpr size_t kChunkSizes = 64;

/// The bytes of a chunk below its top. A thread begins with 64 bytes of registers and addresses in it (switch.h).
constexpr uint32_t chunk_bytes(const StackNeed& need) {
  const uint32_t bytes = need.bytes < 64 ? 64 : need.bytes;
  return (bytes + kChunkStep - 1) / kChunkStep * kChunkStep;
}

constexpr size_t chunk_size(const StackNeed& need) { return chunk_bytes(need) / kChunkStep; }

/// The free chunks of an OS thread, by size.
extern constinit thread_local Chunk* free_chunks[kChunkSizes];

/// Whether chunks are painted, and looked at when they are released. Set before threads start.
extern bool audits_chunks;

// These run where libc has room.

Chunk* make_chunk(const StackNeed& need);
/// Frees a chunk. In an audit, notes how much of it was used.
void drop_chunk(Chunk* chunk);
/// Frees the free chunks of this OS thread.
void free_all_chunks();

/// What the audit found: a line per function with the bytes computed and the most that were used.
std::string audit_report();
/// Whether a function used more than was computed.
bool audit_failed();

/// Takes a chunk. `is_concurrent` as everywhere: whether the caller runs on a chunk itself.
inline Chunk* take_chunk(int64_t is_concurrent, const StackNeed& need) {
  Chunk*& first = free_chunks[chunk_size(need)];
  Chunk* chunk = first;
  if (chunk != nullptr) {
    first = chunk->next;
  } else {
    on_carrier(is_concurrent, [&] { chunk = make_chunk(need); });
  }
  return chunk;
}

inline void release_chunk(int64_t is_concurrent, Chunk* chunk) {
  if (audits_chunks) {
    on_carrier(is_concurrent, [&] { drop_chunk(chunk); });
  } else {
    Chunk*& first = free_chunks[chunk_size(*chunk->need)];
    chunk->next = first;
    first = chunk;
  }
}

}  // namespace vale
