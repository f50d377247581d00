#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fble {

bool update_goldens = false;

void expect_golden(const std::string& file, const std::string& text) {
  std::ifstream stream(file, std::ios::binary);
  const bool exists = stream.is_open();
  const std::string expected{std::istreambuf_iterator<char>(stream), {}};
  if (update_goldens) {
    if (exists && expected == text) return;
    std::ofstream out(file, std::ios::binary);
    out << text;
    EXPECT_TRUE(out.flush().good()) << "cannot write " << file;
    return;
  }
  ASSERT_TRUE(exists) << "no file " << file << "; run fble-jit-tests --update-goldens and look at what it writes";
  if (expected == text) return;
  const size_t same =
      std::mismatch(expected.begin(), expected.end(), text.begin(), text.end()).first - expected.begin();
  const auto line = std::count(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(same), '\n') + 1;
  ADD_FAILURE() << file << ":" << line << ": differs from here on; the whole output is\n" << text;
}

}  // namespace fble
