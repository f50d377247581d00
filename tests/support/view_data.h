// Reads what is packed in the trace viewer's pages, and prints it for goldens.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <string_view>

#include "frontends/view/page.h"

namespace fble {

/// Returns the bytes of a text in base 64 without line breaks.
inline std::string decode_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t group = 0;
  int bits = 0;
  for (const char digit : text) {
    if (digit == '=') break;
    group = group << 6 | static_cast<uint32_t>(kDigits.find(digit));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xff);
  }
  return bytes;
}

/// Returns the contents of a gzip file.
inline std::string gunzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string contents;
  int result = Z_OK;
  while (result == Z_OK) {
    char part[1 << 16];
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    result = inflate(&stream, Z_NO_FLUSH);
    contents.append(part, sizeof part - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END);
  inflateEnd(&stream);
  return contents;
}

/// Returns what a page of `fble-jit view` shows.
inline ViewCollector::Json view_data(std::string_view page) {
  const std::optional<std::string> packed = view_data_of(page);
  EXPECT_TRUE(packed);
  return packed ? ViewCollector::Json::parse(gunzip(decode_base64(*packed))) : ViewCollector::Json();
}

/// Returns JSON in lines: an array or object that does not fit in one has a line, or more, for each of its values.
inline std::string lines_of(const ViewCollector::Json& json, const std::string& indent = "") {
  constexpr size_t kColumns = 118;
  std::string text = json.dump();
  if (!json.is_structured() || indent.size() + text.size() <= kColumns) return text;
  text = json.is_array() ? "[" : "{";
  for (auto each = json.begin(); each != json.end(); ++each) {
    text += each == json.begin() ? "\n" : ",\n";
    text += indent + " ";
    if (json.is_object()) text += ViewCollector::Json(each.key()).dump() + ": ";
    text += lines_of(*each, indent + " ");
  }
  return text + "\n" + indent + (json.is_array() ? "]" : "}");
}

/// Returns the sum of an attribute over all exits of a kind.
inline uint64_t sum_of_exits(const ViewCollector::Json& data, std::string_view kind, const char* attribute) {
  uint64_t sum = 0;
  for (const auto& trace : data["traces"]) {
    for (const auto& exit : trace["exits"]) {
      if (exit["kind"] == kind) sum += exit[attribute].get<uint64_t>();
    }
  }
  return sum;
}

}  // namespace fble
