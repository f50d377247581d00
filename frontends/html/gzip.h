// Compression, for pages and profiles.
//
// Tested by tests/unit/frontends/html/gzip_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace fble {

/// Returns the bytes as a gzip file (RFC 1952).
std::string gzipped(std::string_view bytes);

}  // namespace fble
