// The library of generated programs.
//
// What a program has to say is text, kept as a list of letters in reverse: that can
// be read from the heap without running anything (fuzz/oracle/modes_agree.cc), and any
// implementation of the language can print it (command_footer). `Out` also has the
// number of letters that may still come, so that values that are shared many times
// over, or that have grown large, do not take for ever to show.
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
Bits@ = List@<+(Unit@ 0, Unit@ 1)>;
(Bits@) { Nat@; } N = (Bits@ bs) {
  bs.?(nil: n0);
  bs.cons.head.?(0: Dbl(N(bs.cons.tail)), 1: Nat@(o: N(bs.cons.tail)));
};
(Nat@) { Nat@; } Inc = (Nat@ x) { x.?(z: Nat@(o: n0), e: Nat@(o: x.e), o: Nat@(e: Inc(x.o))); };
(Nat@) { Nat@; } Dec = (Nat@ x) { x.?(z: x, e: Nat@(o: Dec(x.e)), o: Dbl(x.o)); };
(Nat@) { Nat@; } Half = (Nat@ x) { x.?(z: x, e: x.e, o: x.o); };
)"},
    {"Unary", "Nat", R"(Un@ = +(Unit@ z, Un@ s);
(Nat@, Un@) { Un@; } Grow = (Nat@ n, Un@ u) { n.?(z: u); Grow(Dec(n), Un@(s: u)); };
)"},
    {"Add", "Bool Unary", R"(u70 = Grow(N|0110001, Un@(z: Unit));
(Un@, Nat@, Nat@, Bool@) { Nat@; } AddC = (Un@ d, Nat@ x, Nat@ y, Bool@ c) {
  d.?(z: n0);
  x.?(z: c.?(true: Inc(y), false: y));
  y.?(z: c.?(true: Inc(x), false: x));
  Nat@ p = x.?(e: x.e, : x.o);
  Nat@ q = y.?(e: y.e, : y.o);
  x.?(
    e: y.?(
      e: c.?(true: Nat@(o: AddC(d.s, p, q, False)), false: Dbl(AddC(d.s, p, q, False))),
      : c.?(true: Dbl(AddC(d.s, p, q, True)), false: Nat@(o: AddC(d.s, p, q, False)))),
    : y.?(
      e: c.?(true: Dbl(AddC(d.s, p, q, True)), false: Nat@(o: AddC(d.s, p, q, False))),
      : c.?(true: Nat@(o: AddC(d.s, p, q, True)), false: Dbl(AddC(d.s, p, q, True)))));
};
(Nat@, Nat@) { Nat@; } Add = (Nat@ x, Nat@ y) { AddC(u70, x, y, False); };
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
)"},
    {"Out", "Text Nat", R"(# What was said, the last letter first, and how many letters may still come.
Out@ = *(Text@ text, Nat@ left);
(Text@, Out@) { Out@; } Push = (Text@ t, Out@ o) {
  t.?(nil: o);
  Push(t.cons.tail, Out@(Cons(t.cons.head, o.text), Dec(o.left)));
};
(Nat@, Out@) { Out@; } PushNat = (Nat@ x, Out@ o) {
  o.left.?(z: o);
  x.?(z: Push(Str|n, o), e: PushNat(x.e, Push(Str|0, o)), o: PushNat(x.o, Push(Str|1, o)));
};
)"},
    {"PushUnary", "Out Unary", R"((Un@, Nat@, Out@) { Out@; } PushUn = (Un@ x, Nat@ n, Out@ o) {
  x.?(z: PushNat(n, Push(Str|u, o)));
  PushUn(x.s, Inc(n), o);
};
)"},
    {"PushInt", "Out Int Bool IntConst", R"(i10 = I|10;
(Int@, Out@) { Out@; } PushDigits = (Int@ x, Out@ o) {
  o.left.?(z: o);
  /Std/Int/Sign%.IsZero(x).?(true: o);
  Int@ q, Int@ r .= /Std/Int/Div%.Div(x, i10);
  Text@ d = /Std/Int/Cmp%.Lt(r, I|5).?(
    true: /Std/Int/Cmp%.Lt(r, I|2).?(
      true: /Std/Int/Sign%.IsZero(r).?(true: Str|0, false: Str|1),
      false: /Std/Int/Cmp%.Lt(r, I|3).?(true: Str|2, false: /Std/Int/Cmp%.Lt(r, I|4).?(true: Str|3, false: Str|4))),
    false: /Std/Int/Cmp%.Lt(r, I|7).?(
      true: /Std/Int/Cmp%.Lt(r, I|6).?(true: Str|5, false: Str|6),
      false: /Std/Int/Cmp%.Lt(r, I|8).?(true: Str|7, false: /Std/Int/Cmp%.Lt(r, I|9).?(true: Str|8, false: Str|9))));
  PushDigits(q, Push(d, o));
};
# Its lowest digit first.
(Int@, Out@) { Out@; } PushInt = (Int@ x, Out@ o) {
  /Std/Int/Cmp%.Lt(x, /Std/Int%.0).?(true: PushDigits(/Std/Int%.Neg(x), Push(Str|'i-', o)));
  PushDigits(x, Push(Str|i, o));
};
)"},
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

constexpr std::string_view kFooter = R"((Letter@) { /Std/Char%.Char@; } ToChar = (Letter@ l) {
  A = /Std/Char/Ascii%.Ascii;
  l.?(
    0: A.0, 1: A.1, 2: A.2, 3: A.3, 4: A.4, 5: A.5, 6: A.6, 7: A.7, 8: A.8, 9: A.9,
    a: A.a, b: A.b, c: A.c, d: A.d, e: A.e, f: A.f, g: A.g, h: A.h, i: A.i, j: A.j,
    k: A.k, l: A.l, m: A.m, n: A.n, o: A.o, p: A.p, q: A.q, r: A.r, s: A.s, t: A.t,
    u: A.u, v: A.v, w: A.w, x: A.x, y: A.y, z: A.z, '(': A.'(', ')': A.')', '-': A.'-', ' ': A.' ');
};
(Text@, /Std/String%.String@) { /Std/String%.String@; } Turn = (Text@ t, /Std/String%.String@ s) {
  t.?(nil: s);
  Turn(t.cons.tail, /Std/List%.Items(ToChar(t.cons.head), s));
};
/Std/Io/Cli/Print%.Print(/Std/Stream/List%.Puts(Turn(said, /Std/Char/Ascii%.Str|'\n')));
)";

}  // namespace

std::span<const LibraryPiece> library_pieces() { return kPieces; }
std::string_view command_footer() { return kFooter; }
std::string_view letters() { return "0123456789abcdefghijklmnopqrstuvwxyz()- "; }

}  // namespace fble
