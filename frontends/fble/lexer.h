// Characters to tokens (spec 12.1).
// Tested by tests/unit/frontends/fble/lexer_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interp/loc.h"
#include "interp/symbol.h"

namespace fble {

enum class TokenKind : uint8_t {
#define FBLE_TOKEN(name, shown) k##name,
#include "frontends/fble/tokens.def"
#undef FBLE_TOKEN
};

/// Returns the name of the token in messages, such as "'{'" or "WORD".
std::string_view token_name(TokenKind kind);

/// One token. `text` points into the source. For a quoted word it is the part
/// between the outer quotes, with doubled quotes still doubled.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  bool quoted = false;       ///< a word in quotes
  bool has_escapes = false;  ///< a quoted word with doubled quotes in it
  uint32_t line = 0;
  uint32_t column = 0;
  std::string_view text;
};

/// A comment `# deopt-here! OPTIONS`, which means something to tests (interp/deopt_point.h). The
/// place is that of the '#'; `options` is the rest of the line.
struct Directive {
  uint32_t line = 0;
  uint32_t column = 0;
  std::string_view options;
  uint32_t options_column = 0;
};

/// Splits a text into tokens, one per call, without allocating. Any bytes are
/// accepted; those that belong to no token give kInvalid. At the end of the
/// text each call gives kEnd.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next();

  /// Removes and returns the directives between the last token and the one before.
  std::vector<Directive> take_directives() { return std::exchange(directives_, {}); }
  bool has_directives() const { return !directives_.empty(); }

  /// Returns the token that starts a quoted word which ran into the end of the text; null if there is none.
  const Token* unterminated() const { return unterminated_.line != 0 ? &unterminated_ : nullptr; }

 private:
  void skip_blanks();
  void look_for_directive(size_t end);
  void finish_plain_word(Token& token);
  void finish_quoted_word(Token& token);
  void finish_punctuation(Token& token, char first);
  char peek(size_t ahead) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0'; }
  void count_lines(size_t from, size_t to);

  std::string_view text_;
  size_t pos_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  bool column_late_ = false;  ///< see finish_punctuation
  Token unterminated_;
  std::vector<Directive> directives_;
};

/// Returns the characters of a word token, with doubled quotes undone.
std::string word_text(const Token& token);

/// Returns the same as a symbol; cheap for words seen before.
Symbol word_symbol(const Token& token);

/// Returns whether the character may stand in a word without quotes.
bool is_word_char(char c);

}  // namespace fble
