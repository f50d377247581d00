// `fble-jit doc`: frontends/cli/doc*.cc, on the modules of tests/golden/doc. The expected
// text and pages are next to them in *.expected, rewritten by --update-goldens.
#include <gmock/gmock.h>

#include <regex>

#include "tests/support/command.h"
#include "tests/support/golden.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kFolder = FBLE_SOURCE_DIR "/tests/golden/doc";

class DocTest : public CommandTest {
 protected:
  /// Runs `fble-jit doc` in the folder of the modules.
  CommandResult doc(std::vector<std::string> words) const {
    words.insert(words.begin(), "doc");
    return run(words, "", {"FOLDER=" + kFolder}, "cd \"$FOLDER\" && exec \"$@\"");
  }

  /// Writes all pages of the modules in the test's own folder.
  CommandResult write_pages() const { return doc({"-I", ".", "--html", folder() + "/new/site"}); }
  std::string page(const std::string& name) const { return read("new/site/" + name); }
};

/// Returns the page without its style.
std::string without_style(const std::string& page) {
  return std::regex_replace(page, std::regex("<style>[^<]*</style>"), "<style></style>");
}

/// Returns the tags that are open at the end of the page, or closed out of order.
std::string unbalanced_tags(const std::string& page) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)[^>]*>");
  for (std::sregex_iterator each(page.begin(), page.end(), tag), end; each != end; ++each) {
    const std::string name = (*each)[2];
    if (name == "meta") continue;
    if ((*each)[1].length() == 0) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

TEST_F(DocTest, TextOfAModule) {
  const CommandResult result = doc({"Garden.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  expect_golden(kFolder + "/Garden.text.expected", result.out);
  EXPECT_EQ(doc({"-I", ".", "/Garden%"}).out, result.out);
  EXPECT_EQ(doc({"-I", ".", "-m", "/Garden%"}).out, result.out);
}

TEST_F(DocTest, AModuleThatExportsNothingHasAType) {
  EXPECT_EQ(doc({"-I", ".", "/Garden/Visit%"}).out,
            "/Garden/Visit%: A program has a value, and no exports.\n"
            "\n"
            "/Garden/Visit% : (*()) { *(); }\n");
}

TEST_F(DocTest, OneName) {
  EXPECT_EQ(doc({"-I", ".", "/Garden%.Grow"}).out,
            "/Garden%.Grow\n"
            "\n"
            "Grow : <@ Color@>(Color@) { Plant@<Color@>; }\n"
            "\n"
            "    Grow(color) is a plant.\n");
  EXPECT_THAT(doc({"-I", ".", "/Garden%.Spade@"}).out, HasSubstr("Spade@ is for digging."));
  EXPECT_THAT(doc({"-I", ".", "/Garden%.'@ name'"}).out, HasSubstr("'@ name' : Unit@\n"));
  EXPECT_THAT(doc({"/Std/List%.Map"}).out, HasSubstr("Map(list, f) has f(x) for each item x"));
}

TEST_F(DocTest, NamesThatAreNotThere) {
  const CommandResult name = doc({"-I", ".", "/Garden%.Spade"});
  EXPECT_EQ(name.status, 1);
  EXPECT_EQ(name.err, "error: module /Garden% does not export 'Spade'\n");
  const CommandResult module = doc({"/No/Such%"});
  EXPECT_EQ(module.status, 1);
  EXPECT_THAT(module.err, HasSubstr("module /No/Such% not found"));
  EXPECT_EQ(doc({"no path"}).status, 2);
  EXPECT_EQ(doc({"--html", "a", "--missing"}).status, 2);
  EXPECT_EQ(doc({"/A%", "/B%"}).status, 2);
}

TEST_F(DocTest, ListOfModules) {
  const CommandResult result = doc({"-I", "."});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("\n/Garden% "));
  EXPECT_THAT(result.out, HasSubstr("  plants & where they grow, see /Garden/Tools%\n"));
  EXPECT_THAT(result.out, HasSubstr("\n/index%\n"));
  EXPECT_THAT(result.out, HasSubstr("\n/Std/Int/Show% "));
  // Without -I these are the modules of the library.
  EXPECT_THAT(doc({}).out, Not(HasSubstr("Garden")));
}

TEST_F(DocTest, TheFirstOfSeveralModulesOfAName) {
  write("a/M.fble", "# First.\n\n@();\n");
  write("b/M.fble", "# Second.\n\n@();\n");
  write("b/.hidden/N.fble", "# Hidden.\n\n@();\n");
  const CommandResult result = run({"doc", "-I", "b", "-I", "a"});
  EXPECT_THAT(result.out, HasSubstr("Second"));
  EXPECT_THAT(result.out, Not(HasSubstr("First")));
  EXPECT_THAT(result.out, Not(HasSubstr("idden")));
}

TEST_F(DocTest, WhatHasNoComment) {
  const CommandResult result = doc({"-I", ".", "--missing"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out,
            "./a-b/it's.fble:1:1: warning: module /'a-b'/'it''s'% has no comment\n"
            "./Garden.fble:40:1: warning: Nowhere of module /Garden% has no comment\n"
            "./index.fble:1:1: warning: module /index% has no comment\n");
  EXPECT_EQ(doc({"-I", ".", "--missing", "/Garden/Tools%"}).status, 0);
}

TEST_F(DocTest, Pages) {
  const CommandResult result = write_pages();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  expect_golden(kFolder + "/Garden.html.expected", without_style(page("Garden.html")));
  // A module called index has a page beside the index.
  EXPECT_THAT(page("index.html"), HasSubstr("<a href=\"index-.html\">/index%</a>"));
  EXPECT_THAT(page("index.html"), HasSubstr("<a href=\"a_2db-it_27s.html\">/'a-b'/'it''s'%</a>"));
  EXPECT_THAT(page("index-.html"), HasSubstr("<h1>/index%</h1>"));
  EXPECT_THAT(page("Std-List.html"), HasSubstr("ForEach"));
}

TEST_F(DocTest, PagesAreWellFormedAndTheirLinksLeadSomewhere) {
  ASSERT_EQ(write_pages().status, 0);
  size_t links = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() + "/new/site")) {
    const std::string text = page(entry.path().filename());
    EXPECT_EQ(unbalanced_tags(text), "") << entry.path();
    const std::regex link("href=\"([^\"#]*)(#([^\"]*))?\"");
    for (std::sregex_iterator each(text.begin(), text.end(), link), end; each != end; ++each, ++links) {
      const std::string target = (*each)[1].length() == 0 ? text : page((*each)[1]);
      EXPECT_NE(target, "") << entry.path() << ": " << (*each)[0];
      if ((*each)[2].matched) {
        EXPECT_THAT(target, HasSubstr("id=\"" + std::string((*each)[3]) + "\"")) << entry.path() << ": " << (*each)[0];
      }
    }
  }
  EXPECT_GT(links, 1000u);
}

TEST_F(DocTest, PagesOfWhatCompiles) {
  write("Good.fble", "# Good.\n\n@();\n");
  write("Bad.fble", "# Bad.\n\nx;\n");
  const CommandResult result = run({"doc", "-I", ".", "--html", "site"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("./Bad.fble:3:1: error: variable 'x' not defined"));
  EXPECT_THAT(read("site/Good.html"), HasSubstr("Good."));
  EXPECT_EQ(read("site/Bad.html"), "");
  EXPECT_THAT(read("site/index.html"), Not(HasSubstr("Bad")));
}

TEST_F(DocTest, PagesThatCannotBeWritten) {
  write("file", "");
  const CommandResult result = run({"doc", "--html", "file/site", "/Std/Unit%"});
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("error: cannot create folder 'file/site': "));
}

TEST_F(DocTest, TheLibraryIsDocumented) {
  const CommandResult result = run({"doc", "--missing"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
}

}  // namespace
}  // namespace fble
