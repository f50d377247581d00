#include "frontends/fble/image/checksum.h"

#include <nmmintrin.h>

#include <cstring>

namespace fble {

__attribute__((target("sse4.2"))) uint32_t checksum_of(std::string_view bytes) {
  uint64_t sum = UINT32_MAX;
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    sum = _mm_crc32_u64(sum, word);
  }
  auto rest = static_cast<uint32_t>(sum);
  for (; at != end; ++at) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*at));
  return ~rest;
}

}  // namespace fble
