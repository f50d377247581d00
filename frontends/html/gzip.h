// Compression, for pages and profiles.
//
// Tested by tests/unit/frontends/html/gzip_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace fble {

/// Returns the bytes as a gzip file (RFC 1952).
std::string gzipped(std::string_view bytes);
/// Returns what is in a gzip file. Requires: it is a whole one.
std::string gunzipped(std::string_view file);

}  // namespace fble
