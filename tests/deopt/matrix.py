#!/usr/bin/env python3
"""The deopt matrix: which kinds of exits the tests really take.

    matrix.py FBLE_JIT            runs the programs, fails if a cell is empty that should not be, or the other way round
    matrix.py FBLE_JIT --print    also prints the matrix, with the test that filled each cell first

A row is a position in the bytecode: "at OPCODE", where the interpreter goes on, or "behind OPCODE", where a frame waits for
a call to return. The opcodes are those of interp/opcodes.def, so a new one makes empty rows. A column is a way in
which a live value was there (deopt/matrix.h), or a reason to leave: the guards of jit/ir/ir_ops.def, most of them together
("guard"). Ways and reasons are crossed, too.
Cells that cannot be filled are listed in IMPOSSIBLE, with the reason.

The programs are made here: for each opcode a function that keeps a value of each kind alive across an instruction with this
opcode. They run with --deopt-sweep, --deopt-every and --chaos, whose short recordings end anywhere.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANG = ROOT / "tests" / "lang"
CHAOS_SEEDS = 8
# Recordings end after so many IR instructions, so that there is an exit at every place.
CUTS = range(20, 140, 2)

LOCATIONS = ["register", "spill slot", "memory", "other slot", "packed constant", "constant object", "virtual struct",
             "virtual union", "virtual closure", "nested", "shared", "recursive", "packed union", "packed struct"]

HEAD = """
Int@ .= /Std/Int%;
Bool@ .= /Std/Bool%;
I = /Std/Int/Lit%.Int;
Lt = /Std/Int/Cmp%.Lt;
Unit@ = *();
unit = Unit@();
List@ = +(Cell@ cons, Unit@ nil), Cell@ = *(Int@ head, List@ tail);
List@ nil = List@(nil: unit);
Pair@ = *(List@ a, List@ b);
Box@ = +(List@ full, Unit@ empty);
Nest@ = *(Pair@ pair, Box@ box);
Bits@ = +(Bool@ one, Unit@ none);
Two@ = *(Bool@ first, Bool@ second);
Fn1@ = (List@) { List@; };
Fn2@ = (List@, List@) { List@; };
Fn3@ = (List@, List@, List@) { List@; };
Fn4@ = (List@, List@, List@, List@) { List@; };
All@ = *(Pair@ s, Box@ u, (Unit@) { List@; } c, Nest@ n, Bits@ p, Two@ q, Fn1@ rec, List@ r, List@ x, Int@ i, Int@ j,
         Bool@ k, Fn1@ f, List@ w1, List@ w2, List@ w3, List@ w4, List@ w5, List@ w6);
Give@ = (All@) { All@; };
Give2@ = (All@, Unit@) { All@; };
Give3@ = (All@, Unit@, Unit@) { All@; };
Give4@ = (All@, Unit@, Unit@, Unit@) { All@; };
EndB@ = (Bits@) { All@; };
EndT@ = (Two@) { All@; };
EndF@ = (Fn1@) { All@; };
EndX@ = (Box@) { All@; };
End2@ = (Bits@, Two@) { All@; };
End22@ = (Fn1@, Box@) { All@; };
End3@ = (Bits@, Two@, Fn1@) { All@; };
End33@ = (Box@, List@, List@) { All@; };
End4@ = (Bits@, Two@, Fn1@, Box@) { All@; };
Ctx@ = *(List@ x, List@ y, Int@ i, Int@ j, Pair@ pair, Box@ box, Fn1@ g1, Fn2@ g2, Fn3@ g3, Fn4@ g4,
         Give@ give, Give2@ give2, Give3@ give3, Give4@ give4, EndB@ endB, EndT@ endT, EndF@ endF, EndX@ endX, End2@ end2,
         End22@ end22, End3@ end3, End33@ end33, End4@ end4, EndT@ hT, EndX@ hX, End2@ hU, (Nest@) { All@; } hN,
         (Pair@, Pair@) { All@; } hP, (Fn1@, Box@) { All@; } hV, (Box@, List@) { All@; } hW);

(List@) { List@; } G1 = (List@ a) { a.?(cons: a, nil: a); };
(List@, List@) { List@; } G2 = (List@ a, List@ b) { a.?(cons: b, nil: a); };
(List@, List@, List@) { List@; } G3 = (List@ a, List@ b, List@ c) { b.?(cons: a, nil: c); };
(List@, List@, List@, List@) { List@; } G4 = (List@ a, List@ b, List@ c, List@ d) { c.?(cons: d, nil: G3(a, b, c)); };
(All@) { All@; } Give = (All@ all) { all.r.?(cons: all, nil: all); };
(All@, Unit@) { All@; } Give2 = (All@ all, Unit@ _) { Give(all); };
(All@, Unit@, Unit@) { All@; } Give3 = (All@ all, Unit@ _, Unit@ _) { Give(all); };
(All@, Unit@, Unit@, Unit@) { All@; } Give4 = (All@ all, Unit@ _, Unit@ _, Unit@ _) { Give(all); };
(List@) { Fn1@; } Curry = (List@ a) { a.?(cons: (List@ b) { G2(a, b); }, nil: (List@ b) { G2(b, a); }); };
# Too large for a packed word.
Two@ two = Two@(Lt(I|1, I|2), Lt(I|2, I|1));
All@ Some = All@(Pair@(nil, nil), Box@(full: nil), (Unit@ _) { nil; }, Nest@(Pair@(nil, nil), Box@(full: nil)), Bits@(none: unit),
  two, G1, nil, nil, I|1, I|2, two.first, G1, nil, nil, nil, nil, nil, nil);
(Bits@) { All@; } EndB = (Bits@ b) { b.?(one: Some, none: Some); };
(Two@) { All@; } EndT = (Two@ t) { t.first.?(true: Some, false: Some); };
(Fn1@) { All@; } EndF = (Fn1@ f) { f(nil).?(cons: Some, nil: Some); };
(Box@) { All@; } EndX = (Box@ x) { x.?(full: Some, empty: Some); };
(Bits@, Two@) { All@; } End2 = (Bits@ b, Two@ t) { EndB(b).r.?(cons: Some, nil: EndT(t)); };
(Fn1@, Box@) { All@; } End22 = (Fn1@ f, Box@ x) { EndX(x).r.?(cons: Some, nil: EndF(f)); };
(Bits@, Two@, Fn1@) { All@; } End3 = (Bits@ b, Two@ t, Fn1@ f) { End2(b, t).r.?(cons: Some, nil: EndF(f)); };
(Box@, List@, List@) { All@; } End33 = (Box@ x, List@ a, List@ b) { EndX(x).r.?(cons: a.?(cons: Some, nil: Some), nil: b.?(cons: Some, nil: Some)); };
(Bits@, Two@, Fn1@, Box@) { All@; } End4 = (Bits@ b, Two@ t, Fn1@ f, Box@ x) { End3(b, t, f).r.?(cons: Some, nil: EndX(x)); };
List@ Short = List@(cons: Cell@(I|1, nil));
List@ Global = List@(cons: Cell@(I|123456789123456789, List@(cons: Cell@(I|123456789123456789, nil))));

Letter@ = +(Unit@ a, Unit@ b);
Word@ = +(*(Letter@ head, Word@ tail) cons, Unit@ nil);
Letters = (Word@ w) { w; };
# A native that this module may declare.
Logic@ = +(Unit@ true, Unit@ false);
"""

FUNCTION = """
# The arguments have changed places when they get here.
(List@, Ctx@) {{ All@; }} H{number} = (List@ z, Ctx@ t) {{
  # More values than there are registers.
  List@ x = t.x; List@ y = t.y; Int@ i = t.i; Int@ j = t.j;
  List@ w1 = t.pair.a; List@ w2 = t.pair.b;
  List@ w3 = List@(cons: Cell@(/Std/Int%.Add(i, j), z));
  List@ w4 = List@(cons: Cell@(i, w3)); List@ w5 = w4.cons.tail; List@ w6 = t.box.?(full: t.box.full, empty: x);
  Pair@ s = Pair@(x, y);
  Box@ u = Box@(full: w1);
  (Unit@) {{ List@; }} c = (Unit@ _) {{ w2; }};
  Nest@ n = Nest@(s, u);
  Bits@ p = Bits@(one: Lt(i, j));
  Two@ q = Two@(Lt(i, j), Lt(j, i));
  Fn1@ rec = (List@ l) {{ l.?(cons: {{ l.cons.tail.?(cons: rec(nil), nil: x); }}, nil: w6); }};
  Bool@ k = Bool@(true: /Std/Unit%.Unit);
  Fn1@ f = G1;
  List@ r =
    {mark}
    {body};
  All@ all = All@(s, u, c, n, p, q, rec, r, x, i, j, k, f, w1, w2, w3, w4, w5, w6);
  _ = all;
  {mark}
  {end};
}};
(Ctx@, List@) {{ All@; }} F{number} = (Ctx@ t, List@ z) {{ H{number}(z, t); }};
"""

# An instruction with the opcode, in an expression; and how the function ends. `z`, `x`, `y` are lists.
BODIES = {
    "move": [("{ List@ a = z; t.box.?(full: a, empty: a); }", "all")],
    "constant": [("{ Box@ e = Box@(empty: unit); t.g1(List@(cons: Cell@(I|3, e.?(full: x, empty: y)))); }", "all")],
    "capture_field": [("{ (Bits@, Two@, Box@, Pair@, Bool@, Fn1@, Fn1@) { All@; } h = (Bits@ p2, Two@ q2, Box@ u2, Pair@ s2, Bool@ k2, Fn1@ rec2, Fn1@ f2) {"
                       " All@(s2, u2, c, Nest@(s2, u2), p2, q2, rec2, t.x, t.y, t.i, t.j, k2, f2, w1, w2, w3, w4, w5, w6); }; h(p, q, u, s, k, rec, f).r; }", "all"),
                      ("{ Fn1@ h = (List@ a) { G2(a, t.pair.b); }; h(x); }", "all")],
    "global_field": [("G2(GlobalPair.a, z)", "all")],
    "arg_field": [("z.cons.tail", "all"), ("t.g1(z.cons.tail)", "all")],
    "choose": [("t.box.?(full: x, empty: y)", "all"), ("z.?(cons: Global, nil: x)", "all")],
    "capture": [("{ (Bits@, Two@, Box@, Pair@, Bool@, Fn1@, Fn1@) { All@; } h = (Bits@ p2, Two@ q2, Box@ u2, Pair@ s2, Bool@ k2, Fn1@ rec2, Fn1@ f2) {"
                 " All@(s2, u2, c, n, p2, q2, rec2, z, x, i, j, k2, f2, w1, w2, w3, w4, w5, w6); }; h(p, q, u, s, k, rec, f).r; }", "all"),
                ("{ (List@) { Fn1@; } h = (List@ a) { (List@ b) { G2(a, z); }; }; h(x)(y); }", "all"),
                ("{ Fn1@ h = (List@ a) { z.?(cons: a, nil: z); }; h(x); }", "all")],
    "project": [("{ Fn1@ h = (List@ a) { G2(a, s.b); }; t.g1(h(x)); }", "all")],
    "projected": [("{ (Bits@, Two@, Box@, Pair@, Bool@, Fn1@, Fn1@) { All@; } h = (Bits@ p2, Two@ q2, Box@ u2, Pair@ s2, Bool@ k2, Fn1@ rec2, Fn1@ f2) {"
                   " All@(s2, u2, c, n, p2, q2, rec2, t.x, x, i, j, k2, f2, w1, w2, w3, w4, w5, w6); }; h(p, q, u, s, k, rec, f).r; }", "all"),
                  ("{ Fn1@ h = (List@ a) { G2(a, t.pair.b); }; h(x); }", "all")],
    "global": [("G2(Global, z)", "all"), ("{ G1(Global); }", "all")],
    "struct": [("{ Pair@ a = Pair@(z, x); t.g2(a.a, a.b); }", "all")],
    "union": [("{ Box@ a = Box@(full: z); a.?(full: a.full, empty: x); }", "all")],
    "union_struct": [("List@(cons: Cell@(j, z))", "all")],
    "field": [("t.pair.b", "all"), ("t.pair.a", "t.give(all)")],
    "arg": [("t.box.full", "all"), ("z.cons.tail", "all")],
    "known_arg": [("{ Box@ b = t.box; b.?(full: { (Bits@, Two@, Box@, Pair@, Bool@, Fn1@, Fn1@) { All@; } h = (Bits@ p2, Two@ q2, Box@ u2, Pair@ s2, Bool@ k2, Fn1@ rec2, Fn1@ f2) {"
                   " All@(s2, u2, c, Nest@(s2, u2), p2, q2, rec2, b.full, x, i, j, k2, f2, w1, w2, w3, w4, w5, w6); }; h(p, q, u, s, k, rec, f).r; }, empty: x); }", "all"),
                  ("{ Box@ a = t.box; a.?(full: G2(a.full, a.full), empty: y); }", "all")],
    "select": [("t.box.?(full: x, empty: y)", "all")],
    "select_arg": [("z.?(cons: z.cons.tail, nil: x)", "all")],
    "jump": [("{ List@ a = t.box.?(full: G1(x), empty: y); List@(cons: Cell@(i, a)); }", "all")],
    "closure": [("{ Fn1@ h = (List@ a) { G2(a, z); }; t.g1(h(x)); }", "all")],
    "function": [("{ Fn1@ h = (List@ a) { a; }; t.g1(h(z)); }", "all"), ("Apply((List@ a) { a; }, z)", "all")],
    "call": [("t.g4(x, y, z, x)", "all")],
    "call1": [("Spin(I|7, p, q, u)", "all"), ("t.g1(z)", "all"), ("Curry(z)(x)", "all"), ("Over(z)(x)", "all")],
    "call2": [*((f"List@(cons: Cell@({call}, z))", "all") for call in (
                  "/Std/Int%.Mul(i, z.cons.head)", "/Std/Int/Div%.Quot(z.cons.head, j)", "/Std/Int/Div%.Mod(z.cons.head, i)",
                  "/Std/Int%.Mul2(z.cons.head)", "/Std/Int%.Shl(z.cons.head, I|3)", "/Std/Int%.Shl(i, j)", "/Std/Int%.Exp2(i)", "/Std/Int%.Exp(i, i)")),
              ("t.g2(z, x)", "all"), ("t.g3(z)(x, y)", "all")],
    "call3": [("t.g3(z, x, y)", "all"), ("OverThree(z, x, y)", "all")],
    "call_global": [("G4(x, y, z, x)", "all"), ("K4(z, x, y, z)", "all")],
    "call_global1": [("G1(z)", "all"), ("G3(x)(y, z)", "all")],
    "call_global2": [("G2(z, x)", "all"), ("Curry2(z, x)", "all"), ("Lt(z.cons.head, j).?(true: x, false: y)", "all"),
                     ("OverX(z, u).r", "all"), ("OverB(z, p).r", "all"), ("OverT(z, q).r", "all"), ("OverF(z, rec).r", "all"),
                     ("OverN(z, n).r", "all"), ("OverX(z, Box@(empty: unit)).r", "all"), ("MakeBits(i, j).?(one: x, none: y)", "all"),
                     ("MakeTwo(i, j).first.?(true: x, false: y)", "all"), ("MakeRec(z, x)(y)", "all"), ("MakeShared(z, x).a.a", "all")],
    "call_global3": [("G3(z, x, y)", "all"), ("OverThree(x, y, z)", "all"), ("K3(z, x, y)", "all")],
    **{f"tail_call{number}": [("z", f"{call}({args})") for call, args in ends] for number, ends in {
        "": [("t.give4", "all, unit, unit, unit"), ("t.end4", "p, q, rec, u")],
        "1": [("t.give", "all"), ("t.endB", "p"), ("t.endT", "q"), ("t.endF", "rec"), ("t.endX", "u")],
        "2": [("t.give2", "all, unit"), ("t.end2", "p, q"), ("t.end22", "rec, u")],
        "3": [("t.give3", "all, unit, unit"), ("t.end3", "p, q, rec"), ("t.end33", "u, x, y")],
        "_global": [("Give4", "all, unit, unit, unit"), ("End4", "p, q, rec, u"), ("End5", "n, k, z, t.pair.a")],
        "_global1": [("Give", "all"), ("EndB", "p"), ("EndT", "q"), ("EndF", "rec"), ("EndX", "u")],
        "_global2": [("Give2", "all, unit"), ("End2", "p, q"), ("End22", "rec, u")],
        "_global3": [("Give3", "all, unit, unit"), ("End3", "p, q, rec"), ("End33", "u, x, y")],
    }.items()},
    "return": [("z", "all")],
    "list": [("G1[i, j]", "all")],
    "literal": [("{ Letters|'ab'.?(cons: z, nil: x); }", "all")],
    "foreign": [("{ (Logic@) { Logic@; } Not; Not(Logic@(true: unit)).?(true: z, false: x); }", "all")],
    "declare": [("{ Fn1@ a = (List@ l) { l.?(cons: a(nil), nil: z); }; t.g1(a(x)); }", "all")],
    "apply_held": [
        ("{ Fn1@ h = G2(z); h(x); }", "all"), ("{ Fn2@ h = t.g3(z); Fn1@ g = h(x); g(y); }", "all"),
        *((f"{call}.r", "all") for call in ("t.hT(q)", "t.hX(u)", "t.hU(p, q)", "t.hN(n)", "t.hP(s, s)", "t.hV(rec, u)",
                                             "t.hW(Box@(empty: unit), Global)")),],
}

HELPERS = """
# Nobody knows here which function is called.
((Ctx@, List@) { All@; }, Ctx@, List@) { All@; } Run = ((Ctx@, List@) { All@; } f, Ctx@ t, List@ z) { f(t, z); };
# Needs more of the call stack than G1.
(List@) { List@; } Deep3 = (List@ a) { List@ b = G4(a, a, nil, a); G2(b, a); };
(List@) { List@; } Deep2 = (List@ a) { List@ b = Deep3(a); List@ c = Deep3(b); G3(a, b, c); };
(List@) { List@; } Deep1 = (List@ a) { List@ b = Deep2(a); List@ c = Deep2(b); List@ d = Deep3(c); G4(a, b, c, d); };
(Unit@, Bits@, Two@) { All@; } EndU = (Unit@ _, Bits@ b, Two@ t) { End2(b, t); };
(Unit@, Nest@) { All@; } EndN = (Unit@ _, Nest@ n) { EndX(n.box); };
(Unit@, Pair@, Pair@) { All@; } EndP = (Unit@ _, Pair@ a, Pair@ b) { a.b.?(cons: EndX(Box@(full: b.a)), nil: Some); };
(Unit@, Fn1@, Box@) { All@; } EndV = (Unit@ _, Fn1@ f, Box@ x) { End22(f, x); };
(Unit@, Box@, List@) { All@; } EndW = (Unit@ _, Box@ x, List@ l) { EndX(x).r.?(cons: Some, nil: l.?(cons: Some, nil: Some)); };
(Nest@, Bool@, List@, List@) { All@; } End5 = (Nest@ n, Bool@ k, List@ a, List@ b) {
  k.?(true: EndW(unit, n.box, a), false: EndW(unit, n.box, b));
};
# A loop whose variables need not be made.
(Int@, Bits@, Two@, Box@) { List@; } Spin = (Int@ n, Bits@ b, Two@ t, Box@ x) {
  /Std/Int/Sign%.IsZero(n).?(true: { b.?(one: t.first.?(true: x.full, false: nil), none: nil); }, false: {
    Spin(/Std/Int%.Decr(n), Bits@(one: Lt(n, I|3)), Two@(Lt(n, I|4), Lt(I|2, n)), Box@(full: List@(cons: Cell@(n, x.full))));
  });
};
# Functions of one argument that are called with two.
(List@, Box@) { All@; } OverX = (List@ a) { a.?(cons: EndX, nil: EndX); };
(List@, Bits@) { All@; } OverB = (List@ a) { a.?(cons: EndB, nil: EndB); };
(List@, Two@) { All@; } OverT = (List@ a) { a.?(cons: EndT, nil: EndT); };
(List@, Fn1@) { All@; } OverF = (List@ a) { a.?(cons: EndF, nil: EndF); };
(List@, Nest@) { All@; } OverN = (List@ a) { a.?(cons: EndN(unit), nil: EndN(unit)); };
# Functions that return what need not be made.
(Int@, Int@) { Bits@; } MakeBits = (Int@ a, Int@ b) { Bits@(one: Lt(a, b)); };
(Int@, Int@) { Two@; } MakeTwo = (Int@ a, Int@ b) { Two@(Lt(a, b), Lt(b, a)); };
(List@, List@) { Fn1@; } MakeRec = (List@ a, List@ b) {
  Fn1@ rec = (List@ l) { l.?(cons: { l.cons.tail.?(cons: rec(nil), nil: a); }, nil: b); };
  rec;
};
(List@, List@) { *(Pair@ a, Pair@ b); } MakeShared = (List@ a, List@ b) {
  Pair@ p = Pair@(a, b);
  @(a: p, b: p);
};
# Global functions that capture something.
(Ctx@) { (List@, List@, List@) { List@; }; } MakeK3 = (Ctx@ t) { (List@ a, List@ b, List@ c) { t.g3(a, b, c); }; };
(Ctx@) { (List@, List@, List@, List@) { List@; }; } MakeK4 = (Ctx@ t) {
  (List@ a, List@ b, List@ c, List@ d) { t.g4(a, b, c, d); };
};
Ctx@ ctx = Ctx@(Global, nil, I|5, I|9, Pair@(Global, Global), Box@(full: Global), G1, G2, G3, G4, Give, Give2, Give3, Give4,
  EndB, EndT, EndF, EndX, End2, End22, End3, End33, End4,
  End2(Bits@(none: unit)), End22(G1), EndU(unit), EndN(unit), EndP(unit), EndV(unit), EndW(unit));
(List@, List@, List@) { List@; } K3 = MakeK3(ctx);
(List@, List@, List@, List@) { List@; } K4 = MakeK4(ctx);
Pair@ GlobalPair = Pair@(Global, nil);
(Fn1@, List@) { List@; } Apply = (Fn1@ f, List@ a) { f(a); };
(List@) { Fn1@; } Over = (List@ a) { a.?(cons: G2(a), nil: Curry(a)); };
(List@, List@) { List@; } Curry2 = (List@ a, List@ b) { Curry(a)(b); };
(List@, List@, List@) { List@; } OverThree = (List@ a, List@ b, List@ c) { G1(Curry(G2(a, b))(c)); };
"""

LOOP = """
(Ctx@, Int@, List@) {{ List@; }} Loop{number} = (Ctx@ t, Int@ n, List@ z) {{
  /Std/Int/Sign%.IsZero(n).?(true: z, false: {{
    List@ r = Run(F{number}, t, z).r;
    Loop{number}(t, /Std/Int%.Decr(n), r.?(cons: z, nil: z));
  }});
}};
_ = Loop{number}(ctx, I|4, Global);
_ = Loop{number}(other, I|4, Global);
_ = Loop{number}(ctx, I|4, Short);
_ = Loop{number}(ctx, I|4, Global);
"""

OTHER = """
Ctx@ other = Ctx@(G1(Global), Global, I|9, I|5, Pair@(nil, Global), Box@(full: nil),
  (List@ a) { List@ b = Deep1(a); G2(b, a); }, (List@ a, List@ b) { List@ c = Deep1(b); G2(c, a); }, (List@ a, List@ b, List@ c) { a; }, (List@ a, List@ b, List@ c, List@ d) { b; },
  (All@ all) { all; }, Give2, Give3, Give4, EndB, EndT, EndF, EndX, End2, End22, End3, End33, End4,
  End2(Bits@(none: unit)), End22(G1), EndU(unit), EndN(unit), EndP(unit), EndV(unit), EndW(unit));
"""

# The first variable of a module is defined at the end of a trace: its value may not be made yet.
MODULES = ["List@ v = /B%.ctx.x;", "Pair@ v = Pair@(/B%.ctx.x, /B%.ctx.x);", "Box@ v = Box@(full: /B%.ctx.x);",
           "Nest@ v = Nest@(Pair@(/B%.ctx.x, /B%.ctx.x), Box@(full: /B%.ctx.x));", "Fn1@ v = /B%.G2(/B%.ctx.x);",
           "*(Pair@ a, Pair@ b) v = { Pair@ p = Pair@(/B%.ctx.x, /B%.ctx.x); @(a: p, b: p); };",
           "Bits@ v = Bits@(one: /B%.Lt(/B%.ctx.i, /B%.ctx.j));",
           "Two@ v = Two@(/B%.Lt(/B%.ctx.i, /B%.ctx.j), /B%.Lt(/B%.ctx.j, /B%.ctx.i));",
           "Fn1@ v = { List@ x = /B%.ctx.x; Fn1@ f = (List@ l) { l.?(cons: f(l.cons.tail), nil: x); }; f; };"]
TYPES = "Unit@, List@, Pair@, Box@, Nest@, Bits@, Two@, Fn1@ .= /B%;\n"
EXPORTS = "\n@(Unit@, List@, Pair@, Box@, Nest@, Bits@, Two@, Fn1@, Lt, G2, ctx);\n"

# What cannot be, and why: positions (a regular expression), columns (likewise), the reason.
IMPOSSIBLE = [
    ("at halt", ".*", "it belongs to the code that starts a run, which is not recorded"),
    ("at define", ".*", "guards in a group of recursive values go back to its declaration, and a group with other things in between "
                        "ends the trace in front of it"),
    ("at .*", "return", "a call's return is behind the call"),
    ("(?!memory|at |behind ).*", "return", "when a call returns all is in memory"),
    ("at (closure|constant|declare|foreign|function|global|jump|literal|move|capture)", "guard", "it looks at no value"),
    ("at call_global3?", "guard", "the function is a constant, and no native of three arguments is computed in traces"),
    ("at set_global", "guard", "it looks at no value"),
    ("at set_global", "recursive", "what is recursive in a module's body is a global itself, and defined before"),
    ("at global_field", "guard", "the struct is a constant"),
    ("at (mark|projected)", "guard", "it looks at no value"),
    ("at (?!mark$).*", "mark", "a mark is an instruction of its own"),
]

# All that can be inlined is.
INLINE = [word for name, value in (("inline_paths", 100), ("inline_product", 100000), ("inline_size", 500), ("max_depth", 20), ("site_functions", 1))
          for word in ("--jit-param", f"{name}={value}")]

# Cells without a test of which nobody knows that they cannot be: the list is to become shorter.
OPEN = [
    ("at (native_body|projected)", ".*"),
    ("at mark", "memory|trace end"),
    ("behind over-application", "mark"),
    ("at (call_global3?|constant|foreign|function|list|move|set_global|tail_call_global|capture_field)", "other slot"),
    ("behind call(2|3|_global3)?", "other slot"),
    ("at known_arg", "constant object|packed constant|packed struct|packed union|recursive|shared|trace end|virtual union"),
    ("at move", "packed struct"),
    ("at set_global", "spill slot|shared"),
    ("packed struct|packed union|virtual union", "poll"),
]

NAME = "/SpecTests/'10.1-ForeignValue'/Basic/Basic%"


def opcodes():
    text = (ROOT / "interp" / "opcodes.def").read_text()
    return re.findall(r'^FBLE_OP\(\w+,\s*"(\w+)",\s*"(\w*)"', text, re.M)


# Guards that are reasons of their own. All others, also those to come, are "guard".
REASON_OF = {"exit": "trace end", "alloc_check": "collect", "stack_check": "poll", "loop_back": "poll", "call": "return",
             "mark": "mark"}


def guards():
    text = (ROOT / "jit" / "ir" / "ir_ops.def").read_text()
    return [name for name, effects in re.findall(r'^FBLE_IR\(\w+,\s*"(\w+)",\s*"\w*",\s*"[VIK-]",\s*"(\w*)"', text, re.M)
            if "g" in effects]


def reasons():
    return sorted({REASON_OF.get(name, "guard") for name in guards()})


def positions():
    calls = [name for name, operands in opcodes() if operands.endswith("DB")]
    return [f"at {name}" for name, _ in opcodes()] + [f"behind {name}" for name in calls] + ["behind over-application"]


def program(opcodes, mark=""):
    text = [HEAD, HELPERS, OTHER]
    number = 0
    for opcode in opcodes:
        for body, end in BODIES[opcode]:
            text += [FUNCTION.format(number=number, body=body, end=end, mark=mark), LOOP.format(number=number)]
            number += 1
    return "".join(text) + "Loop0(ctx, I|1, Short);\n"


def put(folder, text):
    """The program as a module that may declare a native."""
    where = folder / "SpecTests" / "10.1-ForeignValue" / "Basic"
    where.mkdir(parents=True)
    (where / "Basic.fble").write_text(text)
    return folder


def runs(fble, folder):
    """Names, and what to run."""
    def words_for(root, module=NAME):
        return [fble, "test", "-I", str(root), "-m", module, "--jit=eager"]

    for opcode in BODIES:
        words = words_for(put(folder / opcode, program([opcode])))
        yield f"{opcode}, sweep", [*words, "--deopt-sweep"]
        yield f"{opcode}, all inlined", [*words, "--deopt-sweep", *INLINE]
    words = words_for(put(folder / "all", program(BODIES)))
    # Behind a mark the interpreter goes on: programs with marks show nothing else. Not all marks are reached in machine
    # code, for which `fble-jit test` has a status.
    marked = program(BODIES, "# deopt-here!")
    in_callees = re.sub(r"(\b(?:G|Give|End)[1-4BTFX]? = \([^)]*\) \{)", r"\1\n# deopt-here!\n", program(BODIES))
    for name, text in (("marked", marked), ("marked callees", in_callees)):
        words_marked = words_for(put(folder / name, text))
        yield f"marks/{name}", words_marked
        yield f"marks/{name}, all inlined", [*words_marked, *INLINE]
    for length in CUTS:
        yield f"all opcodes, cut at {length}", [*words, *INLINE, "--jit-param", f"max_instructions={length}"]
    for seed in range(1, CHAOS_SEEDS + 1):
        yield f"all opcodes, chaos {seed}", [*words, f"--chaos={seed}"]
        yield f"all opcodes, all inlined, chaos {seed}", [*words, *INLINE, f"--chaos={seed}"]
        yield f"all opcodes, not inlined, chaos {seed}", [*words, "--jit-param", "inline_size=1", f"--chaos={seed}"]
    for length in range(15, 100, 2):
        yield f"all opcodes, not inlined, cut at {length}", [*words, "--jit-param", "inline_size=1", "--jit-param",
                                                             f"max_instructions={length}"]
    yield "all opcodes, nothing inlined", [*words, "--deopt-sweep", "--jit-param", "inline_size=1"]
    yield "all opcodes, every exit", [*words, "--deopt-every=1"]
    (folder / "B.fble").write_text(HEAD + HELPERS + EXPORTS)
    for number, text in enumerate(MODULES):
        (folder / f"M{number}.fble").write_text(f"{TYPES}{text}\n# It is a global if a function mentions it.\nf = (Unit@ _) {{ v; }};\nf;\n")
        for seed in range(30 if number == 0 else 4):
            yield f"module {number}, {seed}", [*words_for(folder, f"/M{number}%"), *([f"--chaos={seed}"] if seed else ["--deopt-sweep"])]
    for topic in ("21-recursion", "22-calls", "23-packing", "30-programs"):
        for file in sorted((LANG / topic).glob("*.fble")):
            words = [fble, "test", "-I", str(LANG), str(file), "--jit=eager"]
            yield f"{topic}/{file.stem}, sweep", [*words, "--deopt-sweep"]
            yield f"{topic}/{file.stem}, chaos", [*words, "--chaos=1"]


def run(job, cells_file):
    name, words = job
    outcome = subprocess.run(words, capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
                             env=dict(os.environ, FBLE_DEOPT_MATRIX=str(cells_file)))
    problem = ""
    # Programs of tests/lang may be meant to fail, and not all marks are hit: but nothing may crash.
    crashed = outcome.returncode < 0 or b"internal error" in outcome.stderr
    if crashed or (outcome.returncode != 0 and "/" not in name):
        problem = next((line for line in outcome.stderr.decode(errors="replace").splitlines() if "error" in line), "fails")
    cells = cells_file.read_text().splitlines() if cells_file.exists() else []
    return name, [tuple(line.split("\t")[:3]) for line in cells], outcome.returncode, problem


def reason_for(position, column):
    for rows, columns, why in IMPOSSIBLE:
        if re.fullmatch(rows, position) and re.fullmatch(columns, column):
            return why
    return None


def is_open(row, column):
    return any(re.fullmatch(rows, row) and re.fullmatch(columns, column) for rows, columns in OPEN)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fble")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    filled = {}
    problems = []
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        folder = pathlib.Path(name)
        jobs = list(runs(arguments.fble, folder))
        futures = [pool.submit(run, job, folder / f"cells-{index}") for index, job in enumerate(jobs)]
        for future in futures:
            test, cells, status, problem = future.result()
            if problem:
                problems.append(f"{test}: {problem}")
            for position, location, guard in cells:
                reason = REASON_OF.get(guard, "guard")
                filled.setdefault((position, location), test)
                filled.setdefault((position, reason), test)
                filled.setdefault((location, reason), test)
                filled.setdefault((guard, "taken"), test)
    # Where garbage is collected and attention is paid is where there is a state to go back to: not a matter of opcodes.
    required = [reason for reason in reasons() if reason not in ("collect", "poll")]
    table = [(row, column) for row in positions() for column in LOCATIONS + required]
    table += [(row, column) for row in LOCATIONS for column in reasons()]
    table += [(row, "taken") for row in guards()]
    still_open = 0
    for row, column in table:
        why, test = reason_for(row, column), filled.get((row, column))
        if test is None and why is None and is_open(row, column):
            still_open += 1
            why = "nothing known, no test"
        if test is None and why is None:
            problems.append(f"no test for: {row}, {column}")
        if test is not None and why is not None:
            problems.append(f"said to be impossible ({why}): {row}, {column}: {test}")
        if arguments.print:
            print(f"{row:26} {column:18} {test or 'no test: ' + (why or '?')}")
    rows, columns = positions() + LOCATIONS + guards(), LOCATIONS + reasons() + ["taken"]
    problems.extend(f"not in the matrix: {row}, {column}" for row, column in filled if row not in rows or column not in columns)
    count = len(set(filled) & set(table))
    for problem in sorted(set(problems)):
        print(problem)
    print(f"{len(table)} cells: {count} filled by tests, {len(table) - count - still_open} impossible, {still_open} open; "
          f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
