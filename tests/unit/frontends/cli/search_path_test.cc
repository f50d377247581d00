// The folders where modules are searched: frontends/cli/search_path.h.
#include "frontends/cli/search_path.h"

#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SearchPathTest : public CommandTest {
 protected:
  SearchPathTest() {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder());
    setenv("FBLE_JIT_STD", "our-library", 1);
  }
  ~SearchPathTest() override {
    std::filesystem::current_path(before_);
    unsetenv("FBLE_JIT_STD");
    unsetenv("FBLE_PACKAGE_PATH");
  }

 private:
  std::filesystem::path before_;
};

TEST_F(SearchPathTest, OurLibraryComesLast) {
  EXPECT_THAT(with_library({"a", "b"}), ElementsAre("a", "b", "our-library"));
}

TEST_F(SearchPathTest, AnotherLibraryReplacesOurs) {
  write("our-library/Std/Bool.fble", "");
  write("a/Std/Bool.fble", "");
  write("b/Std.fble", "");
  EXPECT_THAT(with_library({"x", "a"}), ElementsAre("x", "a"));
  EXPECT_THAT(with_library({"b"}), ElementsAre("b"));
}

TEST_F(SearchPathTest, ModulesBesideTheLibraryDoNotReplaceIt) {
  write("our-library/Std/Bool.fble", "");
  write("tests/Std/Tests.fble", "");
  write("tests/Std/Bool/Tests.fble", "");
  EXPECT_THAT(with_library({"tests"}), ElementsAre("tests", "our-library"));
}

TEST_F(SearchPathTest, PackagesAreFoundInOrder) {
  write("one/a/A.fble", "");
  write("two/a/A.fble", "");
  write("two/b/B.fble", "");
  setenv("FBLE_PACKAGE_PATH", "one:two", 1);
  EXPECT_EQ(find_package("a"), "one/a");
  EXPECT_EQ(find_package("b"), "two/b");
  EXPECT_EQ(find_package("c"), "");
}

TEST_F(SearchPathTest, AFileBelongsToItsFolder) {
  write("src/Main.fble", "*();");
  const FileModule found = locate_file("src/Main.fble", {});
  EXPECT_EQ(found.path.str(), "/Main%");
  EXPECT_THAT(found.roots, ElementsAre("src", "our-library"));
}

TEST_F(SearchPathTest, AFileInTheWorkingFolder) {
  write("my-program.fble", "*();");
  const FileModule found = locate_file("./my-program.fble", {});
  EXPECT_EQ(found.path.str(), "/'my-program'%");
  EXPECT_THAT(found.roots, ElementsAre(".", "our-library"));
}

TEST_F(SearchPathTest, AFileBelongsToTheNearestFolderThatHasWhatItMentions) {
  write("pkgs/sort/Sort/Main.fble", "/Sort/Lib/Words%;");
  write("pkgs/sort/Sort/Lib/Words.fble.@", "*()");
  const FileModule found = locate_file("pkgs/sort/Sort/Main.fble", {});
  EXPECT_EQ(found.path.str(), "/Sort/Main%");
  EXPECT_THAT(found.roots, ElementsAre("pkgs/sort", "our-library"));
}

TEST_F(SearchPathTest, AFileOutsideOfTheWorkingFolder) {
  write("other/Sort/Main.fble", "/Sort/Lib%;");
  write("other/Sort/Lib.fble", "*()");
  write("here/x", "");
  std::filesystem::current_path(folder() + "/here");
  const FileModule found = locate_file("../other/Sort/Main.fble", {});
  EXPECT_EQ(found.path.str(), "/Sort/Main%");
  EXPECT_THAT(found.roots, ElementsAre("../other", "our-library"));
}

TEST_F(SearchPathTest, AFileInAFolderAboveTheWorkingFolder) {
  write("Top.fble", "/Sub/A%;");
  write("Sub/A.fble", "*()");
  write("Sub/B.fble", "/Sub/A%;");
  std::filesystem::current_path(folder() + "/Sub");
  const FileModule found = locate_file("B.fble", {});
  EXPECT_EQ(found.path.str(), "/Sub/B%");
  EXPECT_THAT(found.roots, ElementsAre(std::filesystem::current_path().parent_path().string(), "our-library"));
  EXPECT_EQ(locate_file("../Top.fble", {}).path.str(), "/Top%");
}

TEST_F(SearchPathTest, AFileBelowAGivenFolder) {
  write("a/b/C.fble", "*()");
  const FileModule found = locate_file("a/b/C.fble", {"x", "a"});
  EXPECT_EQ(found.path.str(), "/b/C%");
  EXPECT_THAT(found.roots, ElementsAre("a", "x", "a", "our-library"));
}

TEST_F(SearchPathTest, AFileWithErrorsBelongsToItsFolder) {
  write("a/b/C.fble", "/Missing% (");
  EXPECT_EQ(locate_file("a/b/C.fble", {}).path.str(), "/C%");
  write("a/b/D.fble", "/Missing%;");
  EXPECT_EQ(locate_file("a/b/D.fble", {}).path.str(), "/D%");
}

TEST_F(SearchPathTest, AFileOfOurLibraryBelongsToIt) {
  namespace fs = std::filesystem;
  write("our-library/Std/Map.fble", "/Std/Bool%;");
  write("our-library/Std/Bool.fble", "*();");
  write("elsewhere/x", "");
  fs::create_directory_symlink("our-library/Std", "linked");
  fs::create_symlink("our-library/Std/Map.fble", "Other.fble");
  const std::string absolute = folder() + "/our-library";
  for (const auto& [file, root] : std::vector<std::pair<std::string, std::string>>{
           {"our-library/Std/Map.fble", "our-library"},
           {"./our-library/Std/../Std/Map.fble", "our-library"},
           {absolute + "/Std/Map.fble", absolute},
           {"linked/Map.fble", "our-library"},
           {"Other.fble", "our-library"},
       }) {
    const FileModule found = locate_file(file, {});
    EXPECT_EQ(found.path.str(), "/Std/Map%") << file;
    EXPECT_THAT(found.roots, ElementsAre(root)) << file;
  }
  setenv("FBLE_JIT_STD", absolute.c_str(), 1);
  fs::current_path(folder() + "/our-library/Std");
  EXPECT_EQ(locate_file("Map.fble", {}).path.str(), "/Std/Map%");
}

TEST_F(SearchPathTest, ALinkBelongsToItsTargetsFolderWhereItsOwnHasNotWhatItMentions) {
  namespace fs = std::filesystem;
  write("src/Tool/Main.fble", "/Tool/Words%;");
  write("src/Tool/Words.fble", "*();");
  fs::create_directory("bin");
  fs::create_symlink("../src/Tool/Main.fble", "bin/tool.fble");
  const FileModule found = locate_file("bin/tool.fble", {});
  EXPECT_EQ(found.path.str(), "/Tool/Main%");
  EXPECT_THAT(found.roots, ElementsAre(fs::canonical("src").string(), "our-library"));
  EXPECT_EQ(run({"check", "bin/tool.fble"}).status, 0);
  // The folder of the link comes first, as long as it will do.
  write("bin/Tool/Words.fble", "*();");
  EXPECT_EQ(locate_file("bin/tool.fble", {}).path.str(), "/tool%");
}

TEST_F(SearchPathTest, LibrariesAreNotMixed) {
  // The program's own /Std has no /Std/Unit%.
  write("Std/Bool.fble", "*();");
  write("Main.fble", "/Std/Unit%;\n");
  const CommandResult result = run({"test", "Main.fble"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("./Main.fble:1:1: error: module /Std/Unit% not found"));
}

TEST_F(SearchPathTest, TheEnvironmentNamesAnotherLibrary) {
  write("library/Std/Mine.fble", "*();");
  write("Main.fble", "/Std/Mine%;\n");
  EXPECT_EQ(run({"test", "Main.fble"}, "", {"FBLE_JIT_STD=library"}).status, 0);
  EXPECT_EQ(run({"test", "Main.fble"}).status, 2);
}

}  // namespace
}  // namespace fble
