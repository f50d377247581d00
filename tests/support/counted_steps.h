// Counts of instructions, taken by an observer of each step: what exact counts must be.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "frontends/fble/lower.h"
#include "interp/call_frame.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "interp/step_observer.h"
#include "tests/support/checked_source.h"

namespace fble {

/// By "function+offset" of an instruction: how often it ran. Glue is left out.
using StepCounts = std::map<std::string, uint64_t>;

inline std::string step_name(const Code& code, const uint32_t* pc) {
  return code.block.str() + "+" + std::to_string(pc - code.start);
}

class StepCounter final : public StepObserver {
 public:
  void step(const Word*, const uint32_t* pc, const Word* fp, size_t) override {
    const Code& code = code_of_frame(fp);
    if (!code.is_glue) ++counts[step_name(code, pc)];
  }
  void begin_run() override {}
  void start_thread(uint32_t, uint32_t) override {}
  void end_thread(uint32_t) override {}
  void select_thread(uint32_t) override {}

  StepCounts counts;
};

/// A program as text, whose instructions are counted.
class CountedProgram {
 public:
  explicit CountedProgram(const char* text) : checked_(source_.add("/P%", text).check()) {}

  /// Returns what the observer has counted.
  StepCounts observed() {
    StepCounter counter;
    run({.steps = &counter}, [](Carrier&) { return nullptr; });
    return counter.counts;
  }
  /// Returns what the machine has counted. `attach(carrier)` makes a compiler, or null.
  template <typename Attach>
  StepCounts counted(Attach&& attach, MachineOptions options = {}) {
    options.counts_instructions = true;
    return run(options, attach);
  }

 private:
  template <typename Attach>
  StepCounts run(const MachineOptions& options, Attach&& attach) {
    StepCounts found;
    if (checked_ == nullptr) {
      ADD_FAILURE() << source_.diagnostics().render();
      return found;
    }
    const std::unique_ptr<ProgramCode> program = lower_program(*checked_);
    Machine machine(*program, natives_, options);
    [[maybe_unused]] const auto engine = attach(machine.carrier());
    is_ok = machine.run_modules();
    if (!options.counts_instructions) return found;
    machine.carrier().machine.counts->for_each([&](const Code& code) {
      if (code.is_glue) return;
      for (size_t at = 0; at < code.words.size(); ++at) {
        if (code.counts[at] != 0) found[step_name(code, code.start + at)] += code.counts[at];
      }
    });
    return found;
  }

  SourceProgram source_;
  const CheckedProgram* checked_;
  NativeTable natives_;

 public:
  bool is_ok = false;  ///< the last run came to a value
};

/// Programs with calls of all kinds, and a run-time error at the end of the last.
inline constexpr const char* kCountedPrograms[] = {
    // Selects of which both arms are computed, in one another and with calls.
    R"(
Unit@ = *();
Unit@ u = Unit@();
Bit@ = +(Unit@ 0, Unit@ 1);
N@ = +(Unit@ zero, N@ more);
Four@ = *(Bit@ a, Bit@ b, Bit@ c, Bit@ d);
(Bit@) { Bit@; } Not = (Bit@ a) { a.?(0: Bit@(1: u), 1: Bit@(0: u)); };
(Bit@, Bit@) { Bit@; } Xor = (Bit@ a, Bit@ b) { a.?(0: b, 1: Not(b)); };
(Bit@, Bit@) { Bit@; } And = (Bit@ a, Bit@ b) { a.?(0: a, 1: b); };
(Bit@, Bit@, Bit@) { Bit@; } Mix = (Bit@ a, Bit@ b, Bit@ c) {
  a.?(0: And(b, Xor(b, c)), 1: b.?(0: Xor(c, Not(a)), 1: Not(And(c, b))));
};
(Four@) { Four@; } Next = (Four@ s) {
  Bit@ t = Mix(s.a, s.b, s.c);
  Bit@ v = t.?(0: s.d, 1: s.b.?(0: Xor(s.d, s.a), 1: s.c));
  Four@(s.b, v, Xor(t, s.d), Mix(v, s.a, Not(t)));
};
(N@, N@) { N@; } Add = (N@ a, N@ b) { a.?(zero: b, more: Add(a.more, N@(more: b))); };
(N@) { N@; } Double = (N@ n) { Add(n, n); };
(N@, Four@) { Four@; } Run = (N@ n, Four@ s) { n.?(zero: s, more: Run(n.more, Next(s))); };
N@ many = Double(Double(Double(Double(Double(Double(Double(N@(more: N@(zero: u)))))))));
Bit@ 0 = Bit@(0: u);
Bit@ 1 = Bit@(1: u);
Run(many, Run(many, Four@(0, 1, 1, 0)));
)",
    // The same with unions that are more than a bit, in one another, the same tag again and again, and guards between.
    R"(
Unit@ = *();
Unit@ u = Unit@();
Bit@ = +(Unit@ 0, Unit@ 1);
Opt@ = +(Bit@ some, Unit@ none);
N@ = +(Unit@ zero, N@ more);
Six@ = *(Bit@ a, Bit@ b, Bit@ c, Bit@ d, Opt@ o, Opt@ p);
(Bit@) { Bit@; } Not = (Bit@ a) { a.?(0: Bit@(1: u), 1: Bit@(0: u)); };
(Bit@, Bit@) { Bit@; } Xor = (Bit@ a, Bit@ b) { a.?(0: b, 1: Not(b)); };
(Bit@, Bit@) { Bit@; } And = (Bit@ a, Bit@ b) { a.?(0: a, 1: Not(Not(b))); };
(Opt@, Opt@, Bit@, Bit@) { Bit@; } Pick = (Opt@ o, Opt@ p, Bit@ x, Bit@ y) {
  o.?(some: p.?(some: Xor(x, y), none: Not(y)), none: p.?(some: Not(x), none: x));
};
(Bit@, Bit@, Bit@, Bit@) { Bit@; } Deep = (Bit@ a, Bit@ b, Bit@ c, Bit@ d) {
  a.?(0: b.?(0: c.?(0: d, 1: Not(d)), 1: Not(c)), 1: b.?(0: Not(d), 1: Xor(c, d)));
};
(Bit@, Bit@) { Opt@; } Opt = (Bit@ a, Bit@ b) { a.?(0: Opt@(some: b), 1: Opt@(none: u)); };
# The tag of a is counted, then guards on n, then it is counted again, then together with that of b. That of d is counted before the pair
# of d and c.
(Six@, N@) { Six@; } Next = (Six@ s, N@ n) {
  Bit@ a = s.a; Bit@ b = s.b; Bit@ c = s.c; Bit@ d = s.d;
  Bit@ e = Xor(a, c);
  Bit@ f = n.?(zero: Bit@(1: u), more: n.more.?(zero: Bit@(0: u), more: e));
  Bit@ g = Xor(a, f);
  Bit@ h = a.?(0: b.?(0: Not(c), 1: d), 1: b.?(0: c, 1: Not(d)));
  Bit@ i = Deep(b, a, h, g);
  Bit@ j = Pick(s.o, s.p, i, h);
  Bit@ k = Xor(d, a);
  Bit@ l = d.?(0: c.?(0: Not(k), 1: a), 1: c.?(0: a, 1: Not(b)));
  Six@(b, Not(d), Xor(j, And(a, d)), Xor(i, l), Opt(j, h), Opt(i, g));
};
(N@, N@) { N@; } Add = (N@ a, N@ b) { a.?(zero: b, more: Add(a.more, N@(more: b))); };
(N@) { N@; } Double = (N@ n) { Add(n, n); };
(N@, Six@) { Six@; } Run = (N@ n, Six@ s) { n.?(zero: s, more: Run(n.more, Next(s, n.more))); };
(N@, Six@) { Six@; } Runs = (N@ n, Six@ s) {
  n.?(zero: s, more: Runs(n.more, Run(N@(more: N@(more: N@(more: N@(zero: u)))), s)));
};
N@ many = Double(Double(Double(Double(Double(Double(Double(N@(more: N@(zero: u)))))))));
Bit@ 0 = Bit@(0: u);
Bit@ 1 = Bit@(1: u);
Runs(many, Run(many, Six@(0, 1, 1, 0, Opt@(none: u), Opt@(some: 1))));
)",
    // Deep recursion, calls with several returns, and a loop around them.
    R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
Nat@ 1 = Nat@(1: Unit@());
(Nat@) { Nat@; } Incr = (Nat@ x) {
  x.?(1: Nat@(2: 1), 2: Nat@(3: x.2), 3: Nat@(2: Incr(x.3)));
};
(Nat@, Nat@) { Nat@; } Add = (Nat@ a, Nat@ b) {
  a.?(
    1: Incr(b),
    2: b.?(1: Nat@(3: a.2), 2: Nat@(2: Add(a.2, b.2)), 3: Nat@(3: Add(a.2, b.3))),
    3: b.?(1: Nat@(2: Incr(a.3)), 2: Nat@(3: Add(a.3, b.2)), 3: Nat@(2: Incr(Add(a.3, b.3)))));
};
(Nat@, Nat@, Nat@) { Nat@; } Sum = (Nat@ n, Nat@ step, Nat@ sum) {
  n.?(1: sum, 2: Sum(n.2, Incr(step), Add(sum, Add(step, sum))), 3: Sum(n.3, Incr(step), Add(sum, step)));
};
(Nat@, Nat@) { Nat@; } Repeat = (Nat@ times, Nat@ x) {
  times.?(1: x, 2: Repeat(times.2, Repeat(times.2, Sum(times, x, 1))), 3: Repeat(times.3, Sum(times, x, x)));
};
(Nat@) { Nat@; } Double = (Nat@ x) { Nat@(2: x); };
Repeat(Double(Double(Double(Double(Double(Double(1)))))), 1);
)",
    // Many tags; loops whose turns take different ways.
    R"(
Unit@ = *();
Unit@ u = Unit@();
D@ = +(Unit@ 0, Unit@ 1, Unit@ 2, Unit@ 3, Unit@ 4, Unit@ 5, Unit@ 6, Unit@ 7);
(D@) { D@; } Next = (D@ d) {
  d.?(0: D@(1: u), 1: D@(2: u), 2: D@(3: u), 3: D@(4: u), 4: D@(5: u), 5: D@(6: u), 6: D@(7: u), 7: D@(0: u));
};
(D@) { D@; } Next2 = (D@ d) { Next(Next(d)); };
(D@, D@) { D@; } Add = (D@ a, D@ b) {
  a.?(0: b, 1: Next(b), 2: Next2(b), 3: Next(Next2(b)), 4: Next2(Next2(b)), 5: Add(D@(4: u), Next(b)), 6: Next2(Add(D@(4: u), b)),
      7: Next(Add(D@(6: u), b)));
};
(D@, D@, D@, D@, D@) { D@; } Count = (D@ a, D@ b, D@ c, D@ d, D@ sum) {
  t = Add(a, sum);
  e = Next(a);
  e.?(0: Next(b).?(0: Next(c).?(0: Next(d).?(0: t, : Count(e, e, e, Next(d), t)), : Count(e, e, Next(c), d, t)), : Count(e, Next(b), c, d, t)),
      : Count(e, b, c, d, t));
};
D@ zero = D@(0: u);
Add(Count(zero, zero, zero, zero, zero), Count(zero, Next(zero), zero, zero, zero));
)",
    // Functions that are values, partial and over-application, objects, local recursion, and an error in a loop.
    R"(
Unit@ = *();
Unit@ u = Unit@();
Bool@ = +(Unit@ true, Unit@ false);
N@ = +(Unit@ zero, N@ more);
List@ = +(Unit@ nil, *(N@ head, List@ tail) cons);
N@ 0 = N@(zero: u);
(N@, N@) { N@; } Add = (N@ a, N@ b) { a.?(zero: b, more: Add(a.more, N@(more: b))); };
((N@) { N@; }, List@) { List@; } Map = ((N@) { N@; } f, List@ l) {
  l.?(nil: l);
  # deopt-here! force
  List@(cons: @(head: f(l.cons.head), tail: Map(f, l.cons.tail)));
};
(N@, List@) { List@; } Numbers = (N@ n, List@ l) {
  n.?(zero: l, more: Numbers(n.more, List@(cons: @(head: n, tail: l))));
};
((N@) { N@; }) { (N@) { N@; }; } Twice = ((N@) { N@; } f) { (N@ n) { f(f(n)); }; };
(List@, N@) { N@; } Length = (List@ l, N@ n) { l.?(nil: n, cons: Length(l.cons.tail, N@(more: n))); };
N@ 4 = N@(more: N@(more: N@(more: N@(more: 0))));
N@ 64 = Twice(Twice(Twice(Twice(Add(4)))), 0);
(N@, List@) { List@; } Loop = (N@ n, List@ l) {
  (N@) { Bool@; } even = (N@ m) { m.?(zero: Bool@(true: u), more: odd(m.more)); },
  (N@) { Bool@; } odd = (N@ m) { m.?(zero: Bool@(false: u), more: even(m.more)); };
  n.?(zero: l);
  even(n).?(true: Loop(n.more, Map(Add(4), l)), false: Loop(n.more, Map(Twice(Add(4)), l)));
};
N@ many = Length(Loop(64, Numbers(64, List@(nil: u))), 0);
(N@, List@) { N@; } Fail = (N@ n, List@ l) { n.?(zero: l.cons.head, more: Fail(n.more, l)); };
Fail(Add(64, many), List@(nil: u));
)"};

}  // namespace fble
