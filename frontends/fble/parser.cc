// Tested by tests/unit/frontends/fble/parser_test.cc.
//
// The grammar (spec 12.2) can be read from left to right with one token of
// lookahead if decisions are delayed where rules begin alike:
//
//  * a type before a name, a condition, a list element and so on are all read
//    as an expression first; the token after it decides which it was;
//  * where both a name and an expression may stand, the name is read first, and
//    if the next token does not decide, it begins an expression.
//
// So each token is checked in the one place that knows all the tokens that may
// stand there, and the first token that cannot continue a valid program is
// reported. An expression ends only where no postfix operator follows; messages
// leave these operators out of what was expected.
//
// After a syntax error, parsing continues after the statement that has it: at
// the next ';' that is nested as deeply as the statement's start. That is safe
// if all brackets of the file are paired and its quotes closed, because then a
// ';' found in this way ends the statement. If they are not, only the first
// error is reported: after a missing bracket or quote, all of the rest is
// misread.
//
// Repetition (statements, postfix operators, the heads of functions) is done in
// loops. Nesting in the source is recursion, as deep as the stack allows.
#include "frontends/fble/parser.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <unordered_set>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/lexer.h"

namespace fble {
namespace {

using Kd = TokenKind;

/// A set of token kinds.
class TokenSet {
 public:
  constexpr TokenSet(std::initializer_list<TokenKind> kinds) {
    for (TokenKind kind : kinds) bits_ |= uint64_t{1} << static_cast<unsigned>(kind);
  }
  constexpr bool has(TokenKind kind) const { return bits_ >> static_cast<unsigned>(kind) & 1; }
  constexpr bool has_all(TokenSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr int size() const { return __builtin_popcountll(bits_); }
  constexpr TokenSet with(TokenSet other) const { return TokenSet(bits_ | other.bits_); }
  constexpr TokenSet without(TokenSet other) const { return TokenSet(bits_ & ~other.bits_); }

 private:
  explicit constexpr TokenSet(uint64_t bits) : bits_(bits) {}

  uint64_t bits_ = 0;
};

constexpr TokenSet kBlockStart = {Kd::kOpenBrace, Kd::kOpenParen, Kd::kLess};
constexpr TokenSet kExprStart = {Kd::kAt,        Kd::kWord,      Kd::kSlash, Kd::kStarOpenParen, Kd::kPlusOpenParen,
                                 Kd::kOpenBrace, Kd::kOpenParen, Kd::kLess};

/// The largest number of alternatives that a message lists. More of them do not help.
constexpr int kMaxListed = 6;

class Parser {
 public:
  Parser(std::string_view text, Symbol file, Arena& arena, Diagnostics& diagnostics)
      : text_(text), lexer_(text), file_(file), arena_(arena), diagnostics_(diagnostics) {
    advance();
  }

  const Expr* parse_file(std::vector<ModuleMention>& mentions) {
    mentions_ = &mentions;
    Expr* body = parse_statements();
    if (body == nullptr || !expect(Kd::kEnd) || failed_) return nullptr;
    return body;
  }

  std::optional<ModulePath> parse_whole_path() {
    ModulePath path;
    if (!at(Kd::kSlash)) return fail({Kd::kSlash}), std::nullopt;
    if (!parse_path(path) || !expect(Kd::kEnd)) return std::nullopt;
    return path;
  }

 private:
  /// A statement of a block. `node` lacks its body until the block's end is
  /// reached. A bind is kept as if it were an import.
  struct Statement {
    enum Form { kExpression, kLet, kImport, kBind, kForeign } form;
    Loc loc;
    Expr* node;
    std::vector<DeoptPoint> points;
  };
  /// The arguments before a block: `(A, B)`, `(A a, B b)` or `<@ A@, @ B@>`.
  struct BlockHead {
    Loc loc;
    const Kind* kind;  ///< of a type argument, else null
    const Expr* type;  ///< of a value argument, else null
    Name name;
    bool named;  ///< false for an argument of a function type
  };

  Loc here() const { return Loc{file_, token_.line, token_.column}; }
  bool at(TokenKind kind) const { return token_.kind == kind; }
  bool at_any(TokenSet kinds) const { return kinds.has(token_.kind); }
  void advance() {
    if (!deopt_points_.empty()) [[unlikely]]
      drop_deopt_points();
    token_ = lexer_.next();
    if (lexer_.has_directives()) [[unlikely]]
      read_deopt_points();
  }

  // A deopt point belongs to the outermost expression that starts at the token after it: the function that starts to
  // read an expression takes the deopt points before it and puts them around the result. Deopt points that are left
  // when the token is skipped belong to no expression and are reported.
  std::vector<DeoptPoint> take_deopt_points() { return std::exchange(deopt_points_, {}); }
  __attribute__((noinline, cold)) void read_deopt_points();
  __attribute__((noinline, cold)) void drop_deopt_points() { report_dangling(take_deopt_points()); }
  void report_dangling(const std::vector<DeoptPoint>& points);
  /// Returns the expression, which may be null, with the deopt points around it.
  Expr* with_deopt_points(Expr* expr, const std::vector<DeoptPoint>& points);

  /// Skips the token if it is of this kind.
  bool accept(TokenKind kind) {
    if (!at(kind)) return false;
    advance();
    return true;
  }
  /// Skips the token if it is of this kind; otherwise fails.
  bool expect(TokenKind kind) { return accept(kind) || fail({kind}); }

  /// Reports the current token as an error; returns false.
  bool fail(TokenSet expected);
  bool fail_nesting();
  bool is_paired() const;
  bool may_recover();
  bool recover(size_t statement_start);
  /// Returns a node that stands for a block with errors that were reported.
  Expr* failed_block();

  template <typename T, typename... Args>
  T* make(ExprKind kind, const Loc& loc, Args&&... args) {
    return arena_.make<T>(Expr{kind, loc}, std::forward<Args>(args)...);
  }

  Name parse_name();
  bool parse_path(ModulePath& path);
  const Kind* parse_kind();

  Expr* parse_expr();
  Expr* parse_primary();
  Expr* parse_postfix(const Loc& start, Expr* expr);
  Expr* parse_at();
  Expr* parse_module_ref();
  Expr* parse_data_type(bool is_struct);
  Expr* parse_call(const Loc& start, Expr* func);
  Expr* parse_select(const Loc& start, Expr* condition);
  Expr* parse_poly_apply(const Loc& start, Expr* poly);
  Expr* parse_literal(const Loc& start, Expr* func);
  bool parse_exprs(std::vector<const Expr*>& exprs, TokenKind close);
  bool parse_fields(std::vector<NamedExpr>& fields);

  Expr* parse_block();
  bool parse_value_head(std::vector<BlockHead>& heads);
  bool parse_type_head(std::vector<BlockHead>& heads);

  Expr* parse_statements();
  bool parse_statement(Statement& statement);
  bool parse_let(Statement& statement, const Expr* type, const Name& name);
  bool parse_import(Statement& statement, const Expr* type, const Name& name);
  bool parse_import_field(Import& import);
  Expr* join_statements(std::vector<Statement>& statements);
  Expr* make_bind(const Statement& statement, Expr* body);

  Expr* make_var(const Name& name) { return make<VarExpr>(ExprKind::kVar, name.loc, name); }

  std::string_view text_;
  Lexer lexer_;
  Token token_;
  std::vector<DeoptPoint> deopt_points_;  ///< before token_, not taken yet
  Symbol file_;
  Arena& arena_;
  Diagnostics& diagnostics_;
  std::vector<ModuleMention>* mentions_ = nullptr;
  std::unordered_set<ModulePath, ModulePathHash> mentioned_;
  bool failed_ = false;
  std::optional<bool> may_recover_;  ///< decided at the first error
};

bool Parser::fail(TokenSet expected) {
  failed_ = true;
  std::string message = fmt::format("syntax error, unexpected {}", token_name(token_.kind));
  if (at(Kd::kInvalid)) {
    unsigned char c = static_cast<unsigned char>(token_.text.front());
    message += c >= ' ' ? fmt::format(" '{}'", static_cast<char>(c)) : fmt::format(" '\\x{:02x}'", c);
  }
  const bool expects_expr = expected.has_all(kExprStart);
  if (expects_expr) expected = expected.without(kExprStart);
  if (expected.size() <= kMaxListed) {
    const char* separator = ", expecting ";
    if (expects_expr) {
      message += ", expecting expression";
      separator = " or ";
    }
    for (unsigned kind = 0; kind < 64; ++kind) {
      if (!expected.has(static_cast<TokenKind>(kind))) continue;
      message += separator;
      message += token_name(static_cast<TokenKind>(kind));
      separator = " or ";
    }
  }
  diagnostics_.error(here(), std::move(message));
  if (const Token* quote = lexer_.unterminated(); quote != nullptr && at(Kd::kEnd)) {
    diagnostics_.note(Loc{file_, quote->line, quote->column}, "the quoted word that starts here has no end");
  }
  return false;
}

/// Reads the directives before the token.
void Parser::read_deopt_points() {
  for (const Directive& directive : lexer_.take_directives()) {
    DeoptPoint& point = deopt_points_.emplace_back();
    point.loc = Loc{file_, directive.line, directive.column};
    constexpr std::string_view kBlanks = " \t\r";
    const std::string_view text = directive.options;
    for (size_t at = 0; (at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
      const size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
      std::string problem = add_deopt_point_option(point.options, text.substr(at, end - at));
      const Loc loc{file_, directive.line, directive.options_column + static_cast<uint32_t>(at)};
      if (!problem.empty()) diagnostics_.warning(loc, std::move(problem));
      at = end;
    }
  }
}

void Parser::report_dangling(const std::vector<DeoptPoint>& points) {
  for (const DeoptPoint& point : points) {
    diagnostics_.warning(point.loc, "deopt-here! marks nothing: no expression starts at the next token");
  }
}

Expr* Parser::with_deopt_points(Expr* expr, const std::vector<DeoptPoint>& points) {
  for (size_t i = points.size(); i-- > 0 && expr != nullptr;) {
    expr = make<DeoptPointExpr>(ExprKind::kDeoptPoint, expr->loc, points[i], expr);
  }
  return expr;
}

bool Parser::fail_nesting() {
  failed_ = true;
  may_recover_ = false;
  diagnostics_.error(here(), "expression nested too deeply");
  return false;
}

/// Returns 1 for a token that opens a bracket, -1 for one that closes it, else 0.
int nesting_of(TokenKind kind) {
  switch (kind) {
    case Kd::kStarOpenParen:
    case Kd::kPlusOpenParen:
    case Kd::kDotAtOpenParen:
    case Kd::kDotQuestionOpenParen:
    case Kd::kDotPercentOpenParen:
    case Kd::kOpenParenDot:
    case Kd::kOpenParen:
    case Kd::kOpenBracket:
    case Kd::kOpenBrace:
    case Kd::kLess: return 1;
    case Kd::kCloseParen:
    case Kd::kCloseBracket:
    case Kd::kCloseBrace:
    case Kd::kGreater: return -1;
    default: return 0;
  }
}

/// Returns whether each bracket of the file has its partner and there are no invalid tokens.
bool Parser::is_paired() const {
  std::vector<TokenKind> closing;
  Lexer lexer(text_);
  for (Token token = lexer.next(); token.kind != Kd::kEnd; token = lexer.next()) {
    if (token.kind == Kd::kInvalid) return false;
    const int nesting = nesting_of(token.kind);
    if (nesting > 0) {
      closing.push_back(token.kind == Kd::kOpenBrace     ? Kd::kCloseBrace
                        : token.kind == Kd::kOpenBracket ? Kd::kCloseBracket
                        : token.kind == Kd::kLess        ? Kd::kGreater
                                                         : Kd::kCloseParen);
    } else if (nesting < 0) {
      if (closing.empty() || closing.back() != token.kind) return false;
      closing.pop_back();
    }
  }
  return closing.empty() && lexer.unterminated() == nullptr;
}

bool Parser::may_recover() {
  if (!may_recover_) may_recover_ = is_paired();
  return *may_recover_;
}

/// Skips the rest of a statement with an error at the current token, up to the
/// next statement or the end of the block. Returns false if it is not certain
/// where that is.
bool Parser::recover(size_t statement_start) {
  if (at(Kd::kEnd) || !may_recover()) return false;

  Lexer lexer(text_.substr(statement_start));
  int depth = 0;
  Token end;
  for (;;) {
    end = lexer.next();
    depth += nesting_of(end.kind);
    const bool is_end = depth < 0 || (depth == 0 && end.kind == Kd::kSemicolon) || end.kind == Kd::kEnd;
    if (is_end && (end.kind == Kd::kEnd || end.text.data() >= token_.text.data())) break;
  }
  const auto skip = [&] {
    token_ = lexer_.next();
    deopt_points_.clear();
    lexer_.take_directives();
  };
  while (!at(Kd::kEnd) && token_.text.data() != end.text.data()) skip();
  accept(Kd::kSemicolon);
  return true;
}

Expr* Parser::failed_block() { return make_var(Name{Symbol(), false, here()}); }

/// name = WORD ['@']
/// Requires: at a word.
Name Parser::parse_name() {
  Name name{word_symbol(token_), false, here()};
  advance();
  name.is_type = accept(Kd::kAt);
  return name;
}

/// module_path = '/' WORD {'/' WORD} '%'
/// Requires: at '/'.
bool Parser::parse_path(ModulePath& path) {
  while (accept(Kd::kSlash)) {
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    path.words.push_back(word_symbol(token_));
    advance();
  }
  return accept(Kd::kPercent) || fail({Kd::kSlash, Kd::kPercent});
}

/// kind = '@' | '<' kind {',' kind} '>' kind
const Kind* Parser::parse_kind() {
  if (stack_nearly_exhausted()) return fail_nesting(), nullptr;
  Loc start = here();
  if (accept(Kd::kAt)) return arena_.make<Kind>(start);
  std::vector<std::pair<Loc, const Kind*>> args;
  while (at(Kd::kLess)) {
    Loc loc = here();
    do {
      advance();
      const Kind* arg = parse_kind();
      if (arg == nullptr) return nullptr;
      args.emplace_back(loc, arg);
    } while (at(Kd::kComma));
    if (!accept(Kd::kGreater)) return fail({Kd::kComma, Kd::kGreater}), nullptr;
  }
  start = here();
  if (!accept(Kd::kAt)) return fail({Kd::kAt, Kd::kLess}), nullptr;
  const Kind* kind = arena_.make<Kind>(start);
  for (size_t i = args.size(); i-- > 0;) kind = arena_.make<Kind>(args[i].first, args[i].second, kind);
  return kind;
}

Expr* Parser::parse_expr() {
  if (stack_nearly_exhausted()) return fail_nesting(), nullptr;
  Loc start = here();
  if (deopt_points_.empty()) {
    Expr* expr = parse_primary();
    return expr == nullptr ? nullptr : parse_postfix(start, expr);
  }
  const std::vector<DeoptPoint> points = take_deopt_points();
  Expr* expr = parse_primary();
  return expr == nullptr ? nullptr : with_deopt_points(parse_postfix(start, expr), points);
}

/// expr = '@' ... | name | module_path | '*(' ... | '+(' ... | block
Expr* Parser::parse_primary() {
  switch (token_.kind) {
    case Kd::kWord: return make_var(parse_name());
    case Kd::kAt: return parse_at();
    case Kd::kSlash: return parse_module_ref();
    case Kd::kStarOpenParen: return parse_data_type(true);
    case Kd::kPlusOpenParen: return parse_data_type(false);
    case Kd::kOpenBrace:
    case Kd::kOpenParen:
    case Kd::kLess: return parse_block();
    default: return fail(kExprStart), nullptr;
  }
}

/// expr = expr ( '(' ... | '.' name | '.@(' fields ')' | '.?(' ... | '<' ... | '.%(' expr ')' | '[' ... | '|' WORD )
/// All nodes made here begin at `start`, even if `expr` is a block and so begins later.
Expr* Parser::parse_postfix(const Loc& start, Expr* expr) {
  if (stack_nearly_exhausted()) return fail_nesting(), nullptr;
  while (expr != nullptr) {
    switch (token_.kind) {
      case Kd::kOpenParen: expr = parse_call(start, expr); break;
      case Kd::kDotQuestionOpenParen: expr = parse_select(start, expr); break;
      case Kd::kLess: expr = parse_poly_apply(start, expr); break;
      case Kd::kBar: expr = parse_literal(start, expr); break;
      case Kd::kDot: {
        advance();
        if (!at(Kd::kWord)) return fail({Kd::kWord}), nullptr;
        expr = make<DataAccessExpr>(ExprKind::kDataAccess, start, expr, parse_name());
        break;
      }
      case Kd::kDotAtOpenParen: {
        advance();
        auto* copy = make<StructCopyExpr>(ExprKind::kStructCopy, start, expr);
        if (!parse_fields(copy->args)) return nullptr;
        expr = copy;
        break;
      }
      case Kd::kDotPercentOpenParen: {
        advance();
        const Expr* package = parse_expr();
        if (package == nullptr || !expect(Kd::kCloseParen)) return nullptr;
        expr = make<PrivateExpr>(ExprKind::kPrivate, start, expr, package);
        break;
      }
      case Kd::kOpenBracket: {
        advance();
        auto* list = make<ListExpr>(ExprKind::kList, start, expr);
        if (!parse_exprs(list->elements, Kd::kCloseBracket)) return nullptr;
        expr = list;
        break;
      }
      default: return expr;
    }
  }
  return nullptr;
}

/// expr = '@' '<' expr '>' | '@' '(' [fields] ')' | '@' module_path
Expr* Parser::parse_at() {
  Loc start = here();
  advance();
  if (at(Kd::kSlash)) {
    auto* package = make<PackageTypeExpr>(ExprKind::kPackageType, start);
    return parse_path(package->path) ? package : nullptr;
  }
  if (accept(Kd::kLess)) {
    const Expr* operand = parse_expr();
    if (operand == nullptr || !expect(Kd::kGreater)) return nullptr;
    return make<TypeofExpr>(ExprKind::kTypeof, start, operand);
  }
  if (!accept(Kd::kOpenParen)) return fail({Kd::kSlash, Kd::kLess, Kd::kOpenParen}), nullptr;
  auto* fields = make<StructExportExpr>(ExprKind::kStructExport, start);
  if (accept(Kd::kCloseParen)) return fields;
  if (!at(Kd::kWord)) return fail({Kd::kWord, Kd::kCloseParen}), nullptr;
  return parse_fields(fields->args) ? fields : nullptr;
}

Expr* Parser::parse_module_ref() {
  auto* ref = make<ModuleRefExpr>(ExprKind::kModuleRef, here());
  if (!parse_path(ref->path)) return nullptr;
  if (mentioned_.insert(ref->path).second) mentions_->push_back({ref->path, ref->loc});
  return ref;
}

/// expr = '*(' [expr name {',' expr name}] ')' | '+(' expr name {',' expr name} ')'
Expr* Parser::parse_data_type(bool is_struct) {
  auto* type = make<DataTypeExpr>(ExprKind::kDataType, here(), is_struct);
  advance();
  if (is_struct) {
    if (accept(Kd::kCloseParen)) return type;
    if (!at_any(kExprStart)) return fail(kExprStart.with({Kd::kCloseParen})), nullptr;
  }
  do {
    const Expr* field_type = parse_expr();
    if (field_type == nullptr) return nullptr;
    if (!at(Kd::kWord)) return fail({Kd::kWord}), nullptr;
    type->fields.push_back({field_type, parse_name()});
  } while (accept(Kd::kComma));
  return accept(Kd::kCloseParen) || fail({Kd::kComma, Kd::kCloseParen}) ? type : nullptr;
}

/// expr = expr '(' [expr {',' expr}] ')' | expr '(' name ':' expr ')'
Expr* Parser::parse_call(const Loc& start, Expr* func) {
  advance();
  Expr* first = nullptr;
  if (at(Kd::kWord)) {
    const std::vector<DeoptPoint> points = take_deopt_points();
    Name name = parse_name();
    if (accept(Kd::kColon)) {
      report_dangling(points);
      const Expr* arg = parse_expr();
      if (arg == nullptr || !expect(Kd::kCloseParen)) return nullptr;
      return make<UnionValueExpr>(ExprKind::kUnionValue, start, func, name, arg);
    }
    first = parse_postfix(name.loc, make_var(name));
    if (first == nullptr) return nullptr;
    if (!at_any({Kd::kComma, Kd::kCloseParen})) {
      bool is_name = first->kind == ExprKind::kVar;
      return fail(is_name ? TokenSet{Kd::kComma, Kd::kCloseParen, Kd::kColon} : TokenSet{Kd::kComma, Kd::kCloseParen}),
             nullptr;
    }
    first = with_deopt_points(first, points);
  }
  auto* apply = make<ApplyExpr>(ExprKind::kApply, start, func);
  if (first != nullptr) {
    apply->args.push_back(first);
    if (accept(Kd::kCloseParen)) return apply;
    advance();
    if (!at_any(kExprStart)) return fail(kExprStart), nullptr;
  }
  return parse_exprs(apply->args, Kd::kCloseParen) ? apply : nullptr;
}

/// Parses [expr {',' expr}] and the closing token.
bool Parser::parse_exprs(std::vector<const Expr*>& exprs, TokenKind close) {
  if (accept(close)) return true;
  if (!at_any(kExprStart)) return fail(kExprStart.with({close}));
  do {
    const Expr* expr = parse_expr();
    if (expr == nullptr) return false;
    exprs.push_back(expr);
  } while (accept(Kd::kComma));
  return accept(close) || fail({Kd::kComma, close});
}

/// fields ')' where fields = name [':' expr] {',' name [':' expr]}
bool Parser::parse_fields(std::vector<NamedExpr>& fields) {
  do {
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    const std::vector<DeoptPoint> points = take_deopt_points();
    Name name = parse_name();
    const Expr* value;
    if (accept(Kd::kColon)) {
      report_dangling(points);
      value = parse_expr();
      if (value == nullptr) return false;
      if (!at_any({Kd::kComma, Kd::kCloseParen})) return fail({Kd::kComma, Kd::kCloseParen});
    } else {
      value = with_deopt_points(make_var(name), points);
    }
    fields.push_back({name, value});
  } while (accept(Kd::kComma));
  return accept(Kd::kCloseParen) || fail({Kd::kComma, Kd::kCloseParen, Kd::kColon});
}

/// expr = expr '.?(' name ':' expr {',' name ':' expr} [',' ':' expr] ')'
Expr* Parser::parse_select(const Loc& start, Expr* condition) {
  auto* select = make<UnionSelectExpr>(ExprKind::kUnionSelect, start, condition);
  advance();
  do {
    if (!select->choices.empty() && accept(Kd::kColon)) {
      select->default_choice = parse_expr();
      return select->default_choice != nullptr && expect(Kd::kCloseParen) ? select : nullptr;
    }
    if (!at(Kd::kWord)) {
      return fail(select->choices.empty() ? TokenSet{Kd::kWord} : TokenSet{Kd::kWord, Kd::kColon}), nullptr;
    }
    Name name = parse_name();
    if (!expect(Kd::kColon)) return nullptr;
    const Expr* value = parse_expr();
    if (value == nullptr) return nullptr;
    select->choices.push_back({name, value});
  } while (accept(Kd::kComma));
  return accept(Kd::kCloseParen) || fail({Kd::kComma, Kd::kCloseParen}) ? select : nullptr;
}

/// expr = expr '<' expr {',' expr} '>'
Expr* Parser::parse_poly_apply(const Loc& start, Expr* poly) {
  do {
    advance();
    const Expr* arg = parse_expr();
    if (arg == nullptr) return nullptr;
    poly = make<PolyApplyExpr>(ExprKind::kPolyApply, start, poly, arg);
  } while (at(Kd::kComma));
  return accept(Kd::kGreater) || fail({Kd::kComma, Kd::kGreater}) ? poly : nullptr;
}

/// expr = expr '|' WORD
Expr* Parser::parse_literal(const Loc& start, Expr* func) {
  advance();
  if (!at(Kd::kWord)) return fail({Kd::kWord}), nullptr;
  Expr* literal = make<LiteralExpr>(ExprKind::kLiteral, start, func, word_text(token_), here(), token_.quoted);
  advance();
  return literal;
}

/// block = {head} '{' stmt '}'
/// A block begins where its first head begins; without one, where its statement does.
Expr* Parser::parse_block() {
  std::vector<BlockHead> heads;
  while (!at(Kd::kOpenBrace)) {
    if (at(Kd::kOpenParen)) {
      if (!parse_value_head(heads)) return nullptr;
    } else if (at(Kd::kLess)) {
      if (!parse_type_head(heads)) return nullptr;
    } else {
      return fail(kBlockStart), nullptr;
    }
  }
  advance();
  Expr* body = parse_statements();
  if (body == nullptr || !expect(Kd::kCloseBrace)) return nullptr;
  for (size_t i = heads.size(); i-- > 0;) {
    const BlockHead& head = heads[i];
    if (head.kind != nullptr) {
      body = make<PolyValueExpr>(ExprKind::kPolyValue, head.loc, head.kind, head.name, body);
    } else if (head.named) {
      body = make<FuncValueExpr>(ExprKind::kFuncValue, head.loc, TypedName{head.type, head.name}, body);
    } else {
      body = make<FuncTypeExpr>(ExprKind::kFuncType, head.loc, head.type, body);
    }
  }
  return body;
}

/// head = '(' expr {',' expr} ')' | '(' expr name {',' expr name} ')'
bool Parser::parse_value_head(std::vector<BlockHead>& heads) {
  Loc loc = here();
  bool is_first = true;
  bool named = false;
  do {
    advance();
    const Expr* type = parse_expr();
    if (type == nullptr) return false;
    Name name;
    if (is_first) {
      is_first = false;
      named = at(Kd::kWord);
      if (!at_any({Kd::kWord, Kd::kComma, Kd::kCloseParen})) return fail({Kd::kWord, Kd::kComma, Kd::kCloseParen});
    }
    if (named) {
      if (!at(Kd::kWord)) return fail({Kd::kWord});
      name = parse_name();
    }
    heads.push_back({loc, nullptr, type, name, named});
  } while (at(Kd::kComma));
  return accept(Kd::kCloseParen) || fail({Kd::kComma, Kd::kCloseParen});
}

/// head = '<' kind name {',' kind name} '>'
bool Parser::parse_type_head(std::vector<BlockHead>& heads) {
  Loc loc = here();
  do {
    advance();
    const Kind* kind = parse_kind();
    if (kind == nullptr) return false;
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    heads.push_back({loc, kind, nullptr, parse_name(), true});
  } while (at(Kd::kComma));
  return accept(Kd::kGreater) || fail({Kd::kComma, Kd::kGreater});
}

/// stmt = expr ';' [stmt] | (let | import | bind | foreign) ';' stmt
/// Only a select may stand before another statement; see join_statements.
Expr* Parser::parse_statements() {
  std::vector<Statement> statements;
  bool ok = true;
  for (;;) {
    const size_t start = static_cast<size_t>(token_.text.data() - text_.data()) - token_.quoted;
    Statement statement;
    if (!parse_statement(statement)) {
      if (!recover(start)) return nullptr;
      ok = false;
      if (at_any(kExprStart)) continue;
      break;
    }
    const bool is_last = statement.form == Statement::kExpression && !at_any(kExprStart);
    if (is_last && ok && statements.empty()) return with_deopt_points(statement.node, statement.points);
    statements.push_back(std::move(statement));
    if (is_last) break;
  }
  if (!ok) return failed_block();
  Expr* joined = join_statements(statements);
  if (joined == nullptr && may_recover()) joined = failed_block();
  return joined;
}

/// Parses one statement, including its ';'.
bool Parser::parse_statement(Statement& statement) {
  statement.loc = here();
  statement.points = take_deopt_points();
  Expr* expr;
  if (at(Kd::kWord)) {
    Name name = parse_name();
    if (at(Kd::kEquals)) return parse_let(statement, nullptr, name);
    if (at_any({Kd::kOpenParenDot, Kd::kComma, Kd::kDotEquals, Kd::kColonEquals})) {
      return parse_import(statement, nullptr, name);
    }
    expr = parse_postfix(name.loc, make_var(name));
  } else {
    expr = parse_expr();
  }
  if (expr == nullptr) return false;
  statement.node = expr;
  statement.form = Statement::kExpression;
  if (accept(Kd::kSemicolon)) return true;
  if (!at(Kd::kWord)) return fail({Kd::kSemicolon, Kd::kWord});

  Name name = parse_name();
  if (at(Kd::kEquals)) return parse_let(statement, expr, name);
  if (at_any({Kd::kOpenParenDot, Kd::kComma, Kd::kDotEquals, Kd::kColonEquals})) {
    return parse_import(statement, expr, name);
  }
  if (!at(Kd::kSemicolon)) {
    return fail({Kd::kDotEquals, Kd::kColonEquals, Kd::kOpenParenDot, Kd::kComma, Kd::kSemicolon, Kd::kEquals});
  }
  advance();
  statement.form = Statement::kForeign;
  statement.node = make<ForeignExpr>(ExprKind::kForeign, statement.loc, expr, name);
  return true;
}

/// let = [expr] name '=' expr {',' [expr] name '=' expr}
/// Requires: at the first '='; `type` and `first` are the type and the name before it.
bool Parser::parse_let(Statement& statement, const Expr* type, const Name& first) {
  auto* let = make<LetExpr>(ExprKind::kLet, statement.loc);
  statement.form = Statement::kLet;
  statement.node = let;
  Name name = first;
  for (;;) {
    if (!expect(Kd::kEquals)) return false;
    const Expr* value = parse_expr();
    if (value == nullptr) return false;
    let->bindings.push_back({type, name, value});
    if (accept(Kd::kSemicolon)) return true;
    if (!accept(Kd::kComma)) return fail({Kd::kComma, Kd::kSemicolon});

    type = nullptr;
    if (at(Kd::kWord)) {
      name = parse_name();
      if (at(Kd::kEquals)) continue;
      type = parse_postfix(name.loc, make_var(name));
      if (type != nullptr && type->kind == ExprKind::kVar && !at(Kd::kWord)) return fail({Kd::kWord, Kd::kEquals});
    } else {
      type = parse_expr();
    }
    if (type == nullptr) return false;
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    name = parse_name();
  }
}

/// import = item {',' item} '.=' expr and bind = item {',' item} ':=' expr
/// where item = [expr] name ['(.' name ')']
/// Requires: `type` and `name` of the first item have been read.
bool Parser::parse_import(Statement& statement, const Expr* type, const Name& first) {
  auto* node = make<StructImportExpr>(ExprKind::kStructImport, statement.loc);
  statement.node = node;
  Import import{type, first, Name()};
  for (;;) {
    if (!parse_import_field(import)) return false;
    node->imports.push_back(import);
    if (!accept(Kd::kComma)) break;

    import = Import{nullptr, Name(), Name()};
    if (at(Kd::kWord)) {
      import.name = parse_name();
      if (at_any({Kd::kOpenParenDot, Kd::kComma, Kd::kDotEquals, Kd::kColonEquals})) continue;
      import.type = parse_postfix(import.name.loc, make_var(import.name));
      if (import.type != nullptr && import.type->kind == ExprKind::kVar && !at(Kd::kWord)) {
        return fail({Kd::kWord, Kd::kOpenParenDot, Kd::kComma, Kd::kDotEquals, Kd::kColonEquals});
      }
    } else {
      import.type = parse_expr();
    }
    if (import.type == nullptr) return false;
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    import.name = parse_name();
  }
  statement.form = at(Kd::kColonEquals) ? Statement::kBind : Statement::kImport;
  advance();
  node->source = parse_expr();
  return node->source != nullptr && expect(Kd::kSemicolon);
}

/// Parses what may follow the name of an import. Ensures: at ',', '.=' or ':='.
bool Parser::parse_import_field(Import& import) {
  bool has_field = accept(Kd::kOpenParenDot);
  if (has_field) {
    if (!at(Kd::kWord)) return fail({Kd::kWord});
    import.field = parse_name();
    if (!expect(Kd::kCloseParen)) return false;
  }
  if (at_any({Kd::kComma, Kd::kDotEquals, Kd::kColonEquals})) return true;
  return fail(has_field ? TokenSet{Kd::kComma, Kd::kDotEquals, Kd::kColonEquals}
                        : TokenSet{Kd::kOpenParenDot, Kd::kComma, Kd::kDotEquals, Kd::kColonEquals});
}

/// Gives each statement the next one as its body, from the last to the first.
/// This is also the order in which misused statements are found.
Expr* Parser::join_statements(std::vector<Statement>& statements) {
  Expr* body = with_deopt_points(statements.back().node, statements.back().points);
  for (size_t i = statements.size() - 1; i-- > 0;) {
    Statement& statement = statements[i];
    switch (statement.form) {
      case Statement::kLet: static_cast<LetExpr*>(statement.node)->body = body; break;
      case Statement::kForeign: static_cast<ForeignExpr*>(statement.node)->body = body; break;
      case Statement::kImport: {
        auto* node = static_cast<StructImportExpr*>(statement.node);
        for (Import& import : node->imports) {
          if (import.field.loc.line == 0) import.field = import.name;
        }
        node->body = body;
        break;
      }
      case Statement::kBind:
        statement.node = make_bind(statement, body);
        if (statement.node == nullptr) return nullptr;
        break;
      case Statement::kExpression: {
        auto* select = static_cast<UnionSelectExpr*>(statement.node);
        if (statement.node->kind != ExprKind::kUnionSelect || select->default_choice != nullptr) {
          failed_ = true;
          diagnostics_.error(statements[i + 1].loc, "unexpected stmt");
          return nullptr;
        }
        select->default_choice = body;
        break;
      }
    }
    body = with_deopt_points(statement.node, statement.points);
  }
  return body;
}

Expr* Parser::make_bind(const Statement& statement, Expr* body) {
  const auto* items = static_cast<const StructImportExpr*>(statement.node);
  const auto fail_at = [&](const Loc& loc, std::string message) {
    failed_ = true;
    diagnostics_.error(loc, std::move(message));
    return nullptr;
  };
  for (size_t i = items->imports.size(); i-- > 0;) {
    const Import& import = items->imports[i];
    if (import.type == nullptr) {
      return fail_at(import.name.loc, fmt::format("missing type for variable '{}'", import.name.str()));
    }
    if (import.field.loc.line != 0) {
      return fail_at(import.field.loc, "field name not allowed in bind declaration");
    }
    body = make<FuncValueExpr>(ExprKind::kFuncValue, statement.loc, TypedName{import.type, import.name}, body);
  }
  auto* apply = make<ApplyExpr>(ExprKind::kApply, statement.loc, items->source);
  apply->args.push_back(body);
  apply->is_bind = true;
  return apply;
}

}  // namespace

const Expr* parse_source(std::string_view text, Symbol file, Arena& arena, Diagnostics& diagnostics,
                         std::vector<ModuleMention>& mentions) {
  return Parser(text, file, arena, diagnostics).parse_file(mentions);
}

std::optional<ModulePath> parse_module_path(std::string_view text, Diagnostics& diagnostics) {
  Arena arena;
  return Parser(text, Symbol(fmt::format("'{}'", text)), arena, diagnostics).parse_whole_path();
}

}  // namespace fble
