#include "frontends/fble/parser.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "frontends/fble/ast_text.h"
#include "frontends/fble/big_stack.h"

namespace fble {
namespace {

struct Parsed {
  Arena arena;
  Diagnostics diagnostics;
  std::vector<ModuleMention> mentions;
  const Expr* expr = nullptr;

  explicit Parsed(std::string_view text) { expr = parse_source(text, Symbol("t"), arena, diagnostics, mentions); }
};

/// Returns the dump of the tree, or the errors.
std::string parse(std::string_view text, bool with_locs = false) {
  Parsed parsed(text);
  std::string result = parsed.expr != nullptr ? print_ast(*parsed.expr, with_locs) : parsed.diagnostics.render();
  if (!result.empty()) result.pop_back();
  return result;
}

/// Returns "line:column message" of the only error, without "syntax error, unexpected ".
std::string error_of(std::string_view text) {
  Parsed parsed(text);
  if (parsed.expr != nullptr) return "no error";
  EXPECT_EQ(parsed.diagnostics.error_count(), 1u) << text << "\n" << parsed.diagnostics.render();
  const Diagnostic& error = parsed.diagnostics.messages().at(0);
  std::string message = error.message;
  const std::string common = "syntax error, unexpected ";
  if (message.starts_with(common)) message.erase(0, common.size());
  return std::to_string(error.loc.line) + ":" + std::to_string(error.loc.column) + " " + message;
}

std::string repeat(std::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

TEST(Parser, Names) {
  EXPECT_EQ(parse("x;"), "x");
  EXPECT_EQ(parse("T@;"), "T@");
  EXPECT_EQ(parse("T @;"), "T@");
  EXPECT_EQ(parse("'T@';"), "'T@'");
  EXPECT_EQ(parse("'';"), "''");
}

TEST(Parser, TypesOfData) {
  EXPECT_EQ(parse("*();"), "(struct-type)");
  EXPECT_EQ(parse("*(A@ a, /M%.B@ b);"), "(struct-type (A@ a) ((. /M% B@) b))");
  EXPECT_EQ(parse("+(A@ a, +(B@ c) T@);"), "(union-type (A@ a) ((union-type (B@ c)) T@))");
}

TEST(Parser, Modules) {
  EXPECT_EQ(parse("/A/'b c'%;"), "\"/A/'b c'%\"");
  EXPECT_EQ(parse("@/A%;"), "@/A%");
  Parsed parsed("a = /A%; b = /B%; f(/A%, @/P%, @</C%>, @<@/Q%>);");
  ASSERT_EQ(parsed.mentions.size(), 3u);
  EXPECT_EQ(parsed.mentions[0].path.str(), "/A%");
  EXPECT_EQ(parsed.mentions[0].loc, (Loc{Symbol("t"), 1, 5}));
  EXPECT_EQ(parsed.mentions[1].path.str(), "/B%");
  EXPECT_EQ(parsed.mentions[2].path.str(), "/C%");
}

TEST(Parser, AtForms) {
  EXPECT_EQ(parse("@<x>;"), "(typeof x)");
  EXPECT_EQ(parse("@();"), "(export)");
  EXPECT_EQ(parse("@(a, B@, c: d);"), "(export (a a) (B@ B@) (c d))");
  EXPECT_EQ(parse("@ ( a: @ < b > );"), "(export (a (typeof b)))");
}

TEST(Parser, PostfixForms) {
  EXPECT_EQ(parse("f();"), "(apply f)");
  EXPECT_EQ(parse("f(a, b)(c);"), "(apply (apply f a b) c)");
  EXPECT_EQ(parse("f(a.b);"), "(apply f (. a b))");
  EXPECT_EQ(parse("T@(a: b);"), "(union T@ a b)");
  EXPECT_EQ(parse("s.x.Y@;"), "(. (. s x) Y@)");
  EXPECT_EQ(parse("s.@(x, y: z);"), "(copy s (x x) (y z))");
  EXPECT_EQ(parse("f<A@, B@><C@>;"), "(poly-apply (poly-apply (poly-apply f A@) B@) C@)");
  EXPECT_EQ(parse("f[];"), "(list f)");
  EXPECT_EQ(parse("f[a, b];"), "(list f a b)");
  EXPECT_EQ(parse("f|word;"), "(literal f plain word)");
  EXPECT_EQ(parse("f|'it''s';"), "(literal f quoted it's)");
  EXPECT_EQ(parse("f|'';"), "(literal f quoted \"\")");
  EXPECT_EQ(parse("e.%(@/P%);"), "(private e @/P%)");
}

TEST(Parser, Selects) {
  EXPECT_EQ(parse("c.?(a: x, b: y);"), "(select c (a x) (b y))");
  EXPECT_EQ(parse("c.?(a: x, : y);"), "(select c (a x) (default y))");
  EXPECT_EQ(parse("c.?(a: x); d.?(b: y); z;"), "(select c (a x) (default (select d (b y) (default z))))");
  EXPECT_EQ(parse("{ c.?(a: x); }; z;"), "(select c (a x) (default z))");
}

TEST(Parser, Blocks) {
  EXPECT_EQ(parse("{ x; };"), "x");
  EXPECT_EQ(parse("(A@) { B@; };"), "(func-type A@ B@)");
  EXPECT_EQ(parse("(A@, B@) { C@; };"), "(func-type A@ (func-type B@ C@))");
  EXPECT_EQ(parse("(A@ a, B@ b) { c; };"), "(func (A@ a) (func (B@ b) c))");
  EXPECT_EQ(parse("<@ A@, <@>@ M@>(A@ a)(B@) { C@; };"),
            "(poly (@ A@) (poly ((poly @ @) M@) (func (A@ a) (func-type B@ C@))))");
  EXPECT_EQ(parse("<<@, <@>@>@ M@> { x; };"), "(poly ((poly @ (poly (poly @ @) @)) M@) x)");
  EXPECT_EQ(parse("<<@><@>@ M@> { x; };"), "(poly ((poly @ (poly @ @)) M@) x)");
  EXPECT_EQ(parse("(A@ a) { a; }(b);"), "(apply (func (A@ a) a) b)");
}

TEST(Parser, Statements) {
  EXPECT_EQ(parse("a = b, T@ c = d; e;"), "(let (- a b) (T@ c d) e)");
  EXPECT_EQ(parse("a = b, f(x) c = d; e;"), "(let (- a b) ((apply f x) c d) e)");
  EXPECT_EQ(parse("a, T@ b, c(.d), T@ e(.f) .= g; h;"), "(import (- a a) (T@ b b) (- c d) (T@ e f) g h)");
  EXPECT_EQ(parse("a .= g; h;"), "(import (- a a) g h)");
  EXPECT_EQ(parse("T@ a := f; b;"), "(bind f (func (T@ a) b))");
  EXPECT_EQ(parse("T@ a, U@ b := f(x); T@ c; d;"), "(bind (apply f x) (func (T@ a) (func (U@ b) (foreign T@ c d))))");
  EXPECT_EQ(parse("(A@) { B@; } x = y; z;"), "(let ((func-type A@ B@) x y) z)");
  EXPECT_EQ(parse("A@<B@> x; y;"), "(foreign (poly-apply A@ B@) x y)");
}

TEST(Parser, LocationsAreThoseOfFirstTokens) {
  EXPECT_EQ(parse(" f(a)(b);", true), "(apply @1:2 (apply @1:2 f@1:2 a@1:4) b@1:7)");
  EXPECT_EQ(parse("{ f; }(b);", true), "(apply @1:1 f@1:3 b@1:8)");
  EXPECT_EQ(parse("x\n.y;", true), "(. @1:1 x@1:1 y@2:2)");
  EXPECT_EQ(parse("(A@ a, B@ b) { c; };", true), "(func @1:1 (A@@1:2 a@1:5) (func @1:1 (B@@1:8 b@1:11) c@1:16))");
  EXPECT_EQ(parse("<@ A@, @ B@> { c; };", true), "(poly @1:1 (@ A@@1:4) (poly @1:1 (@ B@@1:10) c@1:16))");
  EXPECT_EQ(parse("{T@;} a := f; b;", true), "(bind @1:1 f@1:12 (func @1:1 (T@@1:2 a@1:7) b@1:15))");
  EXPECT_EQ(parse("a = b;\nc;", true), "(let @1:1 (- a@1:1 b@1:5) c@2:1)");
  EXPECT_EQ(parse("f|'ab';", true), "(literal @1:1 f@1:1 @1:3 quoted ab)");
  EXPECT_EQ(parse("@(a);", true), "(export @1:1 (a@1:3 a@1:3))");
}

TEST(Parser, ErrorsAreAtTheFirstTokenThatFitsNothing) {
  EXPECT_EQ(error_of(""), "1:1 end of file, expecting expression");
  EXPECT_EQ(error_of("x"), "1:2 end of file, expecting WORD or ';'");
  EXPECT_EQ(error_of("x; }"), "1:4 '}', expecting end of file");
  EXPECT_EQ(error_of("{ x };"), "1:5 '}', expecting WORD or ';'");
  EXPECT_EQ(error_of("x.y = z; x;"), "1:5 '=', expecting WORD or ';'");
  EXPECT_EQ(error_of("T x y;"), "1:5 WORD, expecting .= or := or (. or ',' or ';' or '='");
  EXPECT_EQ(error_of("a, b = c; d;"), "1:6 '=', expecting .= or := or (. or WORD or ','");
  EXPECT_EQ(error_of("a(.b) = c; d;"), "1:7 '=', expecting .= or := or ','");
  EXPECT_EQ(error_of("a = b, c .= d; e;"), "1:10 .=, expecting WORD or '='");
  EXPECT_EQ(error_of("a = b c;"), "1:7 WORD, expecting ',' or ';'");
  EXPECT_EQ(error_of("a = b;"), "1:7 end of file, expecting expression");
  EXPECT_EQ(error_of("T@ x := f;"), "1:11 end of file, expecting expression");
  EXPECT_EQ(error_of("() { x; };"), "1:2 ')', expecting expression");
  EXPECT_EQ(error_of("(A, B b) { x; };"), "1:7 WORD, expecting ',' or ')'");
  EXPECT_EQ(error_of("(A a, B) { x; };"), "1:8 ')', expecting WORD");
  EXPECT_EQ(error_of("(A a);"), "1:6 ';', expecting '<' or '(' or '{'");
  EXPECT_EQ(error_of("<@> { x; };"), "1:3 '>', expecting WORD");
  EXPECT_EQ(error_of("<A> { x; };"), "1:2 WORD, expecting '@' or '<'");
  EXPECT_EQ(error_of("f(a: b, c);"), "1:7 ',', expecting ')'");
  EXPECT_EQ(error_of("f(a, b: c);"), "1:7 ':', expecting ',' or ')'");
  EXPECT_EQ(error_of("f(a b);"), "1:5 WORD, expecting ',' or ')' or ':'");
  EXPECT_EQ(error_of("f(a,);"), "1:5 ')', expecting expression");
  EXPECT_EQ(error_of("f(.a);"), "1:6 ';', expecting .= or := or ','");
  EXPECT_EQ(error_of("g(f(.a));"), "1:4 (., expecting ',' or ')' or ':'");
  EXPECT_EQ(error_of("f.b(.a);"), "1:4 (., expecting WORD or ';'");
  EXPECT_EQ(error_of("x.?();"), "1:5 ')', expecting WORD");
  EXPECT_EQ(error_of("x.?(: a);"), "1:5 ':', expecting WORD");
  EXPECT_EQ(error_of("x.?(a: b, : c, d: e);"), "1:14 ',', expecting ')'");
  EXPECT_EQ(error_of("x.@();"), "1:5 ')', expecting WORD");
  EXPECT_EQ(error_of("@(a.b);"), "1:4 '.', expecting ',' or ')' or ':'");
  EXPECT_EQ(error_of("@x;"), "1:2 WORD, expecting '/' or '<' or '('");
  EXPECT_EQ(error_of("/A/%;"), "1:4 '%', expecting WORD");
  EXPECT_EQ(error_of("/A b%;"), "1:4 WORD, expecting '/' or '%'");
  EXPECT_EQ(error_of("f|a@;"), "1:4 '@', expecting WORD or ';'");
  EXPECT_EQ(error_of("+();"), "1:3 ')', expecting expression");
  EXPECT_EQ(error_of("* ();"), "1:1 invalid token '*', expecting expression");
  EXPECT_EQ(error_of(std::string_view("a;\0", 3)), "1:3 invalid token '\\x00', expecting end of file");
}

TEST(Parser, ErrorsInSeveralStatements) {
  EXPECT_EQ(parse("a = b c;\nd = (E@ e) { f g; h = i j; k; };\nl = m,, n = o;\n{ p q; };"),
            "t:1:7: error: syntax error, unexpected WORD, expecting ',' or ';'\n"
            "t:2:25: error: syntax error, unexpected WORD, expecting ',' or ';'\n"
            "t:3:7: error: syntax error, unexpected ',', expecting expression\n"
            "t:4:8: error: syntax error, unexpected '}', expecting expression");
  // The skipped part has no errors of its own, and a block may end where it had one.
  EXPECT_EQ(parse("a = b c d e, f(g h); 'i j'@ k l;\nm;"),
            "t:1:7: error: syntax error, unexpected WORD, expecting ',' or ';'\n"
            "t:1:31: error: syntax error, unexpected WORD, expecting .= or := or (. or ',' or ';' or '='");
  EXPECT_EQ(parse("a; b; { c d e; };"),
            "t:1:13: error: syntax error, unexpected WORD, expecting .= or := or (. or ',' or ';' or '='\n"
            "t:1:7: error: unexpected stmt");
  EXPECT_EQ(parse("'a' 'b' = { c = d; e }; f;"), "t:1:22: error: syntax error, unexpected '}', expecting WORD or ';'");
}

TEST(Parser, OneErrorWhereBracketsOrQuotesHaveNoPartner) {
  for (const char* text : {"a = b c; d = (e; f g; h;", "a = b c; d = e); f g; h;", "a = b c; d = f<e; f g;",
                           "a = b c; d e; 'f;", "a = b c; d e; (];", "a = b c; d e; $;"}) {
    Parsed parsed(text);
    EXPECT_EQ(parsed.diagnostics.error_count(), 1u) << text << "\n" << parsed.diagnostics.render();
  }
}

TEST(Parser, MisusedStatementsAreFoundFromTheEnd) {
  EXPECT_EQ(error_of("a; b;"), "1:4 unexpected stmt");
  EXPECT_EQ(error_of("a; b; c;"), "1:7 unexpected stmt");
  EXPECT_EQ(error_of("a; { b; };"), "1:4 unexpected stmt");
  EXPECT_EQ(error_of("x.?(a: b, : c); d;"), "1:17 unexpected stmt");
  EXPECT_EQ(error_of("a; b; )"), "1:4 unexpected stmt") << "before the syntax error";
  EXPECT_EQ(error_of("a; b )"), "1:6 ')', expecting WORD or ';'");
  EXPECT_EQ(error_of("a; x = b; )"), "1:11 ')', expecting expression");
  EXPECT_EQ(error_of("a := f; b;"), "1:1 missing type for variable 'a'");
  EXPECT_EQ(error_of("a, T@ b, c, T@ d := f; b;"), "1:10 missing type for variable 'c'");
  EXPECT_EQ(error_of("T@ a(.b) := f; c;"), "1:7 field name not allowed in bind declaration");
  EXPECT_EQ(error_of("a := f; b; c;"), "1:12 unexpected stmt");
}

TEST(Parser, QuoteWithoutEndGetsANote) {
  EXPECT_EQ(parse("a = 'b;\nc"),
            "t:2:2: error: syntax error, unexpected end of file, expecting ',' or ';'\n"
            "t:1:5: note: the quoted word that starts here has no end");
}

TEST(Parser, LongProgramsNeedNoStack) {
  const size_t kCount = 200'000;
  EXPECT_NE(Parsed(repeat("a = b;", kCount) + "a;").expr, nullptr);
  EXPECT_NE(Parsed(repeat("T@ a := f;", kCount) + "a;").expr, nullptr);
  EXPECT_NE(Parsed(repeat("c.?(a: b);", kCount) + "a;").expr, nullptr);
  EXPECT_NE(Parsed("a" + repeat(".b", kCount) + ";").expr, nullptr);
  EXPECT_NE(Parsed(repeat("(A@ a)", kCount) + "{ a; };").expr, nullptr);
}

TEST(Parser, DeepNestingIsALocatedError) {
  for (const char* opening : {"(", "{", "f(", "f[", "@<", "f<", "f(a: ", "x.?(a: ", "<", "*(", "@(a: ", "x.%("}) {
    Parsed parsed(repeat(opening, 200'000));
    EXPECT_EQ(parsed.expr, nullptr) << opening;
    ASSERT_EQ(parsed.diagnostics.error_count(), 1u) << opening;
    EXPECT_EQ(parsed.diagnostics.messages()[0].loc.line, 1u) << opening;
  }
}

TEST(Parser, DeepNestingWorksOnABigStack) {
  const size_t kDepth = 50'000;
  std::string text = repeat("{", kDepth) + "x;" + repeat("};", kDepth);
  run_on_big_stack([&] { EXPECT_NE(Parsed(text).expr, nullptr); });
  std::string calls = repeat("f(", kDepth) + "x" + repeat(")", kDepth) + ";";
  run_on_big_stack([&] {
    Parsed parsed(calls);
    ASSERT_NE(parsed.expr, nullptr);
    EXPECT_GT(print_ast(*parsed.expr).size(), kDepth * 8);
  });
}

TEST(BigStack, RunsTheFunctionAndPassesExceptionsOn) {
  bool inner_ran = false;
  run_on_big_stack([&] { run_on_big_stack([&] { inner_ran = true; }); });
  EXPECT_TRUE(inner_ran);
  EXPECT_THROW(run_on_big_stack([] { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_FALSE(stack_nearly_exhausted());
}

TEST(ModulePath, PrintsAsItIsWritten) {
  Diagnostics diagnostics;
  for (const char* text : {"/A%", "/A/B%", "/'a b'/C%", "/'it''s'%", "/A/''%"}) {
    std::optional<ModulePath> path = parse_module_path(text, diagnostics);
    ASSERT_TRUE(path.has_value()) << text;
    EXPECT_EQ(path->str(), text);
  }
  EXPECT_EQ(diagnostics.render(), "");
  EXPECT_EQ(parse_module_path(" / A / 'B' % ", diagnostics)->str(), "/A/B%");
}

TEST(ModulePath, MistakesAreShownInTheText) {
  auto error = [](std::string_view text) {
    Diagnostics diagnostics;
    EXPECT_FALSE(parse_module_path(text, diagnostics).has_value());
    return diagnostics.render();
  };
  EXPECT_EQ(error("a"), "'a':1:1: error: syntax error, unexpected WORD, expecting '/'\n");
  EXPECT_EQ(error("/a"), "'/a':1:3: error: syntax error, unexpected end of file, expecting '/' or '%'\n");
  EXPECT_EQ(error("/a%/"), "'/a%/':1:4: error: syntax error, unexpected '/', expecting end of file\n");
  EXPECT_EQ(error(""), "'':1:1: error: syntax error, unexpected end of file, expecting '/'\n");
}

TEST(ModulePath, BelongsToItsPrefixes) {
  Diagnostics diagnostics;
  ModulePath path = *parse_module_path("/A/B%", diagnostics);
  EXPECT_TRUE(path.belongs_to(path));
  EXPECT_TRUE(path.belongs_to(*parse_module_path("/A%", diagnostics)));
  EXPECT_FALSE(path.belongs_to(*parse_module_path("/A/B/C%", diagnostics)));
  EXPECT_FALSE(path.belongs_to(*parse_module_path("/B%", diagnostics)));
  EXPECT_FALSE(path.belongs_to(*parse_module_path("/A/''%", diagnostics)));
}

TEST(Diagnostics, RendersOneLinePerMessage) {
  Diagnostics diagnostics;
  diagnostics.error(Loc{Symbol("f"), 1, 2}, "a");
  diagnostics.note(Loc{Symbol("f"), 3, 4}, "b");
  diagnostics.warning(Loc{Symbol("g"), 5, 6}, "c");
  diagnostics.error(Loc{Symbol("h"), 0, 0}, "d");
  diagnostics.error(Loc(), "e");
  EXPECT_EQ(diagnostics.render(), "f:1:2: error: a\nf:3:4: note: b\ng:5:6: warning: c\nh: error: d\nerror: e\n");
  EXPECT_EQ(diagnostics.error_count(), 3u);
}

/// Returns "line:column message" of the warnings, one per line.
std::string warnings_of(std::string_view text) {
  Parsed parsed(text);
  EXPECT_NE(parsed.expr, nullptr) << parsed.diagnostics.render();
  std::string result;
  for (const Diagnostic& message : parsed.diagnostics.messages()) {
    EXPECT_EQ(message.severity, Severity::kWarning);
    result +=
        std::to_string(message.loc.line) + ":" + std::to_string(message.loc.column) + " " + message.message + "\n";
  }
  return result;
}

TEST(DeoptPoints, BelongToTheOutermostExpressionThatStartsThere) {
  EXPECT_EQ(parse("# deopt-here!\nf(x).y.?(a: b, : c);"),
            "(deopt-point - (select (. (apply f x) y) (a b) (default c)))");
  EXPECT_EQ(parse("f(# deopt-here! gc\nx, # deopt-here!\ny(z));"),
            "(apply f (deopt-point gc x) (deopt-point - (apply y z)))");
  EXPECT_EQ(parse("f(x, # deopt-here! every=2 after=3\n{ # deopt-here!\n y; }.z);"),
            "(apply f x (deopt-point after=3,every=2 (. (deopt-point - y) z)))");
  EXPECT_EQ(parse("# deopt-here!\n# deopt-here! yield\nx;"), "(deopt-point - (deopt-point yield x))");
  EXPECT_EQ(parse("# deopt-here!\nx;", true), "(deopt-point @1:1 - x@2:1)");
}

TEST(DeoptPoints, StandInFrontOfExpressionsOfAllKinds) {
  EXPECT_EQ(parse("# deopt-here!\nT@ x = # deopt-here! gc\ny; # deopt-here! force\nx;"),
            "(deopt-point - (let (T@ x (deopt-point gc y)) (deopt-point force x)))");
  EXPECT_EQ(parse("# deopt-here!\nT@ x := # deopt-here! gc\ny; x;"),
            "(deopt-point - (bind (deopt-point gc y) (func (T@ x) x)))");
  EXPECT_EQ(parse("# deopt-here!\nx .= # deopt-here! gc\ny; x;"),
            "(deopt-point - (import (- x x) (deopt-point gc y) x))");
  EXPECT_EQ(parse("# deopt-here!\nT@ x; # deopt-here! gc\nx;"), "(deopt-point - (foreign T@ x (deopt-point gc x)))");
  EXPECT_EQ(parse("# deopt-here!\nx.?(a: b); # deopt-here! gc\nc;"),
            "(deopt-point - (select x (a b) (default (deopt-point gc c))))");
  EXPECT_EQ(parse("@(# deopt-here!\na, b: # deopt-here! gc\nc);"),
            "(export (a (deopt-point - a)) (b (deopt-point gc c)))");
  EXPECT_EQ(parse("x.@(# deopt-here!\na);"), "(copy x (a (deopt-point - a)))");
  EXPECT_EQ(parse("U@(a: # deopt-here!\nb);"), "(union U@ a (deopt-point - b))");
  EXPECT_EQ(parse("# deopt-here!\n(T@ a) { # deopt-here! gc\na; };"),
            "(deopt-point - (func (T@ a) (deopt-point gc a)))");
  EXPECT_EQ(parse("f[# deopt-here!\na, # deopt-here! gc\nb];"), "(list f (deopt-point - a) (deopt-point gc b))");
  EXPECT_EQ(parse("x.?(a: # deopt-here!\nb, : # deopt-here! gc\nc);"),
            "(select x (a (deopt-point - b)) (default (deopt-point gc c)))");
  EXPECT_EQ(parse("# deopt-here!\n/M%;"), "(deopt-point - /M%)");
  EXPECT_EQ(parse("# deopt-here!\nf|abc;"), "(deopt-point - (literal f plain abc))");
}

TEST(DeoptPoints, WarnWhereNoExpressionStarts) {
  const std::string nothing = "deopt-here! marks nothing: no expression starts at the next token\n";
  EXPECT_EQ(warnings_of("x# deopt-here!\n;"), "1:2 " + nothing);
  EXPECT_EQ(warnings_of("x;\n# deopt-here!"), "2:1 " + nothing);
  EXPECT_EQ(warnings_of("x.?(# deopt-here!\na: b, # deopt-here!\n: c);"), "1:5 " + nothing + "2:7 " + nothing);
  EXPECT_EQ(warnings_of("@(# deopt-here!\na: b);"), "1:3 " + nothing);
  EXPECT_EQ(warnings_of("U@(# deopt-here!\na: b);"), "1:4 " + nothing);
  EXPECT_EQ(warnings_of("x = y, # deopt-here!\nz = y; x;"), "1:8 " + nothing);
  EXPECT_EQ(warnings_of("T@ # deopt-here!\nx = y; x;"), "1:4 " + nothing);
  EXPECT_EQ(warnings_of("<@ # deopt-here!\nT@> { x; };"), "1:4 " + nothing);
  EXPECT_EQ(warnings_of("x . # deopt-here!\n# deopt-here!\ny;"), "1:5 " + nothing + "2:1 " + nothing);
}

TEST(DeoptPoints, WarnOfOptionsThatAreWrong) {
  EXPECT_EQ(warnings_of("# deopt-here! gc  every=x often\nx;"),
            "1:19 option 'every' of deopt-here! takes a number from 1 on, as in every=3\n"
            "1:27 unknown option 'often' of deopt-here!; there are after=N, every=N, force, invalidate, gc, yield\n");
  EXPECT_EQ(parse("# deopt-here! gc  every=x often\nx;"), "(deopt-point gc x)") << "the rest holds";
}

TEST(DeoptPoints, DoNotChangeWhatIsAnError) {
  EXPECT_EQ(error_of("# deopt-here!\nx(a b);"), error_of("\nx(a b);"));
  EXPECT_EQ(error_of("x(# deopt-here!\na b);"), error_of("x(\na b);"));
  EXPECT_EQ(error_of("# deopt-here!\nx; y;"), error_of("\nx; y;"));
}

}  // namespace
}  // namespace fble
