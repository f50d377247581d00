#include "frontends/fble/image/checksum.h"

#include <nmmintrin.h>

#include <array>
#include <cstring>

// The header is for C, and asks nothing of the processor that the C library has not asked (interp/cpu.cc).
#define _Bool bool  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
#include <sys/platform/x86.h>
#undef _Bool

namespace fble {
namespace {

/// The checksums of single bytes, without the complements.
constexpr std::array<uint32_t, 256> kByteSums = [] {
  constexpr uint32_t kPolynomial = 0x82f63b78;  // the lowest bit is the highest power
  std::array<uint32_t, 256> sums{};
  for (uint32_t byte = 0; byte < sums.size(); ++byte) {
    sums[byte] = byte;
    for (int bit = 0; bit < 8; ++bit) sums[byte] = sums[byte] >> 1 ^ (sums[byte] % 2 != 0 ? kPolynomial : 0);
  }
  return sums;
}();

/// Does the same as any_checksum by an instruction that not every processor has.
__attribute__((target("sse4.2"))) uint32_t sse42_checksum(std::string_view bytes) {
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

}  // namespace

uint32_t any_checksum(std::string_view bytes) {
  uint32_t sum = UINT32_MAX;
  for (const char byte : bytes) sum = sum >> 8 ^ kByteSums[(sum ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~sum;
}

uint32_t checksum_of(std::string_view bytes) {
  return CPU_FEATURE_ACTIVE(SSE4_2) ? sse42_checksum(bytes) : any_checksum(bytes);
}

}  // namespace fble
