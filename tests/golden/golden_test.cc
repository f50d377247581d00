// The messages of the command, word for word.
//
// diagnostics/X.fble is run by `fble-jit test` in its folder, as module /X%, and
// has to print X.expected on standard error and nothing else. Its first line is
// "# exit status N"; files without that line are modules that others use.
// `fble-jit-tests --update-goldens` rewrites the expectations.
//
// The environment variable FBLE_JIT_COMMAND names another command to be tested.
#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/command.h"

namespace fble {
namespace {

const std::string kFolder = FBLE_SOURCE_DIR "/tests/golden/diagnostics";
constexpr std::string_view kStatusMark = "# exit status ";

/// Returns the exit status in the input's first line; -1 for a module that others use.
int wanted_status(const std::string& name) {
  std::ifstream stream(kFolder + "/" + name + ".fble", std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || !line.starts_with(kStatusMark)) return -1;
  return std::stoi(line.substr(kStatusMark.size()));
}

std::vector<std::string> inputs() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".fble") continue;
    if (wanted_status(entry.path().stem()) >= 0) names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

class DiagnosticsGolden : public CommandTest, public testing::WithParamInterface<std::string> {};

TEST_P(DiagnosticsGolden, IsUnchanged) {
  const std::string& name = GetParam();
  const std::string script = "cd \"$FOLDER\" && own=${FBLE_JIT_COMMAND:-$1} && shift && exec \"$own\" \"$@\"";
  const CommandResult result = run({"test", "-I", ".", "-m", "/" + name + "%"}, "", {"FOLDER=" + kFolder}, script);
  EXPECT_EQ(result.status, wanted_status(name)) << result.err;
  EXPECT_EQ(result.out, "");
  expect_golden(kFolder + "/" + name + ".expected", result.err);
}

INSTANTIATE_TEST_SUITE_P(All, DiagnosticsGolden, testing::ValuesIn(inputs()),
                         [](const auto& info) { return info.param; });

TEST(DiagnosticsGoldenFolder, EveryExpectationHasAnInput) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".expected") continue;
    EXPECT_GE(wanted_status(entry.path().stem()), 0) << entry.path() << " belongs to no input";
  }
}

}  // namespace
}  // namespace fble
