// deopt-here! comments in generated programs.
//
// Tested by fuzz/tests/program_gen_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "fuzz/gen/generator.h"
#include "fuzz/gen/library.h"

namespace fble::program_gen {

std::string Generator::with_deopt_points(const std::string& text) {
  constexpr std::array<uint32_t, 4> kCounts = {0, 1, 4, 16};
  constexpr std::array<uint32_t, 4> kWeights = {55, 15, 20, 10};
  const uint32_t count = kCounts[c_.weighted(kWeights)];
  if (count == 0) return text;
  std::vector<size_t> places;
  Lexer lexer(text);
  TokenKind before = TokenKind::kSemicolon;
  for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
    const size_t start = static_cast<size_t>(token.text.data() - text.data()) - (token.quoted ? 1 : 0);
    if (may_precede_expression(before)) places.push_back(start);
    before = token.kind;
  }
  std::map<size_t, std::string> points;
  for (uint32_t i = 0; i < count; ++i) points[c_.of(places)] += "# deopt-here!" + deopt_point_options() + "\n";
  std::string result;
  size_t done = 0;
  for (const auto& [place, comments] : points) {
    result += text.substr(done, place - done) + "\n" + comments;
    done = place;
  }
  return result + text.substr(done);
}

bool Generator::may_precede_expression(TokenKind kind) {
  switch (kind) {
    case TokenKind::kSemicolon:
    case TokenKind::kOpenBrace:
    case TokenKind::kOpenParen:
    case TokenKind::kOpenBracket:
    case TokenKind::kDotAtOpenParen:
    case TokenKind::kComma:
    case TokenKind::kColon:
    case TokenKind::kEquals:
    case TokenKind::kDotEquals:
    case TokenKind::kColonEquals: return true;
    default: return false;
  }
}

std::string Generator::deopt_point_options() {
  constexpr std::array<uint32_t, 5> kNumbers = {1, 2, 3, 10, 50};
  std::string options;
  if (c_.chance(30)) options += fmt::format(" after={}", c_.of(kNumbers));
  if (c_.chance(50)) options += fmt::format(" every={}", c_.of(kNumbers));
#define FBLE_DEOPT_POINT_NUMBER(name, least, doc)
#define FBLE_DEOPT_POINT_FLAG(name, doc) \
  if (c_.chance(15)) options += " " #name;
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  return options;
}

}  // namespace fble::program_gen
