#include "tests/vale/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

namespace vale {

constinit thread_local Chunk* free_chunks[kChunkSizes] = {};
bool audits_chunks = false;

namespace {

/// What an audit adds below a chunk, so that a function which uses too much is found and harms nothing.
constexpr size_t kMargin = 512;
constexpr unsigned char kPaint = 0xa5;

std::mutex audit_mutex;
std::map<const StackNeed*, uint32_t> most_used;

size_t margin() { return audits_chunks ? kMargin : 0; }

}  // namespace

Chunk* make_chunk(const StackNeed& need) {
  const size_t bytes = margin() + chunk_bytes(need);
  auto* low = static_cast<unsigned char*>(std::malloc(bytes + sizeof(Chunk)));
  if (low == nullptr) std::abort();
  if (audits_chunks) std::memset(low, kPaint, bytes);
  auto* chunk = reinterpret_cast<Chunk*>(low + bytes);
  chunk->next = nullptr;
  chunk->need = &need;
  return chunk;
}

void drop_chunk(Chunk* chunk) {
  const size_t bytes = margin() + chunk_bytes(*chunk->need);
  unsigned char* low = reinterpret_cast<unsigned char*>(chunk) - bytes;
  if (audits_chunks) {
    const unsigned char* touched = std::find_if(low, low + bytes, [](unsigned char byte) { return byte != kPaint; });
    const std::scoped_lock lock(audit_mutex);
    uint32_t& most = most_used[chunk->need];
    most = std::max(most, static_cast<uint32_t>(low + bytes - touched));
  }
  std::free(low);
}

void free_all_chunks() {
  for (Chunk*& first : free_chunks) {
    while (first != nullptr) drop_chunk(std::exchange(first, first->next));
  }
}

std::string audit_report() {
  std::string text;
  for (const auto& [need, used] : most_used)
    text += fmt::format("{} computed {} used {}\n", need->function, need->bytes, used);
  return text;
}

bool audit_failed() {
  return std::ranges::any_of(most_used, [](const auto& each) { return each.second > each.first->bytes; });
}

}  // namespace vale
