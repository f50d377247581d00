// Each type of a header has a name of its own in its namespace: two with the same name would be one for the linker,
// which keeps the destructor of either.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace fble {
namespace {

namespace fs = std::filesystem;

TEST(TypeNames, AreUnique) {
  // Nested types are indented, and declarations end with a semicolon.
  const std::regex definition(R"(^(?:class|struct|union|enum class) (\w+)[^;]*\{.*)");
  const std::regex opening(R"(^namespace ([\w:]+) \{)");
  std::map<std::string, std::string> files;
  for (const char* folder : {"gc", "interp", "deopt", "jit", "frontends", "tests/support", "tests/reference", "fuzz"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(FBLE_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".h") continue;
      std::ifstream file(entry.path());
      std::string scope;
      for (std::string line; std::getline(file, line);) {
        std::smatch found;
        if (std::regex_match(line, found, opening)) scope += found[1].str() + "::";
        if (!std::regex_match(line, found, definition)) continue;
        const auto [before, is_new] = files.emplace(scope + found[1].str(), entry.path().string());
        EXPECT_TRUE(is_new) << found[1] << " is defined in " << before->second << " and in " << entry.path();
      }
    }
  }
  EXPECT_GT(files.size(), 200u);
}

}  // namespace
}  // namespace fble
