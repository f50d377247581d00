// `fble-jit doc --search` and `--type`: frontends/doc/doc_search.h.
#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A test with a module /Shapes% in a folder that is searched.
class DocSearchTest : public CommandTest {
 protected:
  DocSearchTest() {
    write("Shapes.fble",
          "# /Shapes%: Things with corners.\n\n"
          "Int@ .= /Std/Int%;\n"
          "List@ .= /Std/List%;\n"
          "# A thing. It has corners.\n"
          "Shape@ = *(Int@ corners);\n"
          "# Scaled(s, n) is s, but larger.\n"
          "Scaled = (Shape@ s, Int@ _) { s; };\n"
          "# Flipped(n, s) is s from the other side.\n"
          "Flipped = (Int@ _, Shape@ s) { s; };\n"
          "# Pick(a, b) is a.\n"
          "Pick = <@ A@, @ B@>(A@ a, B@ _) { a; };\n"
          "# Longer(s, n, more) is longer.\n"
          "Longer = (Shape@ s, Int@ _, List@<Int@> _) { s; };\n"
          "@(Shape@, Scaled, Flipped, Pick, Longer);\n");
    write("Again.fble", "Scaled .= /Shapes%;\n@(Scaled);\n");
  }

  CommandResult doc(const std::string& option, const std::string& value) const {
    return run({"doc", "-I", ".", option, value});
  }
};

TEST_F(DocSearchTest, WordsAreSearchedInNamesFirst) {
  const CommandResult result = doc("--search", "scaled");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "/Shapes%.Scaled : (Shape@, Int@) { Shape@; }  # Scaled(s, n) is s, but larger\n");
  EXPECT_THAT(doc("--search", "list REVERSE").out, StartsWith("/Std/List%.Reverse : "));
  EXPECT_EQ(doc("--search", "flipped side").out,
            "/Shapes%.Flipped : (Int@, Shape@) { Shape@; }  # Flipped(n, s) is s from the other side\n");
  EXPECT_EQ(doc("--search", "things corners").out, "/Shapes%  # Things with corners\n");
}

TEST_F(DocSearchTest, WordsThatAreNotFound) {
  const CommandResult result = doc("--search", "scalde reverse");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("error: nothing found; nothing has 'scalde', but there is 'scaled'"));
  EXPECT_THAT(result.err, HasSubstr("'reverse' alone is found"));
}

TEST_F(DocSearchTest, TypesFromTheBestToTheWorst) {
  const CommandResult result = doc("--type", "(Shape@, Int@) { Shape@; }");
  EXPECT_EQ(result.err, "");
  std::vector<size_t> places;
  for (const char* name : {"/Shapes%.Scaled ", "/Shapes%.Pick ", "/Shapes%.Flipped ", "/Shapes%.Longer "}) {
    places.push_back(result.out.find(name));
    EXPECT_NE(places.back(), std::string::npos) << name;
  }
  EXPECT_TRUE(std::ranges::is_sorted(places)) << result.out;
  EXPECT_THAT(result.out,
              StartsWith("/Shapes%.Scaled : (Shape@, Int@) { Shape@; }  # Scaled(s, n) is s, but larger\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("/Again%")));
}

TEST_F(DocSearchTest, TypesOfTheLibraryByTheirShortNames) {
  const CommandResult result = doc("--type", "(Int@, Int@) { Int@; }");
  EXPECT_THAT(result.out, StartsWith("/Std/Int%.Add : (Int@, Int@) { Int@; }  # "));
  EXPECT_EQ(doc("--type", "(/Std/Int%.Int@, Int@) { Int@; };").out, result.out);
}

TEST_F(DocSearchTest, VariablesMayHaveOtherNames) {
  const std::string expected = "/Std/List%.Map : ";
  EXPECT_THAT(doc("--type", "(List@<A@>, (A@) { B@; }) { List@<B@>; }").out, StartsWith(expected));
  EXPECT_THAT(doc("--type", "<@ From@, @ To@>(List@<From@>, (From@) { To@; }) { List@<To@>; }").out,
              StartsWith(expected));
  EXPECT_THAT(doc("--type", "(List@<Int@>, (Int@) { Bool@; }) { List@<Bool@>; }").out, HasSubstr(expected));
  // Variables stand for themselves: a function for one type is not found for all.
  EXPECT_THAT(doc("--type", "(A@, A@) { A@; }").out, Not(HasSubstr("/Std/Int%.Add")));
}

TEST_F(DocSearchTest, MistakesInATypeAreLocated) {
  const CommandResult result = doc("--type", "(Int@, Nope@) { Wrong@; }");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err,
            "--type:1:8: error: no module exports a type 'Nope@'\n"
            "--type:1:17: error: no module exports a type 'Wrong@'\n");
  EXPECT_EQ(doc("--type", "(Int@, ").err, "--type:1:8: error: syntax error, unexpected ';', expecting expression\n");
  EXPECT_EQ(doc("--type", "Int@<Int@>").err, "--type:1:1: error: unable to poly apply a type to something of kind @\n");
  EXPECT_EQ(doc("--type", "/Std/Int%.Add").err,
            "--type:1:1: error: expected a type, but found value of type "
            "(Int@.%(@/Std/Int%), Int@.%(@/Std/Int%)) { Int@.%(@/Std/Int%); }\n");
}

TEST_F(DocSearchTest, TypesThatAreNotFound) {
  const CommandResult result = doc("--type", "(Shape@, Shape@, Shape@) { +(Int@ a, Shape@ b); }");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, StartsWith("error: nothing found; searched for (Shape@, Shape@, Shape@) { +("));
}

TEST_F(DocSearchTest, ModulesThatDoNotCompileAreLeftOut) {
  write("Broken.fble", "x;");
  const CommandResult result = doc("--search", "scaled");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, StartsWith("/Shapes%.Scaled"));
  EXPECT_EQ(result.err, "error: module /Broken% does not compile and is not searched\n");
}

TEST_F(DocSearchTest, OptionsThatDoNotGoTogether) {
  EXPECT_EQ(run({"doc", "--search", "a", "--type", "Int@"}).status, 2);
  EXPECT_EQ(run({"doc", "--search", "a", "/Std/Int%"}).status, 2);
  EXPECT_EQ(run({"doc", "--search", " "}).status, 2);
}

}  // namespace
}  // namespace fble
