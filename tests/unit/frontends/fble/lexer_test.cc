#include "frontends/fble/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fble {
namespace {

using Kd = TokenKind;

std::vector<Token> tokens_of(std::string_view text) {
  Lexer lexer(text);
  std::vector<Token> tokens;
  for (Token token = lexer.next(); token.kind != Kd::kEnd; token = lexer.next()) tokens.push_back(token);
  return tokens;
}

std::vector<Kd> kinds_of(std::string_view text) {
  std::vector<Kd> kinds;
  for (const Token& token : tokens_of(text)) kinds.push_back(token.kind);
  return kinds;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const Token& token : tokens_of(text)) {
    EXPECT_EQ(token.kind, Kd::kWord);
    words.push_back(word_text(token));
  }
  return words;
}

/// Returns "line:column" of each token and of the end.
std::vector<std::string> places_of(std::string_view text) {
  Lexer lexer(text);
  std::vector<std::string> places;
  for (;;) {
    Token token = lexer.next();
    places.push_back(std::to_string(token.line) + ":" + std::to_string(token.column));
    if (token.kind == Kd::kEnd) return places;
  }
}

using Kinds = std::vector<Kd>;
using Strings = std::vector<std::string>;

TEST(Lexer, EmptyTextEndsAtItsStart) {
  EXPECT_EQ(places_of(""), Strings({"1:1"}));
  EXPECT_EQ(places_of("\n\n"), Strings({"3:1"}));
}

TEST(Lexer, EndIsGivenForEver) {
  Lexer lexer("a");
  lexer.next();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(lexer.next().kind, Kd::kEnd);
}

TEST(Lexer, SinglePunctuation) {
  EXPECT_EQ(kinds_of("@/%<>,)(:[]|{};="),
            Kinds({Kd::kAt, Kd::kSlash, Kd::kPercent, Kd::kLess, Kd::kGreater, Kd::kComma, Kd::kCloseParen,
                   Kd::kOpenParen, Kd::kColon, Kd::kOpenBracket, Kd::kCloseBracket, Kd::kBar, Kd::kOpenBrace,
                   Kd::kCloseBrace, Kd::kSemicolon, Kd::kEquals}));
}

TEST(Lexer, LongPunctuationNeedsNoSpaces) {
  EXPECT_EQ(kinds_of("*( +( (. .@( .?( .%( .= :="),
            Kinds({Kd::kStarOpenParen, Kd::kPlusOpenParen, Kd::kOpenParenDot, Kd::kDotAtOpenParen,
                   Kd::kDotQuestionOpenParen, Kd::kDotPercentOpenParen, Kd::kDotEquals, Kd::kColonEquals}));
  EXPECT_EQ(kinds_of("* ( : = . ="),
            Kinds({Kd::kInvalid, Kd::kOpenParen, Kd::kColon, Kd::kEquals, Kd::kDot, Kd::kEquals}));
  EXPECT_EQ(kinds_of("((.(("), Kinds({Kd::kOpenParen, Kd::kOpenParenDot, Kd::kOpenParen, Kd::kOpenParen}));
  EXPECT_EQ(kinds_of(".@ ("), Kinds({Kd::kDot, Kd::kAt, Kd::kOpenParen}));
}

TEST(Lexer, CharactersWithoutUseAreInvalid) {
  for (char c : std::string("!$~&^-?*+")) {
    EXPECT_EQ(kinds_of(std::string(1, c)), Kinds({Kd::kInvalid})) << c;
  }
  EXPECT_EQ(kinds_of(std::string_view("\0", 1)), Kinds({Kd::kInvalid}));
}

TEST(Lexer, AnyOtherByteIsPartOfAWord) {
  EXPECT_EQ(words_of("_a9\\`\" 日本 \x01\x7f\xff"), Strings({"_a9\\`\"", "日本", "\x01\x7f\xff"}));
  for (int c = 1; c < 256; ++c) {
    std::string text(1, static_cast<char>(c));
    bool is_word = tokens_of(text).size() == 1 && tokens_of(text)[0].kind == Kd::kWord && c != '\'';
    EXPECT_EQ(is_word_char(static_cast<char>(c)), is_word) << c;
  }
}

TEST(Lexer, QuotedWords) {
  EXPECT_EQ(words_of("'a b' '' 'it''s' '#('"), Strings({"a b", "", "it's", "#("}));
  EXPECT_EQ(words_of("a'b'c"), Strings({"a", "b", "c"}));
  EXPECT_EQ(words_of("''''"), Strings({"'"}));
  EXPECT_TRUE(tokens_of("'a'")[0].quoted);
  EXPECT_FALSE(tokens_of("a")[0].quoted);
  EXPECT_EQ(word_symbol(tokens_of("'x''y'")[0]), Symbol("x'y"));
  EXPECT_EQ(word_symbol(tokens_of("'xy'")[0]), word_symbol(tokens_of("xy")[0]));
}

TEST(Lexer, QuoteWithoutEndTakesTheRest) {
  Lexer lexer("a 'b\nc");
  lexer.next();
  EXPECT_EQ(lexer.unterminated(), nullptr);
  EXPECT_EQ(word_text(lexer.next()), "b\nc");
  ASSERT_NE(lexer.unterminated(), nullptr);
  EXPECT_EQ(lexer.unterminated()->column, 3u);
  Token end = lexer.next();
  EXPECT_EQ(end.kind, Kd::kEnd);
  EXPECT_EQ(end.line, 2u);
  EXPECT_EQ(end.column, 2u);
  EXPECT_EQ(words_of("'"), Strings({""}));
  EXPECT_EQ(words_of("'a''"), Strings({"a'"}));
}

TEST(Lexer, NulInAQuotedWordIsInvalidWhereItStands) {
  std::string text("'a\nb\0c' d", 10);
  std::vector<Token> tokens = tokens_of(text);
  ASSERT_FALSE(tokens.empty());
  EXPECT_EQ(tokens[0].kind, Kd::kInvalid);
  EXPECT_EQ(tokens[0].line, 2u);
  EXPECT_EQ(tokens[0].column, 2u);
}

TEST(Lexer, CommentsRunToTheEndOfTheLine) {
  EXPECT_EQ(words_of("a# b 'c\nd #"), Strings({"a", "d"}));
  EXPECT_EQ(words_of("# only"), Strings());
}

TEST(Lexer, ColumnsCountBytes) {
  EXPECT_EQ(places_of("\t(é )"), Strings({"1:2", "1:3", "1:6", "1:7"}));
  EXPECT_EQ(places_of("a\r\n\v\fb"), Strings({"1:1", "2:3", "2:4"}));
  EXPECT_EQ(places_of("'a\nbc' d"), Strings({"1:1", "2:5", "2:6"}));
}

TEST(Lexer, ABrokenLongTokenIsReportedOneColumnLate) {
  // This is where the reference puts it.
  EXPECT_EQ(places_of("a.?b"), Strings({"1:1", "1:2", "1:4", "1:4", "1:5"}));
  EXPECT_EQ(places_of("a. ?b"), Strings({"1:1", "1:2", "1:4", "1:5", "1:6"}));
}

TEST(Lexer, LongWordsAreOneTokenEach) {
  std::string text = "'" + std::string(2'000'000, 'x') + "'";
  ASSERT_EQ(tokens_of(text).size(), 1u);
  EXPECT_EQ(tokens_of(text)[0].text.size(), 2'000'000u);
}

/// Returns "line:column options" of the directives before each token, the end included; '/' between tokens.
std::string directives_of(std::string_view text) {
  Lexer lexer(text);
  std::string result;
  for (;;) {
    const Token token = lexer.next();
    for (const Directive& directive : lexer.take_directives()) {
      result += std::to_string(directive.line) + ":" + std::to_string(directive.column) + ":" +
                std::to_string(directive.options_column) + "(" + std::string(directive.options) + ")";
    }
    if (token.kind == Kd::kEnd) return result;
    result += '/';
  }
}

TEST(Lexer, DirectivesComeWithTheNextToken) {
  EXPECT_EQ(directives_of("a b # deopt-here!\n c"), "//1:5:18()/");
  EXPECT_EQ(directives_of("#deopt-here!\n  #\t deopt-here! gc x=1 \na"), "1:1:13()2:3:17( gc x=1 )/");
  EXPECT_EQ(directives_of("a # deopt-here!"), "/1:3:16()");
  EXPECT_EQ(directives_of("a # deopt-here!\r\nb"), "/1:3:16(\r)/");
}

TEST(Lexer, OtherCommentsAreNoDirectives) {
  for (const char* text : {"# deopt-here", "# deopt-here!!", "# deopt-here!gc", "# see deopt-here!", "## deopt-here!",
                           "# Deopt-here!", "# deopt -here!", "'# deopt-here!'"}) {
    EXPECT_EQ(directives_of(text).find('('), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace fble
