// Which folder may include which:
//
//     gc <- interp <- deopt <- jit <- frontends <- tests <- fuzz
//
// A folder includes only folders to its left. Inside jit/:
//
//     tables at jit/ itself <- ir <- {record, opt, x64} <- engine
//
// where record, opt and x64 do not know each other, and inside frontends/:
//
//     {fble, html} <- {std, doc, profile, view} <- cli
//
// where cli has the subcommands. fble includes only the headers of bytecode,
// gc/base.h and gc/log.h of the lower folders, so that programs can be checked
// and lowered without an engine. asmjit and Zydis are used in jit/x64 only, but for a tool of tests/vale.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fble {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kFolders = {"gc", "interp", "deopt", "jit", "frontends", "tests", "fuzz"};

/// The headers of interp/ and gc/ that frontends/fble may include.
const std::set<std::string, std::less<>> kBytecodeHeaders = {
    "gc/base.h",
    "gc/log.h",
    "interp/loc.h",
    "interp/deopt_point.h",
    "interp/deopt_point_options.def",
    "interp/symbol.h",
    "interp/code.h",
    "interp/opcodes.def",
    "interp/slot_allocation.h",
    "interp/bytecode.h",
    "interp/tag_path.h",
    "interp/call_frame.h",
    "interp/foreign.h",
    "interp/bytecode_text.h",
    "interp/bytecode_verify.h",
};

/// The path's first folder, or the first two of it ("jit/ir"); empty for files further up.
std::string_view folder_of(std::string_view path, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    end = path.find('/', end + (i > 0));
    if (end == std::string_view::npos) return {};
  }
  return path.substr(0, end);
}

std::optional<size_t> rank_of(std::string_view folder) {
  const auto* found = std::ranges::find(kFolders, folder);
  if (found == kFolders.end()) return std::nullopt;
  return static_cast<size_t>(found - kFolders.begin());
}

/// Returns the height in jit/: a part includes itself and lower ones. -1: unknown.
int jit_height(std::string_view part) {
  if (part.empty()) return 0;
  if (part == "jit/ir") return 1;
  if (part == "jit/record" || part == "jit/opt" || part == "jit/x64") return 2;
  return part == "jit/engine" ? 3 : -1;
}

int frontends_height(std::string_view part) {
  if (part == "frontends/fble" || part == "frontends/html") return 0;
  constexpr std::string_view kMiddle[] = {"frontends/std", "frontends/doc", "frontends/profile", "frontends/view"};
  if (std::ranges::find(kMiddle, part) != std::end(kMiddle)) return 1;
  return part == "frontends/cli" ? 2 : -1;
}

/// Returns why the file must not include the other; empty if it may. Paths are from the root.
std::string violation(std::string_view file, std::string_view included) {
  const std::optional<size_t> from = rank_of(folder_of(file, 1));
  const std::optional<size_t> to = rank_of(folder_of(included, 1));
  if (!from) return "is in no known folder";
  if (!to) return "is not a path from the root of the repository";
  if (*to > *from) return "is above";
  const std::string_view part = folder_of(file, 2), other = folder_of(included, 2);
  if (kFolders[*from] == "jit" && *to == *from) {
    const int height = jit_height(part), below = jit_height(other);
    if (height < 0 || below < 0) return "is in no known part of jit/";
    if (below > height) return "is above inside of jit/";
    if (below == height && part != other) return "is a neighbour inside of jit/";
  }
  if (kFolders[*from] == "frontends") {
    const int height = frontends_height(part);
    if (height < 0) return "is included from no known part of frontends/";
    if (*to == *from) {
      const int below = frontends_height(other);
      if (below < 0) return "is in no known part of frontends/";
      if (below > height) return "is above inside of frontends/";
      if (below == height && part != other) return "is a neighbour inside of frontends/";
    } else if (height == 0 && !kBytecodeHeaders.contains(included)) {
      return "is no bytecode header";
    }
  }
  return "";
}

struct Include {
  int line;
  std::string path;
  bool quoted;
};

std::vector<Include> includes_of(const fs::path& file) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*(["<])([^">]+)[">].*)");
  std::vector<Include> includes;
  std::ifstream stream(file);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    std::smatch match;
    if (line.find("include") == std::string::npos || !std::regex_match(line, match, kInclude)) continue;
    includes.push_back({number, match[2], match[1] == "\""});
  }
  return includes;
}

/// Returns all C++ files of the seven folders, from the root, in name order.
std::vector<std::string> sources() {
  const fs::path root = FBLE_SOURCE_DIR;
  std::vector<std::string> files;
  for (const std::string_view folder : kFolders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc" && extension != ".def") continue;
      // The programs in other languages that benchmarks compare with are left out.
      const std::string path = entry.path().lexically_relative(root);
      if (!path.starts_with("tests/bench/peers/")) files.push_back(path);
    }
  }
  std::ranges::sort(files);
  return files;
}

TEST(IncludeOrder, IsKeptByAllFiles) {
  const fs::path root = FBLE_SOURCE_DIR;
  const std::vector<std::string> files = sources();
  ASSERT_FALSE(files.empty()) << "no sources below " << root;
  for (const std::string& file : files) {
    for (const Include& include : includes_of(root / file)) {
      const std::string at = file + ":" + std::to_string(include.line) + ": \"" + include.path + "\" ";
      if (!include.quoted) {
        const bool assembler = include.path.starts_with("asmjit/") || include.path.starts_with("Zydis/");
        EXPECT_TRUE(!assembler || file.starts_with("jit/x64/") || file.starts_with("tests/unit/jit/") ||
                    file == "tests/vale/machine_frames.cc")
            << at << "is used outside of jit/x64";
        continue;
      }
      EXPECT_TRUE(fs::exists(root / include.path)) << at << "does not exist";
      const std::string why = violation(file, include.path);
      EXPECT_EQ(why, "") << at;
    }
  }
}

/// A header that shows the inside of a part, on all of which a file that includes it depends. Most need an interface
/// only.
struct Inside {
  std::string_view header;
  std::string_view instead;  ///< what others include
  size_t most;               ///< files of the product that include it
};

constexpr Inside kInsides[] = {
    {.header = "interp/carrier.h", .instead = "interp/machine.h or interp/foreign.h", .most = 12},
};

TEST(IncludeOrder, InsidesAreKnownToFew) {
  const fs::path root = FBLE_SOURCE_DIR;
  for (const Inside& inside : kInsides) {
    std::vector<std::string> users;
    for (const std::string& file : sources()) {
      if (file.starts_with("tests/") || file.starts_with("fuzz/")) continue;
      const std::vector<Include> includes = includes_of(root / file);
      if (std::ranges::any_of(includes, [&](const Include& include) { return include.path == inside.header; })) {
        users.push_back(file);
      }
    }
    EXPECT_FALSE(users.empty()) << inside.header << " is included by no file";
    EXPECT_LE(users.size(), inside.most) << inside.header << " is included by " << ::testing::PrintToString(users)
                                         << "; include " << inside.instead;
  }
}

TEST(IncludeOrder, Rules) {
  EXPECT_EQ(violation("gc/heap.cc", "gc/base.h"), "");
  EXPECT_EQ(violation("gc/heap.cc", "interp/code.h"), "is above");
  EXPECT_EQ(violation("interp/code.cc", "gc/heap.h"), "");
  EXPECT_EQ(violation("deopt/exit.cc", "interp/code.h"), "");
  EXPECT_EQ(violation("deopt/exit.cc", "jit/ir/ir.h"), "is above");
  EXPECT_EQ(violation("interp/engine_hooks.h", "jit/engine/trace_engine.h"), "is above");
  EXPECT_EQ(violation("gc/heap.cc", "heap.h"), "is not a path from the root of the repository");
  EXPECT_EQ(violation("gc/heap.cc", "examples/x.h"), "is not a path from the root of the repository");

  EXPECT_EQ(violation("jit/ir/ir.h", "jit/params.def"), "");
  EXPECT_EQ(violation("jit/params.def", "jit/ir/ir.h"), "is above inside of jit/");
  EXPECT_EQ(violation("jit/opt/fold.cc", "jit/ir/ir.h"), "");
  EXPECT_EQ(violation("jit/opt/fold.cc", "jit/opt/pipeline.h"), "");
  EXPECT_EQ(violation("jit/opt/fold.cc", "jit/x64/regs.h"), "is a neighbour inside of jit/");
  EXPECT_EQ(violation("jit/record/recorder.cc", "jit/opt/pipeline.h"), "is a neighbour inside of jit/");
  EXPECT_EQ(violation("jit/ir/ir.cc", "jit/opt/pipeline.h"), "is above inside of jit/");
  EXPECT_EQ(violation("jit/engine/trace_engine.cc", "jit/x64/assemble.h"), "");
  EXPECT_EQ(violation("jit/engine/trace_engine.cc", "deopt/exit.h"), "");
  EXPECT_EQ(violation("jit/misc/x.cc", "jit/ir/ir.h"), "is in no known part of jit/");

  EXPECT_EQ(violation("frontends/fble/lower.cc", "interp/code.h"), "");
  EXPECT_EQ(violation("frontends/fble/lower.cc", "interp/machine.h"), "is no bytecode header");
  EXPECT_EQ(violation("frontends/fble/lower.cc", "gc/heap.h"), "is no bytecode header");
  EXPECT_EQ(violation("frontends/fble/lower.cc", "jit/params.def"), "is no bytecode header");
  EXPECT_EQ(violation("frontends/fble/lower.cc", "frontends/std/register_std.h"), "is above inside of frontends/");
  EXPECT_EQ(violation("frontends/std/native/int.cc", "gc/heap.h"), "");
  EXPECT_EQ(violation("frontends/cli/run.cc", "frontends/std/register_std.h"), "");
  EXPECT_EQ(violation("frontends/doc/doc_html.cc", "frontends/std/register_std.h"),
            "is a neighbour inside of frontends/");
  EXPECT_EQ(violation("frontends/std/native/int.cc", "frontends/cli/cli.h"), "is above inside of frontends/");

  EXPECT_EQ(violation("tests/unit/gc/heap_test.cc", "jit/ir/ir.h"), "");
  EXPECT_EQ(violation("tests/unit/gc/heap_test.cc", "fuzz/gen/types.h"), "is above");
  EXPECT_EQ(violation("frontends/cli/run.cc", "tests/support/command.h"), "is above");
  EXPECT_EQ(violation("fuzz/targets/parse.cc", "tests/support/command.h"), "");
}

}  // namespace
}  // namespace fble
