// Compression: what comes back.
#include "frontends/html/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace fble {
namespace {

std::string inflated(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  int state = Z_OK;
  while (state == Z_OK) {
    Bytef buffer[1000];
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(reinterpret_cast<const char*>(buffer), sizeof buffer - stream.avail_out);
  }
  EXPECT_EQ(state, Z_STREAM_END);
  inflateEnd(&stream);
  return text;
}

TEST(Gzip, ComesBack) {
  std::string text;
  for (unsigned i = 0; i < 200'000; ++i) text += static_cast<char>(i * i >> 7);
  EXPECT_EQ(inflated(gzipped(text)), text);
  EXPECT_EQ(inflated(gzipped("")), "");
  EXPECT_EQ(gunzipped(gzipped(text)), text);
  EXPECT_EQ(gunzipped(gzipped("")), "");
}

}  // namespace
}  // namespace fble
