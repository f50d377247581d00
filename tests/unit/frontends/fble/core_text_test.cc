#include "frontends/fble/core_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "frontends/fble/core_verify.h"
#include "frontends/fble/sexpr.h"

namespace fble {
namespace {

// --- S-expressions ---------------------------------------------------------

std::string reprint(std::string_view text) {
  Arena arena;
  Diagnostics diagnostics;
  const Sexpr* sexpr = parse_sexpr(text, Symbol("s"), arena, diagnostics);
  return sexpr != nullptr ? print_sexpr(*sexpr) : diagnostics.render();
}

TEST(Sexpr, PrintsWhatWasParsed) {
  EXPECT_EQ(reprint("a"), "a\n");
  EXPECT_EQ(reprint("( a ; comment\n (b)() \"c d\")"), "(a (b) () \"c d\")\n");
  EXPECT_EQ(reprint("\"\\x00\\\\\\\"\""), "\"\\x00\\\\\\\"\"\n");
  EXPECT_EQ(reprint("\"\""), "\"\"\n");
}

TEST(Sexpr, MistakesAreLocated) {
  EXPECT_EQ(reprint(""), "s:1:1: error: nothing here\n");
  EXPECT_EQ(reprint("(a\n"), "s:2:1: error: missing ')'\n");
  EXPECT_EQ(reprint(" )"), "s:1:2: error: ')' without '('\n");
  EXPECT_EQ(reprint("a b"), "s:1:3: error: text after the end\n");
  EXPECT_EQ(reprint("(\"a"), "s:1:4: error: string without end\n");
  EXPECT_EQ(reprint("\"\\q\""), "s:1:2: error: unknown escape\n");
  EXPECT_EQ(reprint(std::string_view("\0", 1)), "s:1:1: error: unexpected character\n");
}

TEST(Sexpr, LongListsGetALinePerItem) {
  std::string word(60, 'w');
  EXPECT_EQ(reprint("(head x (a " + word + ") (b " + word + ") y)"),
            "(head x\n  (a " + word + ")\n  (b " + word + ")\n  y)\n");
}

TEST(Sexpr, DepthNeedsNoStack) {
  const size_t kDepth = 100'000;
  std::string text = std::string(kDepth, '(') + std::string(kDepth, ')');
  std::string printed = reprint(text);
  EXPECT_LT(printed.size(), kDepth * 70);
  EXPECT_EQ(reprint(printed), printed);
}

// --- the core as text ------------------------------------------------------

constexpr char kExample[] = R"((module "/Example/'a b'%"
  (file Example.fble)
  (loc @1:0)
  (vars 12)
  (deps /Std/A% /B%)
  (let @2:1 nonrec
    ((Unit@#0 @2:1 (type @2:9)) ("odd name#1" @3:1 (module @3:5 /Std/A%)) (x#2 @4:1 (struct @4:5)))
    (let @5:1 rec
      ((f#3 @5:3
          (func @5:7 ((a#4 @5:9) (b#5 @5:12)) @6:3
            (select @6:3 3 (var @6:3 a#4)
              ((0 first (apply @6:9 (var @6:9 f#3) (var @6:11 b#5) (union @6:14 1/3 (var @6:15 x#2))))
                (2 third (union-field @7:3 2/3 (var @7:1 a#4))))
              (field @8:3 0/2 (var @8:1 b#5))))))
      (import @9:1 2
        ((p#6 @9:1 1) (q#7 @9:4 0))
        (copy @9:9 (var @9:9 x#2) - (var @9:15 x#2))
        (foreign @10:5 /Example% Native n#8 @10:5
          (list @11:1
            (literal @11:3 ((0/2 1/4) (1/2)) 0,1,1,0)
            (literal @11:5 () -)
            (func @other:3:4 ((c#9 @)) @ (var @ c#9))))))))
)";

CoreProgramModule parse_ok(std::string_view text) {
  Diagnostics diagnostics;
  std::optional<CoreProgramModule> module = parse_core(text, Symbol("core"), diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  return module.has_value() ? *module : CoreProgramModule();
}

/// Returns the messages about a mistake in the text.
std::string parse_error(std::string_view text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_core(text, Symbol("core"), diagnostics).has_value()) << text;
  return diagnostics.render();
}

TEST(CoreText, RoundTrip) {
  CoreProgramModule module = parse_ok(kExample);
  ASSERT_NE(module.body, nullptr);
  std::string printed = print_core(module);
  EXPECT_EQ(print_core(parse_ok(printed)), printed);
  EXPECT_EQ(verify_core(module), std::vector<std::string>());

  // The same tokens in the same order: only line breaks may differ from the example.
  auto squeezed = [](std::string_view text) {
    std::string result;
    for (char c : text) {
      bool blank = c == ' ' || c == '\n';
      if (!blank) {
        if (c == ')' && !result.empty() && result.back() == ' ') result.pop_back();
        result += c;
      } else if (!result.empty() && result.back() != ' ' && result.back() != '(') {
        result += ' ';
      }
    }
    return result;
  };
  EXPECT_EQ(squeezed(printed), squeezed(kExample));
}

TEST(CoreText, KeepsEverything) {
  CoreProgramModule module = parse_ok(kExample);
  EXPECT_EQ(module.path.str(), "/Example/'a b'%");
  EXPECT_EQ(module.loc, (Loc{Symbol("Example.fble"), 1, 0}));
  EXPECT_EQ(module.var_count, 12u);
  ASSERT_EQ(module.deps.size(), 2u);
  EXPECT_EQ(module.deps[1].str(), "/B%");

  ASSERT_EQ(module.body->kind, CoreKind::kLet);
  const auto* outer = static_cast<const CoreLet*>(module.body);
  EXPECT_FALSE(outer->recursive);
  EXPECT_EQ(outer->loc, (Loc{Symbol("Example.fble"), 2, 1}));
  EXPECT_EQ(outer->bindings[1].var.name.str(), "odd name");
  const auto* inner = static_cast<const CoreLet*>(outer->body);
  EXPECT_TRUE(inner->recursive);
  const auto* func = static_cast<const CoreFunc*>(inner->bindings[0].value);
  ASSERT_EQ(func->args.size(), 2u);
  EXPECT_EQ(func->args[1].id, 5u);
  EXPECT_EQ(func->body_loc.line, 6u);
  const auto* select = static_cast<const CoreUnionSelect*>(func->body);
  EXPECT_EQ(select->tag_count, 3u);
  EXPECT_EQ(select->choices[1].name.str(), "third");
  EXPECT_NE(select->default_choice, nullptr);
  const auto* import = static_cast<const CoreStructImport*>(inner->body);
  EXPECT_EQ(import->imports[0].field, 1u);
  const auto* copy = static_cast<const CoreStructCopy*>(import->source);
  ASSERT_EQ(copy->fields.size(), 2u);
  EXPECT_EQ(copy->fields[0], nullptr);
  const auto* foreign = static_cast<const CoreForeign*>(import->body);
  EXPECT_EQ(foreign->module.str(), "/Example%");
  EXPECT_EQ(foreign->name.str(), "Native");
  const auto* list = static_cast<const CoreList*>(foreign->body);
  const auto* literal = static_cast<const CoreLiteral*>(list->elements[0]);
  EXPECT_EQ(literal->alphabet[0][1].tag_count, 4u);
  EXPECT_EQ(literal->letters, std::vector<uint32_t>({0, 1, 1, 0}));
  EXPECT_EQ(list->elements[2]->loc, (Loc{Symbol("other"), 3, 4}));
  EXPECT_EQ(static_cast<const CoreFunc*>(list->elements[2])->body->loc, Loc());
}

std::string with_body(std::string_view body, int vars = 4) {
  return "(module /M% (file f) (loc @1:0) (vars " + std::to_string(vars) + ") (deps /D%) " + std::string(body) + ")";
}

TEST(CoreText, MistakesAreLocated) {
  EXPECT_EQ(parse_error("x"), "core:1:1: error: expected (module ...) with 6 more items\n");
  EXPECT_EQ(parse_error(with_body("(nonsense @1:1)")), "core:1:54: error: unknown kind of core 'nonsense'\n");
  EXPECT_EQ(parse_error(with_body("(type)")), "core:1:53: error: expected (KIND LOC ...)\n");
  EXPECT_EQ(parse_error(with_body("(type 1:1)")), "core:1:59: error: expected a location\n");
  EXPECT_EQ(parse_error(with_body("(type @1:1 x)")), "core:1:53: error: expected 0 items after the location\n");
  EXPECT_EQ(parse_error(with_body("(var @1:1 x)")), "core:1:63: error: expected NAME#ID\n");
  EXPECT_EQ(parse_error(with_body("(union @1:1 3 (type @1:1))")), "core:1:65: error: expected INDEX/COUNT\n");
  EXPECT_EQ(parse_error(with_body("(module @1:1 M)")), "core:1:66: error: expected a module path\n");
}

TEST(CoreText, DeepCore) {
  const int kDepth = 20'000;
  std::string body;
  for (int i = 0; i < kDepth; ++i) body += "(union @ 0/1 ";
  body += "(type @)" + std::string(kDepth, ')');
  CoreProgramModule module = parse_ok(with_body(body));
  ASSERT_NE(module.body, nullptr);
  std::string printed = print_core(module);
  EXPECT_EQ(print_core(parse_ok(printed)), printed);
  EXPECT_TRUE(verify_core(module).empty());
}

TEST(CoreText, BrokenTextNeverCrashes) {
  std::mt19937 random(7);
  const std::string example = kExample;
  for (int i = 0; i < 3000; ++i) {
    std::string text = example;
    for (int change = 0; change < 3; ++change) {
      size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text.erase(at, 1 + random() % 9); break;
        case 1: text[at] = static_cast<char>(random()); break;
        default: text.insert(at, example, random() % example.size(), random() % 20); break;
      }
    }
    Diagnostics diagnostics;
    std::optional<CoreProgramModule> module = parse_core(text, Symbol("core"), diagnostics);
    ASSERT_EQ(module.has_value(), diagnostics.error_count() == 0);
    if (module.has_value() && module->var_count < 1000) {
      std::string printed = print_core(*module);
      ASSERT_EQ(print_core(parse_ok(printed)), printed);
      verify_core(*module);
    }
  }
}

// --- the verifier ----------------------------------------------------------

/// Returns the verifier's message about the body, without location and quotation.
std::string verdict(std::string_view body) {
  CoreProgramModule module = parse_ok(with_body(body));
  std::string text;
  for (const std::string& message : verify_core(module)) {
    size_t start = message.find(": ") + 2;
    text += (text.empty() ? "" : "; ") + message.substr(start, message.find(": (", start) - start);
  }
  return text;
}

TEST(CoreVerify, Scopes) {
  EXPECT_EQ(verdict("(var @1:1 x#0)"), "variable is used outside of its scope");
  EXPECT_EQ(verdict("(var @1:1 x#99)"), "variable is used outside of its scope");
  EXPECT_EQ(verdict("(let @1:1 nonrec ((x#0 @1:1 (struct @1:1))) (var @1:1 x#0))"), "");
  EXPECT_EQ(verdict("(func @1:1 ((x#0 @1:1)) @1:1 (var @1:1 x#0))"), "");
  EXPECT_EQ(verdict("(struct @1:1 (func @1:1 ((x#0 @1:1)) @1:1 (type @)) (var @1:1 x#0))"),
            "variable is used outside of its scope");
  EXPECT_EQ(verdict("(import @1:1 1 ((x#0 @1:1 0)) (var @1:1 x#0) (type @))"), "variable is used outside of its scope");
  EXPECT_EQ(verdict("(import @1:1 1 ((x#0 @1:1 0)) (type @) (var @1:1 x#0))"), "");
  EXPECT_EQ(verdict("(foreign @1:1 /M% f x#0 @1:1 (var @1:1 x#0))"), "");
  EXPECT_EQ(verdict("(func @1:1 ((x#0 @1:1) (y#0 @1:1)) @1:1 (type @))"), "variable y#0 has two binders");
  EXPECT_EQ(verdict("(func @1:1 ((x#4 @1:1)) @1:1 (type @))"), "variable x#4 is not below var_count");
}

TEST(CoreVerify, Lets) {
  EXPECT_EQ(verdict("(let @ rec ((x#0 @ (var @ x#0))) (type @))"), "");
  EXPECT_EQ(verdict("(let @ nonrec ((x#0 @ (var @ x#0))) (type @))"), "let is recursive but not marked so");
  EXPECT_EQ(verdict("(let @ rec ((x#0 @ (type @))) (var @ x#0))"), "let is marked recursive but is not");
  EXPECT_EQ(verdict("(let @ rec ((x#0 @ (var @ y#1)) (y#1 @ (struct @))) (type @))"), "");
  EXPECT_EQ(verdict("(let @ nonrec ((x#0 @ (func @ ((y#1 @)) @ (let @ nonrec ((z#2 @ (var @ y#1))) (var @ z#2)))))"
                    " (type @))"),
            "");
  EXPECT_EQ(verdict("(let @ nonrec ((T@#0 @ (type @))) (var @ T@#0))"), "type variable is referenced");
  EXPECT_EQ(verdict("(let @ nonrec ((T@#0 @ (struct @))) (var @ T@#0))"), "");
}

TEST(CoreVerify, MergedCalls) {
  EXPECT_EQ(verdict("(apply @ (apply @ (type @) (type @)) (type @))"), "application of an application");
  EXPECT_EQ(verdict("(apply @ (type @))"), "application to nothing");
  EXPECT_EQ(verdict("(func @ ((x#0 @)) @ (func @ ((y#1 @)) @ (type @)))"), "function directly in a function");
  EXPECT_EQ(verdict("(func @ () @ (type @))"), "function without arguments");
}

TEST(CoreVerify, Data) {
  EXPECT_EQ(verdict("(field @ 1/1 (type @))"), "no such field");
  EXPECT_EQ(verdict("(union @ 2/2 (type @))"), "no such tag");
  EXPECT_EQ(verdict("(union-field @ 2/2 (type @))"), "no such tag");
  EXPECT_EQ(verdict("(import @ 1 ((x#0 @ 1)) (type @) (type @))"), "no such field");
  EXPECT_EQ(verdict("(select @ 2 (type @) ((0 a (type @)) (1 b (type @))) -)"), "");
  EXPECT_EQ(verdict("(select @ 2 (type @) ((1 b (type @))) -)"), "tag without choice or default");
  EXPECT_EQ(verdict("(select @ 2 (type @) ((1 b (type @))) (type @))"), "");
  EXPECT_EQ(verdict("(select @ 2 (type @) ((1 b (type @)) (0 a (type @))) -)"), "choices are not in tag order");
  EXPECT_EQ(verdict("(literal @ ((1/1)) 0)"), "no such tag");
  EXPECT_EQ(verdict("(literal @ ((0/1)) 0,1)"), "letter is not in the alphabet");
  EXPECT_EQ(verdict("(module @ /D%)"), "");
  EXPECT_EQ(verdict("(module @ /E%)"), "module is not a dependency");
}

TEST(CoreVerify, AModuleWithoutBody) {
  EXPECT_EQ(verify_core(CoreProgramModule()), std::vector<std::string>({"the module has no body"}));
}

}  // namespace
}  // namespace fble
