// Any bytes as UTF-8: decoded text encodes to the same bytes, and so do all names.
#include "frontends/std/native/values.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(utf8) {
  const std::string_view text = as_text(bytes);
  if (const auto decoded = decode_utf8(text)) {
    std::string encoded;
    for (const uint32_t point : *decoded) {
      require(point < 0x110000 && (point < 0xd800 || point > 0xdfff), "no Unicode scalar value");
      require(append_utf8(encoded, point), "a decoded code point does not encode");
    }
    require(encoded == text, "encodes to other bytes");
  }
  for (const uint32_t point : decode_name(text)) require(point < 0x110000, "no code point of a name");
  // Every number of up to 31 bits encodes, and no larger one.
  uint64_t point = 0;
  for (const uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 8))) point = point << 8 | byte;
  std::string encoded;
  require(append_utf8(encoded, point) == (point < uint64_t{1} << 31), "wrong about what fits");
  require(encoded.empty() == (point >= uint64_t{1} << 31) && encoded.size() <= 6, "wrong length");
  if (const auto back = decode_utf8(encoded); back && !back->empty())
    require((*back)[0] == point, "decodes to another");
}
