// The checksum of images, bundles and manifests: CRC-32C, for which most processors have an instruction.
// Tested by tests/unit/frontends/fble/image/digest_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace fble {

/// Returns the CRC-32C (RFC 3720, B.4) of the bytes.
uint32_t checksum_of(std::string_view bytes);

/// Does the same on any processor.
uint32_t any_checksum(std::string_view bytes);

}  // namespace fble
