#include "frontends/fble/unused.h"

#include <gtest/gtest.h>

#include "tests/support/checked_source.h"

namespace fble {
namespace {

constexpr const char* kUnit = "Unit@ = *(); Unit = Unit@(); _u = Unit;\n";

std::string warnings(const std::string& text) { return messages_of(kUnit + text); }

TEST(Unused, NothingToSay) {
  EXPECT_EQ(warnings("x = Unit;\nx;"), "");
  EXPECT_EQ(warnings("(Unit@ x) { x; };"), "");
}

TEST(Unused, LetVariablesOfBothNamespaces) {
  EXPECT_EQ(warnings("x = Unit;\nUnit;"), "2:1: warning: variable 'x' defined but not used\n");
  EXPECT_EQ(warnings("T@ = *(Unit@ a);\nUnit;"), "2:1: warning: variable 'T@' defined but not used\n");
  EXPECT_EQ(warnings("T@ = *(Unit@ a), T = Unit;\nT@(T);"), "");
}

TEST(Unused, Imports) {
  EXPECT_EQ(warnings("s = @(a: Unit, b: Unit);\na, c(.b) .= s;\na;"),
            "3:4: warning: variable 'c' defined but not used\n");
}

TEST(Unused, Arguments) {
  EXPECT_EQ(warnings("(Unit@ x, Unit@ y) { x; };"), "2:17: warning: argument 'y' is unused\n");
  EXPECT_EQ(warnings("(Unit@ x, Unit@ x) { x; };"), "2:8: warning: argument 'x' is unused\n");
  EXPECT_EQ(warnings("f = ((Unit@) { Unit@; } g) { g(Unit); };\nUnit@ a := f;\nUnit;"),
            "3:7: warning: argument 'a' is unused\n");
}

TEST(Unused, ForeignValues) {
  EXPECT_EQ(warnings("(Unit@) { Unit@; } F;\nUnit;"), "2:20: warning: variable 'F' is unused\n");
}

TEST(Unused, UnderscoreAndPolyArgumentsAreExempt) {
  EXPECT_EQ(warnings("_x = Unit;\nUnit;"), "");
  EXPECT_EQ(warnings("(Unit@ _) { Unit; };"), "");
  EXPECT_EQ(warnings("<@ T@>(Unit@ x) { x; };"), "");
}

TEST(Unused, AnExemptVariableUsesWhatItsDefinitionMentions) { EXPECT_EQ(warnings("x = Unit;\n_y = x;\nUnit;"), ""); }

TEST(Unused, DeadGroupsAreFound) {
  EXPECT_EQ(warnings("(Unit@) { Unit@; } f = (Unit@ a) { g(a); }, (Unit@) { Unit@; } g = (Unit@ a) { f(a); };\nUnit;"),
            "2:20: warning: variable 'f' defined but not used\n2:64: warning: variable 'g' defined but not used\n");
  EXPECT_EQ(warnings("(Unit@) { Unit@; } f = (Unit@ a) { g(a); }, (Unit@) { Unit@; } g = (Unit@ a) { f(a); };\nf;"),
            "");
}

TEST(Unused, ADeadDefinitionUsesNothing) {
  EXPECT_EQ(warnings("x = Unit;\ny = x;\nUnit;"),
            "3:1: warning: variable 'y' defined but not used\n2:1: warning: variable 'x' defined but not used\n");
}

TEST(Unused, UsesInTypesCount) {
  EXPECT_EQ(warnings("x = Unit;\n@<x>;"), "");
  EXPECT_EQ(warnings("T@ = *();\n(T@ _x) { Unit; };"), "");
}

TEST(Unused, InnerVariablesHideOuterOnes) {
  EXPECT_EQ(warnings("x = Unit;\n(Unit@ x) { x; };"), "2:1: warning: variable 'x' defined but not used\n");
}

TEST(Unused, NothingIsSaidAboutWrongModules) {
  EXPECT_EQ(warnings("x = Unit;\ny;"), "3:1: error: variable 'y' not defined\n");
}

}  // namespace
}  // namespace fble
