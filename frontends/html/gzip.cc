#include "frontends/html/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace fble {

std::string gzipped(std::string_view bytes) {
  constexpr int kGzipHeader = 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipHeader + MAX_WBITS, MAX_MEM_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string result;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size();
  int state = Z_OK;
  while (state == Z_OK) {
    // zlib counts in 32 bits.
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min<size_t>(left, size_t{1} << 30));
      left -= stream.avail_in;
    }
    Bytef buffer[1 << 14];
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    state = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
    result.append(reinterpret_cast<const char*>(buffer), sizeof buffer - stream.avail_out);
  }
  deflateEnd(&stream);
  return result;
}

std::string gunzipped(std::string_view file) {
  constexpr int kGzipHeader = 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipHeader + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.data()));
  stream.avail_in = static_cast<uInt>(file.size());
  std::string result;
  int state = Z_OK;
  while (state == Z_OK) {
    Bytef buffer[1 << 14];
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    state = inflate(&stream, Z_NO_FLUSH);
    result.append(reinterpret_cast<const char*>(buffer), sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  return result;
}

}  // namespace fble
