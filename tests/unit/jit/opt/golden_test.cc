// The result of each pass on small traces, as text: the manual of the passes.
//
// The test reads tests/ir/PASS/NAME.trace, runs the pass, and compares the
// result with NAME.expected beside it. `fble-jit-tests --update-goldens`
// rewrites those.
#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "tests/support/ir_codes.h"

namespace fble {
namespace {

const std::string kFolder = FBLE_SOURCE_DIR "/tests/ir";

/// Returns "PASS/NAME" of all traces, or of the expectations.
std::vector<std::string> files(const char* extension) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() != extension) continue;
    names.push_back(entry.path().parent_path().filename().string() + "/" + entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

class PassGolden : public testing::TestWithParam<std::string> {};

TEST_P(PassGolden, IsUnchanged) {
  const std::string& name = GetParam();
  const std::string file = kFolder + "/" + name + ".trace";
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  IrCodes codes;
  const TraceParse parsed = parse_trace(text, name + ".trace", codes.resolver());
  ASSERT_TRUE(parsed.trace) << parsed.error;
  Trace& trace = *parsed.trace;
  ASSERT_EQ(verify_trace(trace), "");
  const std::string pass = name.substr(0, name.find('/'));
  ASSERT_TRUE(run_pass(pass, trace)) << "no pass is called " << pass;
  EXPECT_EQ(verify_trace(trace), "");
  expect_golden(kFolder + "/" + name + ".expected", to_text(trace));
}

INSTANTIATE_TEST_SUITE_P(All, PassGolden, testing::ValuesIn(files(".trace")), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace_if(name, [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
});

TEST(PassGoldenFolder, EveryExpectationHasATrace) { EXPECT_EQ(files(".trace"), files(".expected")); }

}  // namespace
}  // namespace fble
