#include "frontends/fble/typecheck.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "frontends/fble/big_stack.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

/// The three lines before the text of a test, which starts on line 4.
constexpr const char* kPrelude =
    "Unit@ = *(); Unit = Unit@();\n"
    "Bool@ = +(Unit@ true, Unit@ false); True = Bool@(true: Unit);\n"
    "Pair@ = *(Unit@ a, Bool@ b); pair = Pair@(Unit, True);\n";

/// Returns the error of a program that starts with the prelude; its line counts from 1.
std::string error_of(const std::string& text) {
  SourceProgram program;
  program.add("/M%", kPrelude + text).check();
  std::string result;
  for (const Diagnostic& message : program.diagnostics().messages()) {
    if (message.severity == Severity::kWarning) continue;
    if (!result.empty()) result += "\n";
    uint32_t line = message.loc.line > 3 ? message.loc.line - 3 : 0;
    result += std::to_string(line) + ":" + std::to_string(message.loc.column) + " " + message.message;
  }
  return result.empty() ? "no error" : result;
}

/// Returns the type of the text's value, after the prelude.
std::string type_of(const std::string& text) { return type_of_module(kPrelude + text); }

// --- Several errors -------------------------------------------------------------

TEST(SeveralErrors, AreAllReported) {
  EXPECT_EQ(error_of("a = nope;\nb = Unit.c;\nd = True.?(true: Unit, false: True);\nUnit@(Unit);"),
            "1:5 variable 'nope' not defined\n"
            "2:10 'c' is not a field of type Unit@\n"
            "3:31 expected type Unit@, but found Bool@\n"
            "4:1 expected 0 args, but found 1");
}

TEST(SeveralErrors, InBindingsOfOneLet) {
  EXPECT_EQ(error_of("x = nope, y = nope2; z;"),
            "1:5 variable 'nope' not defined\n1:15 variable 'nope2' not defined\n1:22 variable 'z' not defined");
  EXPECT_EQ(error_of("Unit@ a = True, b = Unit, Bool@ c = b; pair.d;"),
            "1:11 expected type Unit@, but found something of type Bool@\n"
            "0:1 (Unit@ from here)\n0:1 (Bool@ from here)\n"
            "1:37 expected type Bool@, but found something of type __b@\n"
            "0:1 (Bool@ from here)\n1:17 (__b@ from here)\n"
            "1:45 'd' is not a field of type Pair@");
}

TEST(SeveralErrors, InARecursiveGroup) {
  EXPECT_EQ(error_of("(Unit@) { Bool@; } f = (Unit@ x) { g(x, x); },\n"
                     "(Unit@) { Bool@; } g = (Bool@ y) { f(y); };\n"
                     "f(True);"),
            "1:36 expected 1 arguments to something of type (Unit@) { Bool@; }, but got 2\n"
            "1:41 (extra arguments start here)\n"
            "2:24 expected type (Unit@) { Bool@; }, but found something of type (Bool@) { Bool@; }\n"
            "2:1 ((Unit@) { Bool@; } from here)\n2:24 ((Bool@) { Bool@; } from here)\n"
            "2:38 expected type Unit@, but found Bool@\n"
            "3:3 expected type Unit@, but found Bool@");
}

TEST(SeveralErrors, InAllBranches) {
  EXPECT_EQ(error_of("True.?(true: a, false: b);"), "1:14 variable 'a' not defined\n1:24 variable 'b' not defined");
  EXPECT_EQ(error_of("True.?(true: Unit.a, : Unit.b);"),
            "1:29 'b' is not a field of type Unit@\n1:19 'a' is not a field of type Unit@");
  EXPECT_EQ(error_of("pair.?(true: a, false: Unit.b);"),
            "1:1 expected value of union type, but found value of type Pair@\n"
            "1:14 variable 'a' not defined\n1:29 'b' is not a field of type Unit@");
  EXPECT_EQ(error_of("True.?(tru: a, false: b);"),
            "1:8 expected tag 'true', but found 'tru'\n1:13 variable 'a' not defined\n1:23 variable 'b' not defined");
  EXPECT_EQ(error_of("E@ = +(Unit@ a, Unit@ b, Unit@ c, Unit@ d); (E@ e) { e.?(b: Unit, x: Unit, d: Unit); };"),
            "1:58 expected tag 'a', but found 'b'\n1:67 expected tag 'c', but found 'x'");
  EXPECT_EQ(error_of("E@ = +(Unit@ a, Unit@ b, Unit@ c); (E@ e) { e.?(x: Unit, y: Unit, c: Unit, : Unit); };"),
            "1:49 illegal use of tag 'x' in union select\n1:58 illegal use of tag 'y' in union select");
}

TEST(SeveralErrors, TheFirstIsWhereTheReferenceStopsAndTheOthersAreInSourceOrder) {
  // Exports are checked from the last to the first.
  EXPECT_EQ(error_of("@(a: x, b: y,\n c: z);"),
            "2:5 variable 'z' not defined\n1:6 variable 'x' not defined\n1:12 variable 'y' not defined");
}

TEST(SeveralErrors, NothingIsSaidAboutWhatFollowsFromOne) {
  const std::string list = "L@ = <@ T@> { M@ = +(*(T@ head, M@ tail) cons, Unit@ nil); M@; };\n";
  for (const char* text : {
           "x = nope; x(x, x.y).z.?(a: x, b: x[x]);",
           "x = nope; Unit@ y = x; Bool@ z = x; z.?(true: y, false: Unit);",
           "T@ = nope@; T@ x = Unit; T@<T@> y = True; @(a: T@(x: y), b: (T@ z) { z.?(a: Unit, b: z); });",
           "T@ = *(nope@ a, Unit@ b); t = T@(True, Unit); t.a.b.c(Unit); ",
           "T@, f, g(.h) .= nope; (T@ x) { f(x, g|word, g[x, f]); };",
           "Unit@ x = nope; y = x; y;",
           "f = (nope@ x) { x; }; f(Unit).a; ",
           "f = <@ T@> (T@ x) { nope; }; f(Unit).a; ",
           "P@ = <@ A@> { nope@; }; x = P@<Unit@>(Unit); P@<Unit@> y = True; y.z;",
           "P@ = <@ A@, <@>@ F@> { F@<nope@>; }; (P@<Unit@, P@> x) { x.y; };",
           "nope@ x; x.y;",
           "x = Unit.%(nope@); x.y; ",
           "x = @(a: nope, b: Unit); Bool@ y = x.a; x.@(a: Unit).b;",
           "A@ = *(A@ a, nope@ b), B@ = A@; (B@ b) { b.a.a.b.c; };",
           "f = <@ A@, @ B@> (*(A@ a, B@ b) p) { p.b; }; f(nope).c; ",
       }) {
    const std::string errors = error_of(list + text);
    EXPECT_EQ(std::ranges::count(errors, '\n'), 0) << text << "\n" << errors;
    EXPECT_TRUE(errors.find("nope") != std::string::npos || errors.find("'c'") != std::string::npos) << errors;
  }
}

TEST(SeveralErrors, OfVacuousTypes) {
  EXPECT_EQ(error_of("A@ = B@, B@ = A@; A@ x = Unit; @(a: (B@ y) { y.z; }, b: x.y, c: nope);"),
            "1:1 A@ is vacuous\n1:10 B@ is vacuous\n1:65 variable 'nope' not defined");
}

TEST(SeveralErrors, WhatIsCertainStaysKnown) {
  // A function that returns a Bool@ has that result type, whatever error its argument or body has.
  EXPECT_EQ(
      error_of("f = (Unit@ x) { a = nope; True; }; Unit@ y = f(pair); y;"),
      "1:21 variable 'nope' not defined\n"
      "1:46 expected type Unit@, but found something of type Bool@\n0:1 (Unit@ from here)\n0:1 (Bool@ from here)\n"
      "1:48 expected type Unit@, but found Pair@");
}

TEST(SeveralErrors, ANameThatIsNotDefinedIsOneError) {
  EXPECT_EQ(error_of("@(a: x, b: x, c: y, d: x,\n e: x);"),
            "2:5 variable 'x' not defined\n1:24 also used here and in 2 more places\n1:18 variable 'y' not defined");
}

TEST(SeveralErrors, InSeveralModules) {
  SourceProgram program;
  program.add("/A%", "@(a: x, b: @());").add("/B%", "@(a: /A%.a.c, b: /A%.b.c);").add("/C%", "x = y; /A%.b.d;");
  program.add("/D%", "@(a: /C%.nope, b: z);", "w@;").add("/E%", "*() u = /D%; u;");
  program.add("/F%", "*()(v);", "*()();").add("/G%", "*() f = /F%; +(*() x) g = /F%; g;").check();
  EXPECT_EQ(program.diagnostics().render(),
            "/A%:1:6: error: variable 'x' not defined\n"
            "/B%:1:24: error: 'c' is not a field of type *()\n"
            "/C%:1:5: error: variable 'y' not defined\n"
            "/C%:1:14: error: 'd' is not a field of type *()\n"
            "/D%@:1:1: error: variable 'w@' not defined\n"
            "/D%:1:19: error: variable 'z' not defined\n"
            "/F%:1:1: error: expected 0 args, but found 1\n"
            "/F%:1:5: error: variable 'v' not defined\n"
            "/G%:1:27: error: expected type +(*() x), but found something of type *()\n"
            "/G%:1:14: note: (+(*() x) from here)\n"
            "/F%@:1:1: note: (*() from here)\n");
}

TEST(SeveralErrors, HaveNoLimitThatAReaderReaches) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "x" + std::to_string(i) + " = nope" + std::to_string(i) + ";\n";
  EXPECT_EQ(std::ranges::count(error_of(text + "Unit;"), '\n'), 4999);
  for (int i = 0; i < 50'000; ++i) text += "y" + std::to_string(i) + " = none" + std::to_string(i) + ";\n";
  SourceProgram program;
  program.add("/M%", kPrelude + text + "Unit;").check();
  const std::string report = program.diagnostics().render();
  EXPECT_LT(report.size(), 3 * kDiagnosticsLimit);
  EXPECT_TRUE(report.ends_with(" more messages are left out\n")) << report.substr(report.size() - 100);
}

// --- Names --------------------------------------------------------------------

TEST(Typecheck, UndefinedVariables) {
  EXPECT_EQ(error_of("x;"), "1:1 variable 'x' not defined");
  EXPECT_EQ(error_of("'x y'@;"), "1:1 variable ''x y'@' not defined");
  EXPECT_EQ(error_of("Unit@(pair, nope);"), "1:13 variable 'nope' not defined\n1:1 expected 0 args, but found 2");
}

TEST(Typecheck, NamespacesFollowTypeLevels) {
  EXPECT_EQ(error_of("t = Unit@; t;"),
            "1:1 the namespace of 't' is not appropriate for something of type @<Unit@> with type level 1");
  EXPECT_EQ(error_of("t@ = Unit; t@;"),
            "1:1 the namespace of 't@' is not appropriate for something of type Unit@ with type level 0");
  EXPECT_EQ(error_of("T@ = @<Unit@>; T@;"),
            "1:1 the namespace of 'T@' is not appropriate for something of type @<@<Unit@>> with type level 2");
  EXPECT_EQ(error_of("(Unit@ x@) { Unit; };"),
            "1:8 the namespace of 'x@' is not appropriate for something of type Unit@ with type level 0");
  EXPECT_EQ(error_of("x(.T@) .= @(T@: Unit@); Unit;"),
            "1:1 the namespace of 'x' is not appropriate for something of type @<Unit@> with type level 1");
  EXPECT_EQ(error_of("*(Unit@ x@);"),
            "1:9 the namespace of 'x@' is not appropriate for something of type Unit@ with type level 0");
  EXPECT_EQ(error_of("@(x: Unit@);"),
            "1:3 the namespace of 'x' is not appropriate for something of type @<Unit@> with type level 1");
  EXPECT_EQ(error_of("<@ t> { Unit; };"), "1:4 the namespace of 't' is not appropriate for kind @");
}

TEST(Typecheck, LetDefinitions) {
  EXPECT_EQ(error_of("Unit@ x = Unit, Unit@ x = Unit; x;"), "1:23 duplicate variable name 'x'");
  EXPECT_EQ(error_of("Bool@ x =\n  Unit; x;"),
            "2:3 expected type Bool@, but found something of type Unit@\n"
            "0:1 (Bool@ from here)\n0:1 (Unit@ from here)");
  EXPECT_EQ(error_of("Unit x = Unit; x;"), "1:1 expected a type, but found value of type Unit@");
}

TEST(Typecheck, UnknownTypesWithinTheirOwnGroup) {
  EXPECT_EQ(error_of("f = (Unit@ x) { f(x); }; f;"),
            "1:17 expected 0 arguments to something of type __f@, but got 1\n"
            "1:19 (extra arguments start here)");
  EXPECT_EQ(error_of("T@ = *(Unit@ a), x = T@(Unit); x;"),
            "1:22 expected 0 arguments to something of type @<T@>, but got 1\n"
            "1:25 (extra arguments start here)");
  EXPECT_EQ(error_of("F@ = <@ T@> { *(F@<T@> x); }; F@;"), "1:17 unable to poly apply a type to something of kind @");
  EXPECT_EQ(type_of("x = y, y = Unit; Unit@ z = x; z;"), "Unit@");
}

TEST(Typecheck, VacuousDefinitions) {
  EXPECT_EQ(error_of("T@ = T@; T@;"), "1:1 T@ is vacuous");
  EXPECT_EQ(error_of("A@ = B@, B@ = A@; A@;"), "1:1 A@ is vacuous\n1:10 B@ is vacuous");
  EXPECT_EQ(error_of("Id@ = <@ T@> { T@; }; A@ = Id@<A@>; A@;"), "1:23 A@ is vacuous");
  EXPECT_EQ(error_of("P@ = <@ T@> { P@; }; P@;"), "1:1 P@ is vacuous");
  EXPECT_EQ(error_of("T@ = *(T@ t); T@;"), "no error");
}

TEST(Typecheck, Imports) {
  EXPECT_EQ(type_of("a, x(.b) .= pair; @(a, x);"), "*(Unit@ a, Bool@ x)");
  EXPECT_EQ(error_of("c .= pair; c;"), "1:1 'c' is not a field of type Pair@");
  EXPECT_EQ(error_of("x(.c) .= pair; x;"), "1:4 'c' is not a field of type Pair@");
  EXPECT_EQ(error_of("a, a .= pair; a;"), "1:4 duplicate variable name 'a'");
  EXPECT_EQ(error_of("Bool@ a .= pair; a;"), "1:7 expected type Bool@, but the field has type Unit@");
  EXPECT_EQ(error_of("a .= True; a;"), "1:6 expected value of struct type, but found value of type Bool@");
}

TEST(Typecheck, ForeignValues) {
  EXPECT_EQ(type_of("(Unit@) { Bool@; } F;\nF(Unit);"), "Bool@");
  EXPECT_EQ(error_of("@<Unit@> F;\nUnit;"),
            "1:1 expected normal type for foreign value, but got @<Unit@> with type level 1");
}

// --- Data ---------------------------------------------------------------------

TEST(Typecheck, StructTypes) {
  EXPECT_EQ(error_of("*(Unit@ a, Unit@ a);"), "1:18 duplicate field name 'a'");
  EXPECT_EQ(error_of("*(Unit a);"), "1:3 expected a type, but found value of type Unit@");
  EXPECT_EQ(type_of("@<*(Unit@ a, @<Bool@> a@)>;"), "@<@<*(Unit@ a, @<Bool@> a@)>>");
}

TEST(Typecheck, StructValues) {
  EXPECT_EQ(error_of("Pair@(Unit);"), "1:1 expected 2 args, but found 1");
  EXPECT_EQ(error_of("Pair@(Unit, Unit);"), "1:13 expected type Bool@, but found Unit@");
  EXPECT_EQ(error_of("Bool@();"), "1:1 cannot apply arguments to something of type @<Bool@>");
}

TEST(Typecheck, StructAccessAndCopy) {
  EXPECT_EQ(type_of("pair.b;"), "Bool@");
  EXPECT_EQ(error_of("pair.c;"), "1:6 'c' is not a field of type Pair@");
  EXPECT_EQ(error_of("{ (Unit@ x) { x; }; }.c;"),
            "1:3 expected value of type struct or union, but found value of type (Unit@) { Unit@; }");
  EXPECT_EQ(type_of("pair.@(b: True);"), "*(Unit@ a, Bool@ b)");
  EXPECT_EQ(error_of("pair.@(b: Unit);"), "1:11 expected type Bool@, but found Unit@");
  EXPECT_EQ(error_of("pair.@(b: True, a: Unit);"), "1:17 expected next field in struct, but found 'a'");
  EXPECT_EQ(error_of("True.@(b: True);"), "1:1 expected value of struct type, but found value of type Bool@");
}

TEST(Typecheck, ExportsAreCheckedFromTheLastField) {
  EXPECT_EQ(error_of("@(a: x, b: y);"), "1:12 variable 'y' not defined\n1:6 variable 'x' not defined");
  EXPECT_EQ(error_of("@(a: Unit, a: Unit);"), "1:12 duplicate field name 'a'");
}

TEST(Typecheck, UnionValues) {
  EXPECT_EQ(error_of("Pair@(a: Unit);"), "1:1 expected a union type, but found Pair@");
  EXPECT_EQ(error_of("Bool@(maybe: Unit);"), "1:7 'maybe' is not a field of type Bool@");
  EXPECT_EQ(error_of("Bool@(true: True);"), "1:13 expected type Unit@, but found Bool@");
  EXPECT_EQ(error_of("F@ = (Unit@) { Unit@; }; F@(true: True);"), "1:26 expected a union type, but found F@");
}

TEST(Typecheck, UnionSelect) {
  EXPECT_EQ(type_of("True.?(true: Unit, false: Unit);"), "Unit@");
  EXPECT_EQ(error_of("pair.?(true: Unit, false: Unit);"),
            "1:1 expected value of union type, but found value of type Pair@");
  EXPECT_EQ(error_of("True.?(true: Unit);"), "1:1 tag 'false' missing from union select");
  EXPECT_EQ(error_of("True.?(false: Unit, true: Unit);"), "1:8 expected tag 'true', but found 'false'");
  EXPECT_EQ(error_of("True.?(true: Unit, true: Unit, : Unit);"), "1:20 illegal use of tag 'true' in union select");
  EXPECT_EQ(error_of("True.?(true: Unit, false: True);"), "1:27 expected type Unit@, but found Bool@");
  // The default is checked first and gives the expected type.
  EXPECT_EQ(error_of("True.?(true: Unit, : True);"), "1:14 expected type Bool@, but found Unit@");
  EXPECT_EQ(error_of("True.?(true: x, : y);"), "1:19 variable 'y' not defined\n1:14 variable 'x' not defined");
}

// --- Functions and poly values ---------------------------------------------------

TEST(Typecheck, FunctionTypes) {
  EXPECT_EQ(error_of("(Unit, x) { True; };"),
            "1:2 expected a type, but found value of type Unit@\n1:8 variable 'x' not defined\n"
            "1:13 expected a type, but found value of type Bool@");
  EXPECT_EQ(type_of("(Unit@ x)(Bool@ y) { pair; };"), "(Unit@, Bool@) { Pair@; }");
}

TEST(Typecheck, Application) {
  const std::string f = "(Unit@, Bool@) { Pair@; } f = (Unit@ x, Bool@ y) { Pair@(x, y); };\n";
  EXPECT_EQ(type_of(f + "f(Unit);"), "(Bool@) { Pair@; }");
  EXPECT_EQ(error_of(f + "f(Unit, True, Unit);"),
            "2:1 expected 2 arguments to something of type (Unit@, Bool@) { Pair@; }, but got 3\n"
            "2:15 (extra arguments start here)");
  EXPECT_EQ(error_of(f + "f(True, Unit);"),
            "2:3 expected type Unit@, but found Bool@\n2:9 expected type Bool@, but found Unit@");
  EXPECT_EQ(error_of(f + "f(x, y);"), "2:3 variable 'x' not defined\n2:6 variable 'y' not defined");
}

TEST(Typecheck, Bind) {
  const std::string f = "with = ((Unit@) { Bool@; } g) { g(Unit); };\n";
  EXPECT_EQ(type_of(f + "Unit@ _x := with; True;"), "Bool@");
  EXPECT_EQ(error_of(f + "Unit@ x := Unit@; True;"), "2:12 invalid type for bind function: @<Unit@>");
  EXPECT_EQ(error_of(f + "Bool@ x := with; True;"),
            "2:1 expected type (Unit@) { Bool@; }, but found (Bool@) { Bool@; }");
}

TEST(Typecheck, PolyApplication) {
  const std::string maybe = "Maybe@ = <@ T@> { +(T@ just, Unit@ nothing); };\n";
  EXPECT_EQ(type_of(maybe + "Maybe@<Bool@>;"), "@<Maybe@<Bool@>>");
  EXPECT_EQ(error_of(maybe + "Maybe@<Bool@><Bool@>;"), "2:1 unable to poly apply a type to something of kind @");
  EXPECT_EQ(error_of(maybe + "Maybe@<True>;"), "2:8 unable to poly apply something of type Bool@ with type level 0");
  EXPECT_EQ(error_of("<<@>@ M@> { M@<Unit@>; }<Unit@>;"), "1:26 expected kind <@>@, but found something of kind @");
  EXPECT_EQ(type_of(maybe + "<@ T@> { T@; }<Maybe@>;"), "@<<@ T@> { T@; }<Maybe@>>");
}

TEST(Typecheck, Inference) {
  const std::string maybe =
      "Maybe@ = <@ T@> { +(T@ just, Unit@ nothing); };\n"
      "Just = <@ T@>(T@ x) { Maybe@(just: x); };\n"
      "Map = <@ A@>(Maybe@<A@> m)<@ B@>((A@) { B@; } f) { m.?(just: Just(f(m.just)), nothing: Maybe@<B@>(nothing: "
      "m.nothing)); };\n";
  EXPECT_EQ(type_of(maybe + "Just(Unit);"), "Maybe@<Unit@>");
  EXPECT_EQ(type_of(maybe + "Map(Just(Unit), (Unit@ _) { True; });"), "Maybe@<Bool@>");
  EXPECT_EQ(type_of(maybe + "Two@ = <@ A@, @ B@> { *(A@ a, B@ b); }; Two@(Unit, True);"), "Two@<Unit@, Bool@>");
  EXPECT_EQ(error_of(maybe + "Maybe@(nothing: Unit);"),
            "4:1 unable to infer type for T@ in Unit@ from Unit@\nInferred types:\n  T@: ???");
  EXPECT_EQ(error_of("Same = <@ T@>(T@ _x, T@ y) { y; }; Same(Unit, True);"),
            "1:47 expected type Unit@, but found Bool@");
  EXPECT_EQ(error_of("Both@ = <@ T@> { *(T@ a, T@ b); }; Both@(Unit, True);"),
            "1:48 expected type Unit@, but found Bool@\nInferred types:\n  T@: Unit@");
  EXPECT_EQ(
      error_of("Id = <@ T@>(T@ x) { x; }; Id(Unit@);"),
      "1:27 unable to poly apply something of type @<@<Unit@>> with type level 2\nInferred types:\n  T@: @<Unit@>");
}

TEST(Typecheck, Lists) {
  const std::string list =
      "List@ = <@ T@> { L@ = +(*(T@ head, L@ tail) items, Unit@ empty); L@; };\n"
      "List = <@ T@>(List@<T@> l) { l; };\n";
  EXPECT_EQ(type_of(list + "List[Unit, Unit];"), "List@<Unit@>");
  EXPECT_EQ(type_of(list + "List<Bool@>[];"), "List@<Bool@>");
  EXPECT_EQ(error_of(list + "List[];"),
            "3:1 unable to infer type for T@ without arguments\nInferred types:\n  T@: ???");
  EXPECT_EQ(error_of(list + "List[Unit, True];"),
            "3:12 expected type Unit@, but found Bool@\nInferred types:\n  T@: Unit@");
  EXPECT_EQ(error_of(list + "Unit[Unit];"), "3:1 expected a function, but found something of type Unit@");
  EXPECT_EQ(error_of(list + "{ (Unit@ x) { x; }; }[Unit];"),
            "3:3 expected a list type, but the input to the function has type Unit@");
}

// --- Literals -----------------------------------------------------------------

constexpr const char* kLetters =
    "List@ = <@ T@> { L@ = +(*(T@ head, L@ tail) items, Unit@ empty); L@; };\n"
    "Num@ = +(Unit@ 0, Unit@ 1, Unit@ '10');\n"
    "Rec@ = +(Num@ n, Rec@ r, Unit@ b, Unit@ 'ü', Unit@ '');\n"
    "Word = (List@<Rec@> l) { l; };\n";

TEST(Literals, TheFirstMatchingLetterIsTaken) {
  std::string core = core_of(std::string(kPrelude) + kLetters + "Word|10b1;");
  EXPECT_NE(core.find("(literal ((0/5 1/3) (0/5 0/3) (2/5)) 0,1,2,0)"), std::string::npos) << core;
}

TEST(Literals, MissingLettersAreLocatedByByte) {
  EXPECT_EQ(error_of(std::string(kLetters) + "Word|01x0;"), "5:8 next letter of literal 'x0' not found in type Rec@");
  EXPECT_EQ(error_of(std::string(kLetters) + "Word|'0ü?';"), "5:9 next letter of literal '?' not found in type Rec@");
  EXPECT_EQ(error_of("L@ = +(*(+(Unit@ a, Unit@ '\n') h, L@ t) c, Unit@ n);\n(L@ l) { l; }|'a\naab';"),
            "4:3 next letter of literal 'b' not found in type +(Unit@ a, Unit@ '\n')");
}

TEST(Literals, FunctionsThatTakeNoLetters) {
  EXPECT_EQ(error_of("Unit|a;"), "1:1 expected a function or function type, but found something of type Unit@");
  EXPECT_EQ(error_of("{ (Unit@ x) { x; }; }|a;"),
            "1:3 expected a list type, but the input to the function has type Unit@");
  EXPECT_EQ(
      error_of(std::string(kLetters) + "{ (List@<Unit@> l) { l; }; }|a;"),
      "5:3 expected union type for literal elements, but the input to the function expects elements of type Unit@");
}

TEST(Literals, LongWordsAreQuick) {
  std::string word(1'000'000, '0');
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(type_of(std::string(kLetters) + "Word|" + word + ";"), "List@<Rec@>");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_LT(error_of(std::string(kLetters) + "Word|x" + word + ";").size(), 1000u);
}

// --- Private types --------------------------------------------------------------

TEST(Private, CastsNeedAccess) {
  EXPECT_EQ(type_of("Unit.%(@/M%);"), "Unit@.%(@/M%)");
  EXPECT_EQ(error_of("Unit.%(@/N%);"), "1:1 Unable to cast Unit@ to Unit@.%(@/N%) from module /M%");
  EXPECT_EQ(error_of("Unit.%(Unit@);"), "1:8 expected a package type, but found something of type Unit@");
  EXPECT_EQ(error_of("@<Unit@>.%(@/M%);"), "1:1 Type of type @<@<Unit@>> is not allowed to be a private type");
}

TEST(Private, OtherModulesSeeNoStructure) {
  SourceProgram program;
  program.add("/A%", "U@ = *(); T@ = *(U@ x).%(@/A%); @(T@, Make: T@(U@()), U@);")
      .add("/A/B%", "@(x: /A%.Make.x);")
      .add("/C%", "/A%.Make.x;")
      .add("/D%", "/A%.T@ x = /A%.T@(/A%.U@()); x;");
  EXPECT_EQ(program.check(), nullptr);
  EXPECT_EQ(program.diagnostics().render(),
            "/C%:1:1: error: expected value of type struct or union, but found value of type T@.%(@/A%)\n"
            "/D%:1:12: error: expected 0 arguments to something of type @<T@.%(@/A%)>, but got 1\n"
            "/D%:1:19: note: (extra arguments start here)\n");
}

// --- Modules ------------------------------------------------------------------

TEST(Modules, DependentsOfWrongModulesAreNotChecked) {
  SourceProgram program;
  program.add("/A%", "nope;").add("/B%", "/A%.x;").add("/C%", "also;").check();
  EXPECT_EQ(program.diagnostics().render(),
            "/A%:1:1: error: variable 'nope' not defined\n/C%:1:1: error: variable 'also' not defined\n");
}

TEST(Modules, HeadersAreTheTruth) {
  SourceProgram program;
  program.add("/U%", "U@ = *(); @(U@);")
      .add("/H%", "", "U@ .= /U%; U@ X; @(X);")
      .add("/B%", "U@ .= /U%; @(Y: U@());", "U@ .= /U%; U@ Y; @(Y);")
      .add("/M%", "@(x: /H%.X, y: /B%.Y);");
  const CheckedProgram* checked = program.check();
  ASSERT_NE(checked, nullptr) << program.diagnostics().render();
  ASSERT_EQ(checked->modules.size(), 3u);  // /H% has only a header
  EXPECT_EQ(checked->modules[2].deps.size(), 2u);
  EXPECT_EQ(module_type_text(*checked, SourceProgram::path_of("/M%")), "*(U@ x, U@ y)");
}

TEST(Modules, HeadersMustMatch) {
  SourceProgram program;
  program.add("/A%", "\n  @(X: *()());", "*() X; *() Y; @(X, Y);").check();
  EXPECT_EQ(program.diagnostics().render(),
            "/A%:2:3: error: the type *(*() X) does not match interface type *(*() X, *() Y) for module /A%\n");
}

TEST(Modules, ModuleHasType) {
  SourceProgram program;
  program.add("/Lib%", "S@ = *().%(@/Lib%); Main@ = <@ M@>(S@) { M@; }; @(S@, Main@, x: *()());")
      .add("/Good%", "S@ .= /Lib%; <@ A@> { (S@) { A@; } F; F; };")
      .add("/Bad%", "S@ .= /Lib%; <@ A@> { (S@) { S@; } F; F; };")
      .add("/Lib/In%", "<@ A@> { (*()) { A@; } F; F; };");
  const CheckedProgram* checked = program.check();
  ASSERT_NE(checked, nullptr) << program.diagnostics().render();
  ModulePath lib = SourceProgram::path_of("/Lib%");
  auto has_type = [&](const char* module, const char* field) {
    return module_has_type(*checked, SourceProgram::path_of(module), lib, Symbol(field));
  };
  EXPECT_EQ(has_type("/Good%", "Main"), true);
  EXPECT_EQ(has_type("/Bad%", "Main"), false);
  EXPECT_EQ(has_type("/Lib/In%", "Main"), false);  // private types count from outside
  EXPECT_EQ(has_type("/Good%", "Nope"), std::nullopt);
  EXPECT_EQ(has_type("/Good%", "x"), std::nullopt);
  EXPECT_EQ(has_type("/Nowhere%", "Main"), std::nullopt);
}

// --- Core -----------------------------------------------------------------------

TEST(TypecheckCore, TypesVanish) {
  EXPECT_EQ(core_of("U@ = *(); V@ = U@; U@();"), "(struct)");
  EXPECT_EQ(core_of("U@ = *(); <@ T@>(T@ _x) { U@(); }<U@>(U@());"), "(apply (func ((_x#1)) (struct)) (struct))");
  EXPECT_EQ(core_of("U@ = *(); *(@<U@> T@)(U@);"), "(struct (type))");
}

TEST(TypecheckCore, ALetIsRecursiveOnlyIfAValueMentionsTheGroup) {
  EXPECT_EQ(core_of("U@ = *(); x = U@(), y = U@(); @(x, y);"),
            "(let nonrec ((x#1 (struct)) (y#2 (struct))) (struct (var x#1) (var y#2)))");
  EXPECT_EQ(core_of("U@ = *(); U@ x = U@(), U@ y = x; y;"), "(let rec ((x#1 (struct)) (y#2 (var x#1))) (var y#2))");
  // A mention within a type does not count.
  EXPECT_EQ(core_of("U@ = *(); U@ x = U@(), (U@) { U@; } y = (@<x> z) { z; }; y(x);").substr(0, 11), "(let nonrec");
}

TEST(TypecheckCore, AppliesAreMerged) {
  const std::string f = "U@ = *(); u = U@(); f = (U@ _a)(U@ b) { b; };\n";
  EXPECT_NE(core_of(f + "f(u)(u);").find("(apply (var f#2) (var u#1) (var u#1))"), std::string::npos);
  EXPECT_NE(core_of(f + "{ V@ = U@; V@ x = u; f(x); }(u);").find("(apply (let nonrec"), std::string::npos);
  // A statement keeps calls apart, even where only types remain of it.
  EXPECT_NE(core_of(f + "{ _V@ = U@; f(u); }(u);").find("(apply (let nonrec ((_@#"), std::string::npos);
}

TEST(TypecheckCore, FunctionsAreMerged) {
  EXPECT_EQ(core_of("U@ = *(); (U@ a) { <@ T@>(T@ _b) { (U@ c) { @(a, c); }; }; };"),
            "(func ((a#1) (_b#2) (c#3)) (struct (var a#1) (var c#3)))");
  EXPECT_EQ(core_of("U@ = *(); (U@ a) { _V@ = U@; (U@ _b) { a; }; };").substr(0, 24), "(func ((a#1)) (let nonre");
}

TEST(TypecheckCore, Imports) {
  SourceProgram program;
  program.add("/A%", "@(U@: *(), x: *()());").add("/M%", "U@, x .= /A%; U@ y = x; y;");
  const CheckedProgram* checked = program.check();
  ASSERT_NE(checked, nullptr);
  EXPECT_NE(print_core(*checked->modules[1].body, Symbol("/M%")).find("((x#1 @1:5 1))"), std::string::npos)
      << print_core(*checked->modules[1].body, Symbol("/M%"));
  // If the struct may be undefined, its first field is fetched, so that the error is reported.
  EXPECT_EQ(core_of("f = (*(@<*()> T@, *() x) s) { T@ .= s; T@(); }; f;").find("(import 2 ((T@#") == std::string::npos,
            false);
}

TEST(TypecheckCore, SelectsKeepTheDefaultOnlyWhereItIsUsed) {
  const std::string b = "B@ = +(*() t, *() f); (B@ b) { ";
  EXPECT_NE(core_of(b + "b.?(t: b, f: b); };").find("((0 t (var b#1)) (1 f (var b#1))) -)"), std::string::npos);
  EXPECT_NE(core_of(b + "b.?(t: b, f: b, : b); };").find("(1 f (var b#1))) -)"), std::string::npos);
  EXPECT_NE(core_of(b + "b.?(f: b, : b); };").find("((1 f (var b#1))) (var b#1))"), std::string::npos);
}

TEST(TypecheckCore, DeepProgramsAreChecked) {
  std::string calls;
  for (int i = 0; i < 20'000; ++i) calls += "f(";
  calls += "Unit";
  for (int i = 0; i < 20'000; ++i) calls += ")";
  run_on_big_stack([&] { EXPECT_EQ(type_of("f = (Unit@ x) { x; };\n" + calls + ";"), "Unit@"); });
}

// --- Deopt points --------------------------------------------------------------------

constexpr const char* kNoCore = ": warning: deopt-here! marks an expression that is never evaluated\n";

TEST(DeoptPointsInCore, AreInTheCoreOfWhatIsEvaluated) {
  EXPECT_EQ(core_of("U@ = *(); # deopt-here! gc\nU@();"), "(deopt-point gc (struct))");
  EXPECT_EQ(core_of("# deopt-here!\nU@ = *(); U@();"), "(deopt-point - (struct))")
      << "the statement is gone, not its deopt point";
  EXPECT_EQ(core_of("U@ = *(); (U@ x) { # deopt-here!\nx; };"), "(func ((x#1)) (deopt-point - (var x#1)))");
  EXPECT_EQ(core_of("# deopt-here!\n<@ T@> { (T@ x) { x; }; };"), "(deopt-point - (func ((x#0)) (var x#0)))");
}

TEST(DeoptPointsInCore, AreAtTheBodyOfFunctionsThatAreMerged) {
  EXPECT_EQ(core_of("U@ = *(); (U@ x) { # deopt-here!\n(U@ y) { x; }; };"),
            "(func ((x#1) (y#2)) (deopt-point - (var x#1)))");
  EXPECT_EQ(core_of("U@ = *(); (U@ x) { # deopt-here!\n<@ T@> { # deopt-here! gc\n(U@ y) { x; }; }; };"),
            "(func ((x#1) (y#2)) (deopt-point - (deopt-point gc (var x#1))))");
  EXPECT_EQ(core_of("U@ = *(); <@ T@> { # deopt-here!\n(U@ x) { x; }; };"), "(deopt-point - (func ((x#1)) (var x#1)))");
}

TEST(DeoptPointsInCore, AreInFrontOfApplicationsThatAreMerged) {
  EXPECT_EQ(core_of("U@ = *(); f = (U@ a, U@ b) { a; }; { # deopt-here!\nf(U@()); }(U@());"),
            core_of("U@ = *(); f = (U@ a, U@ b) { a; }; # deopt-here!\nf(U@())(U@());"));
}

TEST(DeoptPointsInCore, WarnWhereNothingIsEvaluated) {
  EXPECT_EQ(messages_of("U@ = # deopt-here!\n*(); U@();"), "1:6" + std::string(kNoCore));
  EXPECT_EQ(messages_of("U@ = *(); (# deopt-here!\nU@ _x) { U@(); };"), "1:12" + std::string(kNoCore));
  EXPECT_EQ(messages_of("U@ = *(); f = <@ T@>(T@ x) { x; }; f<# deopt-here!\nU@>(U@());"),
            "1:38" + std::string(kNoCore));
  EXPECT_EQ(messages_of("U@ = *(); X@ = @<# deopt-here!\n(U@ x) { x; }>; X@ y = (U@ x) { x; }; y;"),
            "1:18" + std::string(kNoCore));
  EXPECT_EQ(messages_of("U@ = *(); @(T@: @(T@: U@, y: # deopt-here!\nU@()).T@);"), "1:30" + std::string(kNoCore));
}

TEST(DeoptPointsInCore, WarnInADefaultThatIsNeverTaken) {
  EXPECT_EQ(messages_of("U@ = *(); B@ = +(U@ t); (B@ b) { b.?(t: # deopt-here!\nU@(), : # deopt-here!\nU@()); };"),
            "2:9" + std::string(kNoCore));
}

}  // namespace
}  // namespace fble
