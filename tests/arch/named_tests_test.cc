// docs/threads.md names the tests that would find what other runtimes have got wrong. They exist.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "tests/arch/text_of.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

/// Returns what the documents can name: `Suite.Name` of each GoogleTest, `Suite.*`, and the programs with threads.
std::set<std::string> tests_there_are() {
  const fs::path tests = fs::path(FBLE_SOURCE_DIR) / "tests";
  const std::regex kTest(R"(\bTEST(?:_F|_P)?\((\w+),\s*(\w+)\))");
  std::set<std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(tests)) {
    if (entry.path().extension() != ".cc") continue;
    const std::string text = text_of(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), kTest), end; at != end; ++at) {
      all.insert((*at)[1].str() + "." + (*at)[2].str());
      all.insert((*at)[1].str() + ".*");
    }
  }
  for (const auto& entry : fs::directory_iterator(tests / "std" / "Threads")) {
    all.insert(entry.path().filename().string());
  }
  return all;
}

TEST(NamedTests, ExistWhereThePageOfThreadsNamesThem) {
  const std::set<std::string> tests = tests_there_are();
  std::string text = text_of(fs::path(FBLE_SOURCE_DIR) / "docs" / "threads.md");
  const size_t start = text.find("## Where others have fallen");
  ASSERT_NE(start, std::string::npos);
  text.erase(0, start);
  const std::regex kName(R"(`([A-Z]\w*\.(?:\w+|\*))`)");
  size_t named = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at, ++named) {
    EXPECT_TRUE(tests.contains((*at)[1])) << "there is no test " << (*at)[1];
  }
  EXPECT_GT(named, 20u);
}

}  // namespace
}  // namespace fble
