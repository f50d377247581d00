// The checksum of images, bundles and manifests: the CRC-32 of zlib.
// Tested by tests/unit/frontends/fble/image/digest_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace fble {

/// Returns the CRC-32 (RFC 1952, 8) of the bytes.
uint32_t checksum_of(std::string_view bytes);

}  // namespace fble
