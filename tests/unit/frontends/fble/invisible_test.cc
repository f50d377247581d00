// Warnings about invisible characters: frontends/fble/invisible.h.
#include "frontends/fble/invisible.h"

#include <gtest/gtest.h>

namespace fble {
namespace {

std::string warnings_of(std::string_view text) {
  Diagnostics diagnostics;
  warn_invisible(text, Symbol("f"), diagnostics);
  return diagnostics.render();
}

TEST(Invisible, NothingInOrdinaryText) {
  EXPECT_EQ(warnings_of(""), "");
  EXPECT_EQ(warnings_of("# \xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\nStr|'na\xC3\xAFve';"), "");
  // Bytes that are not UTF-8.
  EXPECT_EQ(warnings_of("\xFF\x80\xE2\x80"), "");
}

TEST(Invisible, AByteOrderMarkIsAPartOfTheFirstWord) {
  EXPECT_EQ(warnings_of("\xEF\xBB\xBFUnit@ = *();"),
            "f:1:1: warning: U+FEFF (byte order mark) is not seen, and is a part of the word here\n");
}

TEST(Invisible, PartsOfNames) {
  EXPECT_EQ(warnings_of("a\n  b\xE2\x80\x8B c\xC2\xA0"
                        "d e\xC2\xA0 f\xC2\xA0"),
            "f:2:4: warning: U+200B (zero-width space) is not seen, and is a part of the word here\n"
            "f:2:9: warning: U+00A0 (no-break space) is not seen, and is a part of the word here; "
            "it is in 2 more places\n");
  EXPECT_EQ(warnings_of("x\xF3\xA0\x81\x81;"),
            "f:1:2: warning: U+E0041 (tag character) is not seen, and is a part of the word here\n");
}

TEST(Invisible, TextInQuotesAndCommentsMayHaveThem) {
  EXPECT_EQ(warnings_of("Str|'a\xC2\xA0"
                        "b\xE2\x80\x8D'; # \xEF\xBB\xBF \xC2\xA0\n"),
            "");
}

TEST(Invisible, ReorderedTextIsReportedEverywhere) {
  EXPECT_EQ(warnings_of("Str|'\xE2\x80\xAE'; # \xE2\x81\xA6 \xE2\x80\xAE\n"),
            "f:1:6: warning: U+202E (right-to-left override) makes text look different from what is read\n"
            "f:1:14: warning: U+2066 (left-to-right isolate) makes text look different from what is read\n"
            "f:1:18: warning: U+202E (right-to-left override) makes text look different from what is read\n");
}

}  // namespace
}  // namespace fble
