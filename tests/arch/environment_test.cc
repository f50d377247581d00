// docs/environment.md lists every environment variable that the sources read, and no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>

#include "tests/arch/text_of.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

/// The calls whose argument is not a literal. The first is the program's; the second is a helper whose argument is a
/// literal.
const std::set<std::string, std::less<>> kOtherCalls = {
    "frontends/std/native/env.cc",
    "tests/robustness/front_end_robustness_test.cc",
};

/// Returns the variables that a source reads, as far as its text shows.
std::set<std::string> variables_in(const std::string& text) {
  static const std::regex kPatterns[] = {
      std::regex(R"re(getenv\("([A-Za-z_0-9]+)"\))re"),
      std::regex(R"re(\bsetting\("([A-Za-z_0-9]+)")re"),
      std::regex(R"re(os\.environ(?:\.get\(|\[)"([A-Za-z_0-9]+)")re"),
      std::regex(R"re(os\.getenv\("([A-Za-z_0-9]+)")re"),
      std::regex(R"re(\$\{(FBLE_[A-Z_]+):-)re"),
  };
  std::set<std::string> names;
  for (const std::regex& pattern : kPatterns) names.merge(matches(text, pattern));
  return names;
}

bool has_other_call(const std::string& text) {
  static const std::regex kCall(R"re(getenv\((?!"))re");
  return std::regex_search(text, kCall);
}

TEST(Environment, IsDocumented) {
  const fs::path root = FBLE_SOURCE_DIR;
  std::map<std::string, std::string> read;  // variable -> a file that reads it
  std::set<std::string, std::less<>> other_calls;
  for (const char* folder :
       {"gc", "interp", "deopt", "jit", "frontends", "tests", "fuzz", "scripts", "examples", ".ci"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".fble") continue;
      const std::string name = entry.path().lexically_relative(root);
      // This file; and other languages' programs, which are measured and read nothing.
      if (name == "tests/arch/environment_test.cc" || name.starts_with("tests/bench/peers/")) continue;
      const std::string text = text_of(entry.path());
      for (const std::string& variable : variables_in(text)) read.emplace(variable, name);
      if (has_other_call(text)) other_calls.insert(name);
    }
  }
  EXPECT_EQ(other_calls, kOtherCalls);

  static const std::regex kRow(R"re(\n\| `([A-Za-z_0-9]+)` \|)re");
  const std::set<std::string> documented = matches(text_of(root / "docs/environment.md"), kRow);
  for (const auto& [variable, file] : read) {
    EXPECT_TRUE(documented.contains(variable)) << file << " reads " << variable << ", which docs/environment.md lacks";
  }
  for (const std::string& variable : documented) {
    EXPECT_TRUE(read.contains(variable)) << "docs/environment.md lists " << variable << ", which nothing reads";
  }
}

TEST(Environment, VariablesAreFound) {
  EXPECT_EQ(variables_in(R"(std::getenv("A_1"); secure_getenv("B"))"), (std::set<std::string>{"A_1", "B"}));
  EXPECT_EQ(variables_in(R"(os.environ["A"] os.environ.get("B", "") os.getenv("C"))"),
            (std::set<std::string>{"A", "B", "C"}));
  EXPECT_EQ(variables_in("x=${FBLE_X:-1}"), (std::set<std::string>{"FBLE_X"}));
  EXPECT_TRUE(has_other_call("std::getenv(name)"));
  EXPECT_FALSE(has_other_call("std::getenv(\"A\")"));
}

}  // namespace
}  // namespace fble
