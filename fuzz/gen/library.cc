// The library of generated programs.
//
// What a program says is a list of letters and whole numbers, the last one first. The oracle
// reads it from the heap without running anything (fuzz/oracle/modes_agree.cc), and any
// implementation of the language can print it (command_footer). The library makes little
// machine code of its own: three quarters of all traces were in functions that made numbers
// from literals and turned them into digits, the same in all programs. So constants are written
// out, and numbers are said as they are.
//
// `Out` also has a list that is as long as what may still come, so that values that are shared many
// times over, or that have grown large, do not take for ever to show.
//
// Tested by fuzz/tests/program_gen_test.cc.
#include "fuzz/gen/library.h"

namespace fble {
namespace {

constexpr LibraryPiece kPieces[] = {
    {"Unit", "", "Unit@ = *();\nUnit = Unit@();\n"},
    {"Bool", "Unit", "Bool@ = +(Unit@ true, Unit@ false);\nTrue = Bool@(true: Unit), False = Bool@(false: Unit);\n"},
    {"Int", "", "Int@ .= /Std/Int%;\n"},
    {"Char", "Int", "Char@ .= /Std/Char%;\n"},
    {"IntSign", "Bool Int", R"(IsZero = /Std/Int/Sign%.IsZero;
)"},
    {"IntConst", "Int", "I = /Std/Int/Lit%.Int;\n"},
    {"List", "Unit", R"(List@ = <@ T@> {
  L@ = +(*(T@ head, L@ tail) cons, Unit@ nil);
  L@;
};
L = <@ T@>(List@<T@> xs) { xs; };
Cons = <@ T@>(T@ x, List@<T@> xs) { List@<T@>(cons: @(head: x, tail: xs)); };
)"},
    {"Maybe", "Unit", R"(Maybe@ = <@ T@> { +(Unit@ none, T@ some); };
)"},
    {"Nat", "List", R"(Nat@ = +(Unit@ z, Nat@ e, Nat@ o);
n0 = Nat@(z: Unit);
(Nat@) { Nat@; } Dbl = (Nat@ x) { x.?(z: x, : Nat@(e: x)); };
(Nat@) { Nat@; } Inc = (Nat@ x) { x.?(z: Nat@(o: n0), e: Nat@(o: x.e), o: Nat@(e: Inc(x.o))); };
(Nat@) { Nat@; } Dec = (Nat@ x) { x.?(z: x, e: Nat@(o: Dec(x.e)), o: Dbl(x.o)); };
(Nat@) { Nat@; } Half = (Nat@ x) { x.?(z: x, e: x.e, o: x.o); };
)"},
    {"Unary", "Nat", R"(Un@ = +(Unit@ z, Un@ s);
(Nat@, Un@) { Un@; } Grow = (Nat@ n, Un@ u) { n.?(z: u); Grow(Dec(n), Un@(s: u)); };
)"},
    {"Odd", "Bool Nat", "(Nat@) { Bool@; } Odd = (Nat@ x) { x.?(o: True, : False); };\n"},
    {"Down", "Nat", R"(# From n - 1 down to 0.
(Nat@) { List@<Nat@>; } Down = (Nat@ n) {
  n.?(z: List@<Nat@>(nil: Unit));
  Nat@ m = Dec(n);
  Cons(m, Down(m));
};
)"},
    {"Text", "List", R"(Letter@ = +(
  Unit@ 0, Unit@ 1, Unit@ 2, Unit@ 3, Unit@ 4, Unit@ 5, Unit@ 6, Unit@ 7, Unit@ 8, Unit@ 9,
  Unit@ a, Unit@ b, Unit@ c, Unit@ d, Unit@ e, Unit@ f, Unit@ g, Unit@ h, Unit@ i, Unit@ j,
  Unit@ k, Unit@ l, Unit@ m, Unit@ n, Unit@ o, Unit@ p, Unit@ q, Unit@ r, Unit@ s, Unit@ t,
  Unit@ u, Unit@ v, Unit@ w, Unit@ x, Unit@ y, Unit@ z, Unit@ '(', Unit@ ')', Unit@ '-', Unit@ ' ');
Text@ = List@<Letter@>;
(Text@) { Text@; } Str = (Text@ t) { t; };
all = Str|'----------------------------------------------------------------------------------------------------';
)"},
    {"Add", "Bool Text Nat", R"(# `d` bounds the digits.
(Text@, Nat@, Nat@, Bool@) { Nat@; } AddC = (Text@ d, Nat@ x, Nat@ y, Bool@ c) {
  d.?(nil: n0);
  x.?(z: c.?(true: Inc(y), false: y));
  y.?(z: c.?(true: Inc(x), false: x));
  Nat@ p = x.?(e: x.e, : x.o);
  Nat@ q = y.?(e: y.e, : y.o);
  Text@ r = d.cons.tail;
  x.?(
    e: y.?(
      e: c.?(true: Nat@(o: AddC(r, p, q, False)), false: Dbl(AddC(r, p, q, False))),
      : c.?(true: Dbl(AddC(r, p, q, True)), false: Nat@(o: AddC(r, p, q, False)))),
    : y.?(
      e: c.?(true: Dbl(AddC(r, p, q, True)), false: Nat@(o: AddC(r, p, q, False))),
      : c.?(true: Nat@(o: AddC(r, p, q, True)), false: Dbl(AddC(r, p, q, True)))));
};
(Nat@, Nat@) { Nat@; } Add = (Nat@ x, Nat@ y) { AddC(all, x, y, False); };
)"},
    {"NoNumber", "Unit", "Number@ = Unit@;\n"},
    {"Number", "Int", "Number@ = Int@;\n"},
    {"Out", "Text Nat", R"(Said@ = +(
  Unit@ 0, Unit@ 1, Unit@ 2, Unit@ 3, Unit@ 4, Unit@ 5, Unit@ 6, Unit@ 7, Unit@ 8, Unit@ 9,
  Unit@ a, Unit@ b, Unit@ c, Unit@ d, Unit@ e, Unit@ f, Unit@ g, Unit@ h, Unit@ i, Unit@ j,
  Unit@ k, Unit@ l, Unit@ m, Unit@ n, Unit@ o, Unit@ p, Unit@ q, Unit@ r, Unit@ s, Unit@ t,
  Unit@ u, Unit@ v, Unit@ w, Unit@ x, Unit@ y, Unit@ z, Unit@ '(', Unit@ ')', Unit@ '-', Unit@ ' ',
  Letter@ letter, Nat@ nat, Number@ number);
# What was said, the last letter first, and how much may still come.
Out@ = *(List@<Said@> text, Text@ left);
(Said@, Out@) { Out@; } Put = (Said@ l, Out@ o) {
  Out@(List@<Said@>(cons: @(head: l, tail: o.text)), o.left.?(cons: o.left.cons.tail, nil: o.left));
};
(Nat@, Out@) { Out@; } PutNat = (Nat@ x, Out@ o) { o.left.?(cons: Put(Said@(nat: x), o), nil: o); };
)"},
    {"PutUnary", "Out Unary", R"((Un@, Nat@, Out@) { Out@; } PutUn = (Un@ x, Nat@ n, Out@ o) {
  x.?(z: PutNat(n, Put(Said@(u: Unit), o)));
  PutUn(x.s, Inc(n), o);
};
)"},
    {"PutInt", "Out",
     "(Int@, Out@) { Out@; } PutInt = (Int@ x, Out@ o) { o.left.?(cons: Put(Said@(number: x), o), nil: o); };\n"},
    {"Id", "", "Id = <@ A@>(A@ a) { a; };\n"},
    {"Use", "", "Use = <@ A@, @ R@>(A@ a, (A@) { R@; } k) { k(a); };\n"},
    {"Compose", "", "Compose = <@ A@, @ B@, @ C@>((B@) { C@; } f, (A@) { B@; } g, A@ a) { f(g(a)); };\n"},
    {"Flip", "", "Flip = <@ A@, @ B@, @ C@>((A@, B@) { C@; } f, B@ b, A@ a) { f(a, b); };\n"},
    {"Twice", "", "Twice = <@ A@>((A@) { A@; } f, A@ a) { f(f(a)); };\n"},
    {"MapMaybe", "Maybe", R"(MapMaybe = <@ A@, @ B@>((A@) { B@; } f, Maybe@<A@> m) {
  m.?(none: Maybe@<B@>(none: Unit), some: Maybe@<B@>(some: f(m.some)));
};
)"},
    {"GetOr", "Maybe", "GetOr = <@ A@>(A@ other, Maybe@<A@> m) { m.?(none: other, some: m.some); };\n"},
    {"Map", "List Nat", R"(# Maps f over at most n items.
<@ A@, @ B@>(Nat@, (A@) { B@; }, List@<A@>) { List@<B@>; }
Map = <@ A@, @ B@>(Nat@ n, (A@) { B@; } f, List@<A@> xs) {
  n.?(z: List@<B@>(nil: Unit));
  xs.?(nil: List@<B@>(nil: Unit));
  Cons(f(xs.cons.head), Map<A@, B@>(Dec(n), f, xs.cons.tail));
};
)"},
    {"Fold", "List Nat", R"(# Folds at most n items, from the left.
<@ A@, @ S@>(Nat@, (S@, A@) { S@; }, S@, List@<A@>) { S@; }
Fold = <@ A@, @ S@>(Nat@ n, (S@, A@) { S@; } f, S@ s, List@<A@> xs) {
  n.?(z: s);
  xs.?(nil: s);
  Fold<A@, S@>(Dec(n), f, f(s, xs.cons.head), xs.cons.tail);
};
)"},
    {"Monad", "", R"(Monad@ = <<@>@ M@> {
  *(@<M@> M@, <@ A@>(A@) { M@<A@>; } return, <@ A@>(M@<A@>)<@ B@>((A@) { M@<B@>; }) { M@<B@>; } do);
};
)"},
};

constexpr std::string_view kFooter = R"(A = /Std/Char/Ascii%.Ascii;
String@ = /Std/String%.String@;
(/Std/Char%.Char@, String@) { String@; } Item = (/Std/Char%.Char@ c, String@ s) { /Std/List%.Items(c, s); };
(Letter@) { /Std/Char%.Char@; } ToChar = (Letter@ l) {
  l.?(
    0: A.0, 1: A.1, 2: A.2, 3: A.3, 4: A.4, 5: A.5, 6: A.6, 7: A.7, 8: A.8, 9: A.9,
    a: A.a, b: A.b, c: A.c, d: A.d, e: A.e, f: A.f, g: A.g, h: A.h, i: A.i, j: A.j,
    k: A.k, l: A.l, m: A.m, n: A.n, o: A.o, p: A.p, q: A.q, r: A.r, s: A.s, t: A.t,
    u: A.u, v: A.v, w: A.w, x: A.x, y: A.y, z: A.z, '(': A.'(', ')': A.')', '-': A.'-', ' ': A.' ');
};
# Its lowest digit last, and no more of them than `left` is long.
(Nat@, Text@, String@) { String@; } NatTo = (Nat@ x, Text@ left, String@ s) {
  left.?(nil: s);
  x.?(z: Item(A.n, s), e: NatTo(x.e, left.cons.tail, Item(A.0, s)), o: NatTo(x.o, left.cons.tail, Item(A.1, s)));
};
)";
constexpr std::string_view kNoNumbers = R"((Number@, String@) { String@; } NumberTo = (Number@ _, String@ s) { s; };
)";
constexpr std::string_view kNumbers = R"(I = /Std/Int/Lit%.Int;
(Int@, Int@) { /Std/Bool%.Bool@; } Less = /Std/Int/Cmp%.Lt;
(Int@, Text@, String@) { String@; } DigitsTo = (Int@ x, Text@ left, String@ s) {
  left.?(nil: s);
  Less(x, I|1).?(true: s);
  Int@ q, Int@ r .= /Std/Int/Div%.Div(x, I|10);
  /Std/Char%.Char@ d = Less(r, I|5).?(
    true: Less(r, I|2).?(
      true: Less(r, I|1).?(true: A.0, false: A.1),
      false: Less(r, I|3).?(true: A.2, false: Less(r, I|4).?(true: A.3, false: A.4))),
    false: Less(r, I|7).?(
      true: Less(r, I|6).?(true: A.5, false: A.6),
      false: Less(r, I|8).?(true: A.7, false: Less(r, I|9).?(true: A.8, false: A.9))));
  DigitsTo(q, left.cons.tail, Item(d, s));
};
(Int@, String@) { String@; } NumberTo = (Int@ x, String@ s) {
  Less(x, /Std/Int%.0).?(true: Item(A.'-', DigitsTo(/Std/Int%.Neg(x), all, Item(A.i, s))));
  DigitsTo(x, all, Item(A.i, s));
};
)";
constexpr std::string_view kPrint = R"((List@<Said@>, String@) { String@; } Turn = (List@<Said@> t, String@ s) {
  t.?(nil: s);
  Said@ l = t.cons.head;
  Turn(t.cons.tail, l.?(
    0: Item(A.0, s), 1: Item(A.1, s), 2: Item(A.2, s), 3: Item(A.3, s), 4: Item(A.4, s), 5: Item(A.5, s),
    6: Item(A.6, s), 7: Item(A.7, s), 8: Item(A.8, s), 9: Item(A.9, s), a: Item(A.a, s), b: Item(A.b, s),
    c: Item(A.c, s), d: Item(A.d, s), e: Item(A.e, s), f: Item(A.f, s), g: Item(A.g, s), h: Item(A.h, s),
    i: Item(A.i, s), j: Item(A.j, s), k: Item(A.k, s), l: Item(A.l, s), m: Item(A.m, s), n: Item(A.n, s),
    o: Item(A.o, s), p: Item(A.p, s), q: Item(A.q, s), r: Item(A.r, s), s: Item(A.s, s), t: Item(A.t, s),
    u: Item(A.u, s), v: Item(A.v, s), w: Item(A.w, s), x: Item(A.x, s), y: Item(A.y, s), z: Item(A.z, s),
    '(': Item(A.'(', s), ')': Item(A.')', s), '-': Item(A.'-', s), ' ': Item(A.' ', s),
    letter: Item(ToChar(l.letter), s), nat: NatTo(l.nat, all, s), number: NumberTo(l.number, s)));
};
/Std/Io/Cli/Print%.Print(/Std/Stream/List%.Puts(Turn(said, /Std/Char/Ascii%.Str|'\n')));
)";

}  // namespace

std::span<const LibraryPiece> library_pieces() { return kPieces; }
std::string command_footer(bool numbers) {
  return std::string(kFooter).append(numbers ? kNumbers : kNoNumbers).append(kPrint);
}
bool has_what_footer_needs(std::string_view module_text) {
  // There may be deopt points anywhere, on lines of their own.
  const auto bare = [](std::string_view text) {
    std::string result;
    bool in_comment = false;
    for (const char letter : text) {
      if (letter == '#') in_comment = true;
      if (letter == '\n') in_comment = false;
      if (!in_comment && letter != ' ' && letter != '\n') result += letter;
    }
    return result;
  };
  const std::string module = bare(module_text);
  const auto has = [&](std::string_view text) { return module.find(bare(text)) != std::string::npos; };
  for (const LibraryPiece& piece : kPieces) {
    const bool is_used = piece.name == "Nat" || piece.name == "Text" || piece.name == "Out";
    if (is_used && !has(piece.text.substr(0, piece.text.find(';')))) return false;
  }
  return has("all = Str|") && has("Number@ = ");
}

std::string_view letters() { return "0123456789abcdefghijklmnopqrstuvwxyz()- "; }

}  // namespace fble
