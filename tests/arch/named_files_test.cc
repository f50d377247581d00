// Comments and documents name files that exist, and each source names its tests if they are not in the file of the
// same name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/arch/prose_files.h"
#include "tests/arch/text_of.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

bool is_cpp(const std::string& file) { return file.ends_with(".cc") || file.ends_with(".h") || file.ends_with(".def"); }

/// Returns the comments of a C++ source, and a blank line for each line without one.
std::string comments_of(const std::string& text) {
  std::istringstream lines(text);
  std::string comments;
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("//");
    if (at != std::string::npos) comments += line.substr(at);
    comments += '\n';
  }
  return comments;
}

/// Returns the paths that a text names: `FOLDER/.../NAME.EXTENSION`, where FOLDER is one of the root's. Patterns with
/// `*` or `{` are not among them.
std::set<std::string> paths_in(const std::string& text) {
  static const std::regex kPath(
      R"re((?:^|[^\w./<>$}@-])((?:gc|interp|deopt|jit|frontends|tests|fuzz|docs|scripts|cmake|examples)/(?:[\w-]+/)*[\w-]+\.(?:cc|h|def|md|py|sh|cmake|toml|svg|json))(?![\w/*]|\.\w))re");
  std::set<std::string> paths;
  for (std::sregex_iterator at(text.begin(), text.end(), kPath), end; at != end; ++at) paths.insert((*at)[1]);
  return paths;
}

/// Returns the names of sources, without a folder, that a text has.
std::set<std::string> names_in(const std::string& text) {
  static const std::regex kName(R"re((?:^|[^\w./<>$}*@-])([a-z]\w+\.(?:cc|h|def))(?![\w/*]|\.\w))re");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at) names.insert((*at)[1]);
  return names;
}

/// Returns the targets of a document's links to files, without the part that names a heading.
std::set<std::string> links_in(const std::string& text) {
  static const std::regex kLink(R"re(\]\((?!https?:)([^)\s#]+))re");
  std::set<std::string> links;
  for (std::sregex_iterator at(text.begin(), text.end(), kLink), end; at != end; ++at) links.insert((*at)[1]);
  return links;
}

TEST(NamedFiles, Exist) {
  const fs::path root = FBLE_SOURCE_DIR;
  const std::vector<std::string> files = prose_files();
  std::set<std::string> names;
  for (const std::string& file : files) names.insert(fs::path(file).filename());
  std::vector<std::string> missing;
  size_t named = 0;
  for (const std::string& file : files) {
    // This file and CONTRIBUTING.md have made-up names. The log of changes and results have those of their time.
    if (file == "tests/arch/named_files_test.cc" || file == "CHANGELOG.md" || file.ends_with(".json")) continue;
    const std::string whole = text_of(root / file);
    const std::string text = is_cpp(file) ? comments_of(whole) : whole;
    for (const std::string& path : paths_in(text)) {
      ++named;
      const bool exists = fs::exists(root / path) || fs::exists((root / file).parent_path() / path);
      if (!exists && path != "tests/unit/a/b_test.cc") missing.push_back(file + " names " + path);
    }
    if (is_cpp(file)) {
      for (const std::string& name : names_in(text)) {
        ++named;
        if (!names.contains(name)) missing.push_back(file + " names " + name);
      }
    }
    if (!file.ends_with(".md")) continue;
    for (const std::string& link : links_in(text)) {
      ++named;
      if (!fs::exists((root / file).parent_path() / link)) missing.push_back(file + " has a link to " + link);
    }
  }
  EXPECT_THAT(missing, testing::IsEmpty());
  EXPECT_GT(named, 1000u);
}

/// Returns the lines of a source before its first line of code.
std::string first_comment(const fs::path& file) {
  std::istringstream lines(text_of(file));
  std::string comment;
  for (std::string line; std::getline(lines, line) && line.starts_with("//");) comment += line + '\n';
  return comment;
}

TEST(NamedFiles, HaveTheTestsOfEachSource) {
  const fs::path root = FBLE_SOURCE_DIR;
  std::vector<std::string> without;
  for (const std::string& file : prose_files()) {
    const std::string folder = file.substr(0, file.find('/'));
    const bool is_product =
        folder == "gc" || folder == "interp" || folder == "deopt" || folder == "jit" || folder == "frontends";
    if (!is_product || !file.ends_with(".cc")) continue;
    const std::string stem = file.substr(0, file.size() - 3);
    if (fs::exists(root / "tests/unit" / (stem + "_test.cc"))) continue;
    const std::string comment = first_comment(root / file) + first_comment(root / (stem + ".h"));
    if (comment.find("tests/") == std::string::npos) without.push_back(file);
  }
  EXPECT_THAT(without, testing::IsEmpty()) << "Name the tests: `// Tested by ...` in the first comment.";
}

TEST(NamedFiles, AreFound) {
  EXPECT_THAT(paths_in("gc/a.cc, `tests/b/c_d.h`: jit/e.def. docs/f.md#g a/gc/h.cc gc/i.cc.in gc/*.cc gc/{j,k}.cc"),
              testing::ElementsAre("docs/f.md", "gc/a.cc", "jit/e.def", "tests/b/c_d.h"));
  EXPECT_THAT(names_in("See heap.cc, (value.h) and <stdio.h>; gc/x.cc, g.h, FILE.cc"),
              testing::ElementsAre("heap.cc", "value.h"));
  EXPECT_THAT(links_in("[a](../b.md#c) [d](https://e.f) [g](h) [i](#j)"), testing::ElementsAre("../b.md", "h"));
  EXPECT_EQ(comments_of("int a;  // heap.cc\n\"x.cc\"\n"), "// heap.cc\n\n");
}

}  // namespace
}  // namespace fble
