#include "frontends/fble/image/checksum.h"

#include <zlib.h>

namespace fble {

uint32_t checksum_of(std::string_view bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace fble
