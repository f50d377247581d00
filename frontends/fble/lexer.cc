// Tested by tests/unit/frontends/fble/lexer_test.cc.
#include "frontends/fble/lexer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace fble {
namespace {

enum class CharClass : uint8_t { kWord, kSpace, kPunctuation, kQuote, kComment };

constexpr std::array<CharClass, 256> classify() {
  std::array<CharClass, 256> classes{};
  for (char c : std::string_view(" \t\n\v\f\r")) classes[static_cast<uint8_t>(c)] = CharClass::kSpace;
  // NUL belongs to no token, like the punctuation that the grammar leaves unused.
  for (char c : std::string_view("(){}[];,:?=.<>+*-!$@~&|%/^\0", 27)) {
    classes[static_cast<uint8_t>(c)] = CharClass::kPunctuation;
  }
  classes['\''] = CharClass::kQuote;
  classes['#'] = CharClass::kComment;
  return classes;
}

constexpr std::array<CharClass, 256> kClasses = classify();

CharClass class_of(char c) { return kClasses[static_cast<uint8_t>(c)]; }

TokenKind single_char_token(char c) {
  switch (c) {
    case '@': return TokenKind::kAt;
    case '/': return TokenKind::kSlash;
    case '%': return TokenKind::kPercent;
    case '<': return TokenKind::kLess;
    case '>': return TokenKind::kGreater;
    case ',': return TokenKind::kComma;
    case ')': return TokenKind::kCloseParen;
    case '(': return TokenKind::kOpenParen;
    case '.': return TokenKind::kDot;
    case ':': return TokenKind::kColon;
    case '[': return TokenKind::kOpenBracket;
    case ']': return TokenKind::kCloseBracket;
    case '|': return TokenKind::kBar;
    case '{': return TokenKind::kOpenBrace;
    case '}': return TokenKind::kCloseBrace;
    case ';': return TokenKind::kSemicolon;
    case '=': return TokenKind::kEquals;
    default: return TokenKind::kInvalid;
  }
}

}  // namespace

std::string_view token_name(TokenKind kind) {
  static constexpr std::string_view kNames[] = {
#define FBLE_TOKEN(name, shown) shown,
#include "frontends/fble/tokens.def"
#undef FBLE_TOKEN
  };
  return kNames[static_cast<size_t>(kind)];
}

bool is_word_char(char c) { return class_of(c) == CharClass::kWord; }

/// Counts the newlines of a range that has just been skipped.
void Lexer::count_lines(size_t from, size_t to) {
  while (from < to) {
    const void* newline = std::memchr(text_.data() + from, '\n', to - from);
    if (newline == nullptr) return;
    from = static_cast<const char*>(newline) - text_.data() + 1;
    ++line_;
    line_start_ = from;
  }
}

void Lexer::skip_blanks() {
  while (pos_ < text_.size()) {
    char c = text_[pos_];
    if (c == '\n') {
      ++pos_;
      ++line_;
      line_start_ = pos_;
    } else if (class_of(c) == CharClass::kSpace) {
      ++pos_;
    } else if (c == '#') {
      size_t newline = text_.find('\n', pos_);
      newline = std::min(newline, text_.size());
      look_for_directive(newline);
      pos_ = newline;
    } else {
      return;
    }
  }
}

/// Checks whether the comment at pos_ is a directive: `#`, blanks, and the word `deopt-here!`.
void Lexer::look_for_directive(size_t end) {
  constexpr std::string_view kWord = "deopt-here!";
  constexpr std::string_view kBlanks = " \t\r";
  const std::string_view comment = text_.substr(pos_, end - pos_);
  size_t start = 1;
  while (start < comment.size() && (comment[start] == ' ' || comment[start] == '\t')) ++start;
  // Most comments are no directives, and end here.
  if (start == comment.size() || comment[start] != kWord[0] || !comment.substr(start).starts_with(kWord)) return;
  const size_t rest = start + kWord.size();
  if (rest < comment.size() && kBlanks.find(comment[rest]) == std::string_view::npos) return;
  const uint32_t column = static_cast<uint32_t>(pos_ - line_start_ + 1);
  directives_.push_back({line_, column, comment.substr(rest), column + static_cast<uint32_t>(rest)});
}

Token Lexer::next() {
  skip_blanks();
  Token token;
  token.line = line_;
  token.column = static_cast<uint32_t>(pos_ - line_start_ + 1) + column_late_;
  column_late_ = false;
  if (pos_ >= text_.size()) return token;
  char first = text_[pos_];
  switch (class_of(first)) {
    case CharClass::kWord: finish_plain_word(token); break;
    case CharClass::kQuote: finish_quoted_word(token); break;
    default: finish_punctuation(token, first); break;
  }
  return token;
}

void Lexer::finish_plain_word(Token& token) {
  size_t start = pos_;
  while (pos_ < text_.size() && is_word_char(text_[pos_])) ++pos_;
  token.kind = TokenKind::kWord;
  token.text = text_.substr(start, pos_ - start);
}

void Lexer::finish_quoted_word(Token& token) {
  size_t start = pos_;
  size_t scan = pos_ + 1;
  bool closed = false;
  while (!closed) {
    size_t quote = text_.find('\'', scan);
    if (quote == std::string_view::npos) {
      scan = text_.size();
      break;
    }
    closed = quote + 1 >= text_.size() || text_[quote + 1] != '\'';
    if (!closed) token.has_escapes = true;
    scan = quote + (closed ? 1 : 2);
  }
  token.kind = TokenKind::kWord;
  token.quoted = true;
  token.text = text_.substr(start + 1, scan - start - (closed ? 2 : 1));
  if (!closed) unterminated_ = token;

  // A NUL cannot be part of a word: it is an invalid token of its own.
  size_t nul = token.text.find('\0');
  if (nul != std::string_view::npos) {
    count_lines(start, start + 1 + nul);
    pos_ = start + 1 + nul;
    token = Token();
    token.kind = TokenKind::kInvalid;
    token.line = line_;
    token.column = static_cast<uint32_t>(pos_ - line_start_ + 1);
    token.text = text_.substr(pos_, 1);
    ++pos_;
    return;
  }
  count_lines(start, scan);
  pos_ = scan;
}

void Lexer::finish_punctuation(Token& token, char first) {
  size_t length = 1;
  token.kind = single_char_token(first);
  auto accept = [&](TokenKind kind, size_t token_length) {
    token.kind = kind;
    length = token_length;
  };
  switch (first) {
    case '*':
      if (peek(1) == '(') accept(TokenKind::kStarOpenParen, 2);
      break;
    case '+':
      if (peek(1) == '(') accept(TokenKind::kPlusOpenParen, 2);
      break;
    case ':':
      if (peek(1) == '=') accept(TokenKind::kColonEquals, 2);
      break;
    case '(':
      if (peek(1) == '.') accept(TokenKind::kOpenParenDot, 2);
      break;
    case '.':
      if (peek(1) == '=') {
        accept(TokenKind::kDotEquals, 2);
      } else if (peek(2) == '(') {
        if (peek(1) == '@') accept(TokenKind::kDotAtOpenParen, 3);
        if (peek(1) == '?') accept(TokenKind::kDotQuestionOpenParen, 3);
        if (peek(1) == '%') accept(TokenKind::kDotPercentOpenParen, 3);
      } else if (peek(1) == '@' || peek(1) == '?' || peek(1) == '%') {
        // The reference has read two characters by now. So it reports the
        // second, which is never legal here, one column further right.
        column_late_ = true;
      }
      break;
    default: break;
  }
  token.text = text_.substr(pos_, length);
  pos_ += length;
}

std::string word_text(const Token& token) {
  if (!token.has_escapes) return std::string(token.text);
  std::string text;
  text.reserve(token.text.size());
  for (size_t i = 0; i < token.text.size(); ++i) {
    text += token.text[i];
    if (token.text[i] == '\'') ++i;
  }
  return text;
}

Symbol word_symbol(const Token& token) {
  if (token.has_escapes) return Symbol(word_text(token));
  // Interning takes a lock and an allocation; a source repeats a few hundred words.
  constexpr size_t kCacheSize = 2048;
  static thread_local std::array<Symbol, kCacheSize> cache;
  Symbol& slot = cache[std::hash<std::string_view>()(token.text) % kCacheSize];
  if (slot.str() != token.text) slot = Symbol(token.text);
  return slot;
}

}  // namespace fble
