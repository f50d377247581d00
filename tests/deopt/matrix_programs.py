"""The programs of matrix.py.

A function H keeps values of all kinds in slots, across an instruction with the opcode in question and again across its end; F calls it with
the arguments in another order, Loop calls that often enough. The contexts `ctx`, `other` and `failing` make them take other ways.
"""

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
         (Pair@, Pair@) { All@; } hP, (Fn1@, Box@) { All@; } hV, (Box@, List@) { All@; } hW,
         Box@ bad, Int@ number, (Box@) { List@; } e1, (Box@, List@) { List@; } e2, (Box@, List@, List@) { List@; } e3,
         (Box@, List@, List@, List@) { List@; } e4);

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
    {point}
    {body};
  All@ all = All@(s, u, c, n, p, q, rec, r, x, i, j, k, f, w1, w2, w3, w4, w5, w6);
  _ = all;
  {point}
  {end};
}};
(Ctx@, List@) {{ All@; }} F{number} = (Ctx@ t, List@ z) {{ H{number}(z, t); }};
"""

# An instruction with the opcode, in an expression; and how the function ends. `z`, `x`, `y` are lists.
BODIES = {
    "move": [("z.?(cons: x, nil: t.x)", "all"), ("z.?(cons: z, nil: t.x)", "all")],
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

# Expressions that fail with `failing`, by the position in the bytecode, or of a frame that waits.
FAILING = {
    "at arg": "t.bad.full", "at arg_field": "z.cons.tail",
    "at call1": "List@(cons: Cell@(/Std/Int%.Exp2(t.number), z))", "at call2": "List@(cons: Cell@(/Std/Int/Div%.Quot(i, t.number), z))",
    "at call_global1": "List@(cons: Cell@(Exp2(t.number), z))", "at call_global2": "List@(cons: Cell@(Quot(i, t.number), z))",
    "at tail_call1": "List@(cons: Cell@(ETail1(t), z))", "at tail_call2": "List@(cons: Cell@(ETail2(t), z))",
    "at tail_call_global1": "List@(cons: Cell@(ETailGlobal1(t), z))",
    "at tail_call_global2": "List@(cons: Cell@(ETailGlobal2(t), z))",
    "at native_body": "List@(cons: Cell@(/Std/Int/Sqrt%.Sqrt(t.number).q, z))",
    "behind call": "t.e4(t.bad, x, y, z)", "behind call1": "t.e1(t.bad)", "behind call2": "t.e2(t.bad, x)", "behind call3": "t.e3(t.bad, x, z)",
    "behind call_global": "E4(t.bad, x, y, z)", "behind call_global1": "E1(t.bad)", "behind call_global2": "E2(t.bad, x)",
    "behind call_global3": "E3(t.bad, x, z)", "behind over-application": "EOver(t.bad)(z)",
}

HELPERS = """
# The called function is not known here.
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
# They fail if the box is empty.
(Box@) { List@; } E1 = (Box@ b) { b.full.?(cons: b.full, nil: Short); };
(Box@, List@) { List@; } E2 = (Box@ b, List@ x) { b.full.?(cons: x, nil: Short); };
(Box@, List@, List@) { List@; } E3 = (Box@ b, List@ x, List@ y) { b.full.?(cons: x, nil: y); };
(Box@, List@, List@, List@) { List@; } E4 = (Box@ b, List@ x, List@ y, List@ z) { b.full.?(cons: x, nil: G2(y, z)); };
(Box@) { Fn1@; } EOver = (Box@ b) { b.full.?(cons: G2(Short), nil: G1); };
# They fail if the number is negative, or zero.
(Int@) { Int@; } Exp2 = /Std/Int%.Exp2;
(Int@, Int@) { Int@; } Quot = /Std/Int/Div%.Quot;
(Ctx@) { Int@; } ETail1 = (Ctx@ t) { /Std/Int%.Exp2(t.number); };
(Ctx@) { Int@; } ETail2 = (Ctx@ t) { /Std/Int/Div%.Quot(t.i, t.number); };
(Ctx@) { Int@; } ETailGlobal1 = (Ctx@ t) { Exp2(t.number); };
(Ctx@) { Int@; } ETailGlobal2 = (Ctx@ t) { Quot(t.i, t.number); };
# Global functions that capture something.
(Ctx@) { (List@, List@, List@) { List@; }; } MakeK3 = (Ctx@ t) { (List@ a, List@ b, List@ c) { t.g3(a, b, c); }; };
(Ctx@) { (List@, List@, List@, List@) { List@; }; } MakeK4 = (Ctx@ t) {
  (List@ a, List@ b, List@ c, List@ d) { t.g4(a, b, c, d); };
};
Ctx@ ctx = Ctx@(Global, nil, I|5, I|9, Pair@(Global, Global), Box@(full: Global), G1, G2, G3, G4, Give, Give2, Give3, Give4,
  EndB, EndT, EndF, EndX, End2, End22, End3, End33, End4,
  End2(Bits@(none: unit)), End22(G1), EndU(unit), EndN(unit), EndP(unit), EndV(unit), EndW(unit), Box@(full: Global), I|7, E1, E2, E3, E4);
(List@, List@, List@) { List@; } K3 = MakeK3(ctx);
(List@, List@, List@, List@) { List@; } K4 = MakeK4(ctx);
Int@ Big = /Std/Int%.Exp(I|9, I|40);
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
  End2(Bits@(none: unit)), End22(G1), EndU(unit), EndN(unit), EndP(unit), EndV(unit), EndW(unit), Box@(full: Global), I|7, E1, E2, E3, E4);
"""

FAILURE = """
Ctx@ failing = Ctx@(Global, nil, I|5, I|9, Pair@(Global, Global), Box@(full: Global), G1, G2, G3, G4, Give, Give2, Give3, Give4,
  EndB, EndT, EndF, EndX, End2, End22, End3, End33, End4,
  End2(Bits@(none: unit)), End22(G1), EndU(unit), EndN(unit), EndP(unit), EndV(unit), EndW(unit),
  Box@(empty: unit), {number}, E1, E2, E3, E4);
_ = Loop0(ctx, I|9, Global);
Loop0(failing, I|1, {list});
"""

# Values that are already in call frames: `a`, `b` and `c` are read after the instruction only. It is not the first
# of its function, and follows a recorded instruction, so that a recording can be cut before it.
IN_SLOTS = {
    "move": "{ List@ x = t.x; List@ y = t.y; List@ r = x.?(cons: y, nil: t.x); Out(r, a, b, c); }",
    "capture_field": "f(a, b, c)",
    "tail_call_global": "{ List@ x = t.x; G4(x, a, b, c); }",
    "tail_call": "{ List@ x = t.x; t.g4(x, a, b, c); }",
    "tail_call_global1": "{ List@ x = t.x; x.?(cons: G1(a), nil: G1(c)); }",
    "tail_call_global2": "{ List@ x = t.x; x.?(cons: G2(a, b), nil: G2(c, b)); }",
    "tail_call_global3": "{ List@ x = t.x; x.?(cons: G3(a, b, c), nil: G3(c, b, a)); }",
    "tail_call1": "{ List@ x = t.x; x.?(cons: t.g1(a), nil: t.g1(c)); }",
    "tail_call3": "{ List@ x = t.x; x.?(cons: t.g3(a, b, c), nil: t.g3(c, b, a)); }",
    **{opcode: f"{{ List@ x = t.x; List@ y = t.y; Int@ i = t.i; Int@ j = t.j; List@ r = {body}; Out(r, a, b, c); }}" for opcode, body in {
        "call": "t.g4(x, y, x, y)", "call3": "t.g3(x, y, x)", "call_global": "G4(x, y, x, y)", "call_global3": "G3(x, y, x)",
        "function": "{ Fn1@ h = (List@ l) { l; }; t.g1(h(x)); }",
        "project": "{ Pair@ s = Pair@(x, y); Fn1@ h = (List@ l) { G2(l, s.b); }; t.g1(h(x)); }",
        "list": "G1[i, j]", "foreign": "{ (Logic@) { Logic@; } Not; Not(Logic@(true: unit)).?(true: x, false: y); }"}.items()},
}
IN_SLOTS_HEAD = """
(List@, List@, List@, List@) { List@; } Out = (List@ r, List@ a, List@ b, List@ c) { r.?(cons: G3(a, b, c), nil: c); };
(Ctx@) { Fn3@; } MakeCaptures = (Ctx@ t) {
  Fn3@ h = (List@ a, List@ b, List@ c) { List@ x = t.x; List@ y = t.y; Out(x, a, b, c).?(cons: y, nil: x); };
  _ = h;
  h;
};
"""
# `{types}`, `{names}` and `{values}` are further arguments, which take registers away from `a`, `b` and `c`.
IN_SLOTS_FUNCTION = """
(Ctx@, Fn3@, {types}List@, List@, List@) {{ List@; }} N{number} = (Ctx@ t, Fn3@ f, {names}List@ a, List@ b, List@ c) {{ {body}; }};
(Ctx@, Fn3@, {types}List@, List@, List@, List@) {{ List@; }} W{number} = (Ctx@ t, Fn3@ f, {names}List@ d, List@ a, List@ b, List@ c) {{
  N{number}(t, f, {values}a, b, c).?(cons: d, nil: a);
}};
(Ctx@, Fn3@, Int@, {types}List@) {{ List@; }} L{number} = (Ctx@ t, Fn3@ f, Int@ n, {names}List@ z) {{
  /Std/Int/Sign%.IsZero(n).?(true: z, false: {{
    List@ r = W{number}(t, f, {values}z, z, z, z);
    L{number}(t, f, /Std/Int%.Decr(n), {values}r.?(cons: z, nil: z));
  }});
}};
_ = L{number}(ctx, MakeCaptures(ctx), I|4, {values}Global);
_ = L{number}(other, MakeCaptures(ctx), I|4, {values}Global);
"""
FURTHER_ARGUMENTS = [{"types": "Unit@, " * count, "names": "Unit@ _, " * count, "values": "unit, " * count} for count in (0, 2)]

# Closures and natives that are not known where they are called. The captures are read from memory, so that a recording
# can be cut before the next instruction.
HELD = """
Held@ = (Pair@, Box@, (Unit@) { List@; }, Nest@, Bits@, Two@, Fn1@, Bool@, Fn1@, List@, Int@, Int@,
         List@, List@, List@, List@, List@, List@) { All@; };
(Pair@, List@) { Held@; } MakeProjected = (Pair@ pair, List@ y) {
  Held@ h = (Pair@ s, Box@ u, (Unit@) { List@; } c, Nest@ n, Bits@ p, Two@ q, Fn1@ rec, Bool@ k, Fn1@ f, List@ _, Int@ i, Int@ j,
             List@ w1, List@ w2, List@ w3, List@ w4, List@ w5, List@ w6) {
    All@(s, u, c, n, p, q, rec, y, pair.a, i, j, k, f, w1, w2, w3, w4, w5, w6);
  };
  _ = h;
  h;
};
(Box@, List@) { Held@; } MakeKnown = (Box@ box, List@ y) {
  box.?(full: (Pair@ s, Box@ u, (Unit@) { List@; } c, Nest@ n, Bits@ p, Two@ q, Fn1@ rec, Bool@ k, Fn1@ f, List@ _, Int@ i, Int@ j,
               List@ w1, List@ w2, List@ w3, List@ w4, List@ w5, List@ w6) {
    All@(s, u, c, n, p, q, rec, y, box.full, i, j, k, f, w1, w2, w3, w4, w5, w6);
  }, empty: (Pair@ s, Box@ u, (Unit@) { List@; } c, Nest@ n, Bits@ p, Two@ q, Fn1@ rec, Bool@ k, Fn1@ f, List@ x, Int@ i, Int@ j,
             List@ w1, List@ w2, List@ w3, List@ w4, List@ w5, List@ w6) {
    All@(s, u, c, n, p, q, rec, y, x, i, j, k, f, w1, w2, w3, w4, w5, w6);
  });
};
"""
# More numbers than there are registers.
SUMS = [f"n{i}" for i in range(1, 13)]
HELD += f"""
Sums@ = ({', '.join(['Int@'] * len(SUMS))}) {{ All@; }};
(Pair@) {{ Sums@; }} MakeSums = (Pair@ pair) {{
  Sums@ h = ({', '.join('Int@ ' + name for name in SUMS)}) {{
    List@ x = pair.a;
    All@ all = Some;
    All@(all.s, all.u, all.c, all.n, all.p, all.q, all.rec, x, x, {' '.join(f'/Std/Int%.Add({name},' for name in SUMS)} n1{')' * len(SUMS)},
      all.j, all.k, all.f, x, x, x, x, x, x);
  }};
  _ = h;
  h;
}};
"""
# How H calls its argument, the type of the argument, and the argument.
GIVEN = [("h(s, u, c, n, p, q, rec, k, f, x, i, j, w1, w2, w3, w4, w5, w6).r", "Held@", "MakeProjected(ctx.pair, Global)"),
         ("h(s, u, c, n, p, q, rec, k, f, x, i, j, w1, w2, w3, w4, w5, w6).r", "Held@", "MakeKnown(ctx.box, Global)"),
         (f"{{ Int@ n0 = i; {' '.join(f'Int@ n{i} = /Std/Int%.Add(n{i - 1}, j);' for i in range(1, 13))} h({', '.join(SUMS)}).r; }}",
          "Sums@", "MakeSums(ctx.pair)"),
         *((f"h({value}).?(nothing: x, just: y)", f"({type}) {{ Got@; }}", f"Nothing<{type}>") for type, values in {
             "Pair@": "s", "Box@": "u", "(Unit@) { List@; }": "c", "Nest@": "n", "Bits@": "p", "Two@": "q", "Fn1@": "rec f",
             "List@": "z w1 w2 w5", "Int@": "i j", "Bool@": "k"}.items() for value in values.split())]
GIVEN_LOOP = """
((List@, Ctx@, {type}) {{ All@; }}, List@, Ctx@, {type}) {{ All@; }} Run{number} =
  ((List@, Ctx@, {type}) {{ All@; }} f, List@ z, Ctx@ t, {type} h) {{ f(z, t, h); }};
(Ctx@, {type}, Int@, List@) {{ List@; }} Loop{number} = (Ctx@ t, {type} h, Int@ n, List@ z) {{
  /Std/Int/Sign%.IsZero(n).?(true: z, false: {{
    List@ r = Run{number}(H{number}, z, t, h).r;
    Loop{number}(t, h, /Std/Int%.Decr(n), r.?(cons: z, nil: z));
  }});
}};
_ = Loop{number}(ctx, {given}, I|4, Global);
"""
# A native whose arguments are where they were before its call, or elsewhere in a call frame.
NATIVES_IN_SLOTS = """
# The first four arguments come in registers.
(Unit@, Unit@, Unit@, Unit@, List@, (List@) { Got@; }) { Got@; } First =
  (Unit@ _, Unit@ _, Unit@ _, Unit@ _, List@ a, (List@) { Got@; } f) { f(a); };
(Unit@, Unit@, Unit@, Unit@, (List@) { Got@; }, List@) { Got@; } Second =
  (Unit@ _, Unit@ _, Unit@ _, Unit@ _, (List@) { Got@; } f, List@ a) { f(a); };
# An argument that is needed after a call is in its slot.
(List@) { List@; } Last = (List@ a) { a.?(cons: Last(a.cons.tail), nil: a); };
(List@, (List@) { Got@; }) { Got@; } After = (List@ a, (List@) { Got@; } f) { Last(a).?(cons: f(a), nil: f(a)); };
(Int@, Unit@, Unit@, Unit@, (List@) { Got@; }, List@) { List@; } LoopN = (Int@ n, Unit@ _, Unit@ _, Unit@ _, (List@) { Got@; } f, List@ a) {
  /Std/Int/Sign%.IsZero(n).?(true: a, false: {
    First(unit, unit, unit, unit, a, f).?(nothing: Second(unit, unit, unit, unit, f, a).?(nothing: After(a, f).?(nothing:
      LoopN(/Std/Int%.Decr(n), unit, unit, unit, f, a), just: a), just: a), just: a);
  });
};
_ = LoopN(I|9, unit, unit, unit, Nothing<List@>, Global);
"""
POLY = """
Unit@ .= /Std/Unit%;
Got@ = +(Unit@ nothing, Unit@ just);
<@ T@>(T@) { Got@; } Nothing;
@(Got@, Nothing);
"""
USE_POLY = "Got@, Nothing .= /SpecTests/'10.1-ForeignValue'/Basic/Poly%;\n"

# A function whose first way needs less of the call stack than the second, which is a bridge: at the limit of the stack it
# leaves at its start.
LEVELS = """
(Bits@, Two@, Box@, List@) { List@; } Use = (Bits@ b, Two@ q, Box@ u, List@ x) {
  b.?(one: q.first.?(true: u.?(full: u.full, empty: x), false: x), none: x);
};
# Has a large frame.
(List@) { List@; } Wide = (List@ a) {
  List@ b = a.?(cons: a.cons.tail, nil: a);
  All@ all = All@(Pair@(a, b), Box@(full: a), (Unit@ _) { a; }, Nest@(Pair@(a, b), Box@(full: a)), Bits@(none: unit), two, G1, a, b,
    I|1, I|2, two.first, G1, b, b, b, b, b, b);
  all.r.?(cons: all.x, nil: all.w1).?(cons: a, nil: all.r);
};
(Int@, Int@, Int@, List@, List@) { List@; } Levels = (Int@ n, Int@ i, Int@ j, List@ x, List@ y) {
  Bits@ b = Bits@(one: Lt(i, j));
  Two@ q = Two@(Lt(i, j), Lt(j, i));
  Box@ u = Box@(full: y);
  /Std/Int/Sign%.IsZero(n).?(true: Use(b, q, u, x), false: {
    Int@ m = /Std/Int%.Decr(n);
    x.?(cons: {
      List@ r = Levels(m, i, j, nil, y);
      r.?(cons: r, nil: y);
    }, nil: {
      Wide(y).?(cons: { List@ r = Levels(m, i, j, y, y); r.?(cons: r, nil: y); }, nil: Use(b, q, u, x));
    });
  });
};
Levels(I|20000, I|2, I|3, Global, Global);
"""

# The first variable of a module is defined at the end of a trace: its value may not be made yet.
MODULES = ["List@ v = /B%.ctx.x;", "Pair@ v = Pair@(/B%.ctx.x, /B%.ctx.x);", "Box@ v = Box@(full: /B%.ctx.x);",
           "Nest@ v = Nest@(Pair@(/B%.ctx.x, /B%.ctx.x), Box@(full: /B%.ctx.x));", "Fn1@ v = /B%.G2(/B%.ctx.x);",
           "*(Pair@ a, Pair@ b) v = { Pair@ p = Pair@(/B%.ctx.x, /B%.ctx.x); @(a: p, b: p); };",
           "Bits@ v = Bits@(one: /B%.Lt(/B%.ctx.i, /B%.ctx.j));",
           "Two@ v = Two@(/B%.Lt(/B%.ctx.i, /B%.ctx.j), /B%.Lt(/B%.ctx.j, /B%.ctx.i));",
           "Fn1@ v = { List@ x = /B%.ctx.x; Fn1@ f = (List@ l) { l.?(cons: f(l.cons.tail), nil: x); }; f; };"]
# Numbers in registers and spill slots, where a global is defined.
NUMBERS = "abcdeghijklmno"
MODULES.append("Int@, Big .= /B%;\nInt@ a = /Std/Int%.Exp(Big, /B%.ctx.i);\n" +
               "".join(f"Int@ {b} = /Std/Int%.Add({a}, Big);\n" for a, b in zip(NUMBERS, NUMBERS[1:])) + "List@ v = /B%.ctx.x;\n"
               f"*({', '.join(f'Int@ {name}' for name in NUMBERS)}) all = @({', '.join(NUMBERS)});\n_ = all;")
TYPES = "Unit@, List@, Pair@, Box@, Nest@, Bits@, Two@, Fn1@ .= /B%;\n"
EXPORTS = "\n@(Unit@, List@, Pair@, Box@, Nest@, Bits@, Two@, Fn1@, Lt, G2, ctx, Int@, Big);\n"


def program(opcodes, point=""):
    text = [HEAD, HELPERS, OTHER]
    number = 0
    for opcode in opcodes:
        for body, end in BODIES[opcode]:
            text += [FUNCTION.format(number=number, body=body, end=end, point=point), LOOP.format(number=number)]
            number += 1
    return "".join(text) + "Loop0(ctx, I|1, Short);\n"


def failing_program(position):
    function = FUNCTION.format(number=0, body=FAILING[position], end="all", point="") + LOOP.format(number=0)
    # Division fails for zero, the other functions for negative numbers.
    number = "I|0" if "2" in position else "/Std/Int%.Neg(I|9)"
    return HEAD + HELPERS + OTHER + function + FAILURE.format(number=number, list="nil" if "field" in position else "Global")


def slots_program():
    text = [HEAD, HELPERS, OTHER, IN_SLOTS_HEAD]
    text += [IN_SLOTS_FUNCTION.format(number=f"{number}_{len(further['values'])}", body=body, **further)
             for number, body in enumerate(IN_SLOTS.values()) for further in FURTHER_ARGUMENTS]
    return "".join(text) + "L0_0(ctx, G3, I|1, Short);\n"


def given_program():
    text = [USE_POLY, HEAD, HELPERS, OTHER, HELD]
    for number, (body, type, given) in enumerate(GIVEN):
        function = FUNCTION.format(number=number, body=body, end="all", point="")
        head = f"(List@, Ctx@) {{ All@; }} H{number} = (List@ z, Ctx@ t)"
        with_argument = f"(List@, Ctx@, {type}) {{ All@; }} H{number} = (List@ z, Ctx@ t, {type} h)"
        function = function[:function.index(f"(Ctx@, List@) {{ All@; }} F{number}")].replace(head, with_argument)
        text += [function, GIVEN_LOOP.format(number=number, type=type, given=given)]
    return "".join(text) + NATIVES_IN_SLOTS + "LoopN(I|9, unit, unit, unit, Nothing<List@>, Global);\n"
