// Programs with `# deopt-here!`: the reports of `fble-jit test` about them, and the deopt points in dumps.
#include "frontends/cli/testing/deopt_points.h"

#include <gmock/gmock.h>

#include <deque>

#include "gc/object.h"
#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- comparing values ---------------------------------------------------------

/// The objects of a test.
class Values {
 public:
  Word make(ObjectKind kind, uint32_t tag, std::vector<Word> fields) {
    std::vector<Word>& words = objects_.emplace_back();
    words.push_back(Object::make_header(kind, static_cast<uint32_t>(fields.size()), tag));
    words.insert(words.end(), fields.begin(), fields.end());
    return reinterpret_cast<Word>(words.data());
  }
  Word pair(Word a, Word b) { return make(ObjectKind::kStruct, 0, {a, b}); }
  static void set(Word object, uint32_t field, Word word) { as_object(object)->fields[field] = word; }

 private:
  std::deque<std::vector<Word>> objects_;
};

TEST(ValueDifference, DataIsComparedToTheLastField) {
  Values values;
  EXPECT_EQ(value_difference(7, 7), "");
  EXPECT_EQ(value_difference(7, 9), ": 0x7 and 0x9");
  EXPECT_EQ(value_difference(values.pair(3, values.pair(5, 7)), values.pair(3, values.pair(5, 7))), "");
  EXPECT_EQ(value_difference(values.pair(3, values.pair(5, 7)), values.pair(3, values.pair(5, 9))),
            ".1.1: 0x7 and 0x9");
  EXPECT_EQ(value_difference(values.pair(3, values.pair(5, 7)), values.pair(3, 5)),
            ".1: object with header 0x200000001 and 0x5");
  EXPECT_EQ(value_difference(values.make(ObjectKind::kUnion, 1, {3}), values.make(ObjectKind::kUnion, 2, {3})),
            ": object with header 0x100000103 and object with header 0x100000203");
  EXPECT_NE(value_difference(values.make(ObjectKind::kBytes, 0, {3}), values.make(ObjectKind::kBytes, 0, {4})), "");
  EXPECT_EQ(value_difference(values.make(ObjectKind::kBytes, 0, {3}), values.make(ObjectKind::kBytes, 0, {3})), "");
}

TEST(ValueDifference, SharingMakesNoDifferenceAndCirclesEnd) {
  Values values;
  const Word shared = values.pair(3, 5);
  EXPECT_EQ(value_difference(values.pair(shared, shared), values.pair(values.pair(3, 5), values.pair(3, 5))), "");
  // The same infinite list of 3, as circles of one and of two cells.
  const Word one = values.pair(3, 3);
  values.set(one, 1, one);
  const Word first = values.pair(3, 3);
  const Word second = values.pair(3, first);
  values.set(first, 1, second);
  EXPECT_EQ(value_difference(one, first), "");
  values.set(second, 0, 5);
  EXPECT_EQ(value_difference(one, first), ".1.0: 0x3 and 0x5");
}

TEST(ValueDifference, FunctionsAreTheirCodeAndWhatTheyCapture) {
  Values values;
  Code f, g;
  f.words = g.words = {static_cast<uint32_t>(Op::kReturn), 0};
  f.arity = g.arity = 1;
  g.block = Symbol("/A%.g");
  const auto closure = [&](const Code& code, Word captured) {
    return values.make(ObjectKind::kClosure, 0, {Code::from_code(&code), captured});
  };
  EXPECT_EQ(value_difference(closure(f, 3), closure(f, 3)), "");
  EXPECT_EQ(value_difference(closure(f, 3), closure(f, 5)), ".1: 0x3 and 0x5");
  EXPECT_EQ(value_difference(closure(f, 3), closure(g, 3)), ": function of  and function of /A%.g");
  f.is_glue = g.is_glue = true;
  EXPECT_EQ(value_difference(closure(f, 3), closure(g, 3)), "") << "each machine has its own glue";
  g.arity = 2;
  EXPECT_NE(value_difference(closure(f, 3), closure(g, 3)), "");
}

// ---- the command ----------------------------------------------------------------

/// Returns a loop over unary numbers; POINT is replaced, in the turn for all numbers but zero.
std::string loop(std::string_view point, std::string_view more = "") {
  std::string text = R"(Unit@ = *();
Nat@ = +(Unit@ z, Nat@ s);
Pair@ = *(Nat@ a, Nat@ b);
(Nat@, Nat@) { Nat@; } Add = (Nat@ x, Nat@ y) { x.?(z: y, s: Add(x.s, Nat@(s: y))); };
(Nat@, Pair@) { Pair@; } Loop = (Nat@ n, Pair@ p) {
  n.?(z: p);
  Loop(n.s, POINT
    Pair@(p.b, Nat@(s: p.a)));
};
Nat@ 2 = Nat@(s: Nat@(s: Nat@(z: Unit@())));
Nat@ 8 = Add(Add(2, 2), Add(2, 2));
Nat@ 64 = Add(Add(Add(8, 8), Add(8, 8)), Add(Add(8, 8), Add(8, 8)));
Nat@ 512 = Add(Add(Add(64, 64), Add(64, 64)), Add(Add(64, 64), Add(64, 64)));
)";
  text += more;
  text += "Loop(512, Loop(512, Pair@(2, 8)));\n";
  text.replace(text.find("POINT"), 5, point);
  return text;
}

class DeoptPointsTest : public CommandTest {
 protected:
  CommandResult test(const std::string& program, std::vector<std::string> options) {
    write("A.fble", program);
    options.insert(options.begin(), {"test", "A.fble"});
    return run(options);
  }
};

TEST_F(DeoptPointsTest, HitsAreCountedByTheOptions) {
  EXPECT_THAT(test(loop("# deopt-here!"), {"--jit=eager"}).err,
              HasSubstr("./A.fble:7:13: deopt-here!: 1022 hits in 1022 passes\n"));
  EXPECT_THAT(test(loop("# deopt-here! after=22"), {"--jit=eager"}).err,
              HasSubstr("after=22: 1000 hits in 1022 passes\n"));
  EXPECT_THAT(test(loop("# deopt-here! after=22 every=10"), {"--jit=eager"}).err,
              HasSubstr("100 hits in 1022 passes\n"));
  EXPECT_THAT(test(loop("# deopt-here! every=1022"), {"--jit=eager"}).err, HasSubstr("1 hits in 1022 passes\n"));
  const CommandResult late = test(loop("# deopt-here! every=1023"), {"--jit=eager"});
  EXPECT_EQ(late.status, 1);
  EXPECT_THAT(late.err,
              HasSubstr("./A.fble:7:13: error: deopt-here! every=1023: 0 hits in 1022 passes (not its turn yet: "
                        "passed 1022 times in machine code, hit at pass 1023)\n"));
}

TEST_F(DeoptPointsTest, EachOptionGivesTheInterpretersValue) {
  for (const char* options :
       {"", "every=3", "gc", "invalidate every=9", "yield", "force", "gc yield invalidate every=7"}) {
    for (const char* jit : {"--jit=on", "--jit=eager"}) {
      const CommandResult result = test(loop(std::string("# deopt-here! ") + options), {jit});
      EXPECT_EQ(result.status, 0) << options << " " << jit << "\n" << result.err;
      EXPECT_THAT(result.err, HasSubstr(" hits in "));
    }
  }
}

TEST_F(DeoptPointsTest, InvalidateEvictsCodeAndGcCollects) {
  const std::string evicted = test(loop("# deopt-here! invalidate every=100"), {"--jit=eager", "--stats"}).err;
  EXPECT_THAT(evicted, HasSubstr(" 0 flushes, 10 evictions\n"));
  const std::string collected = test(loop("# deopt-here! gc every=100"), {"--jit=eager", "--stats"}).err;
  EXPECT_THAT(collected, HasSubstr(" 10 full"));
}

TEST_F(DeoptPointsTest, ForceShowsFramesAndGoesOn) {
  const std::string all = test(loop("# deopt-here! force"), {"--jit=eager", "--stats"}).err;
  EXPECT_THAT(all, HasSubstr("deopt-here! force: 1022 hits in 1022 passes, 1022 forced\n"));
  EXPECT_THAT(all, HasSubstr("forced:      1022 times at deopt points, 0 times more"));
  EXPECT_THAT(all, HasSubstr(" 0 at deopt points\n"));
  const std::string some = test(loop("# deopt-here! force after=22 every=10"), {"--jit=eager", "--stats"}).err;
  EXPECT_THAT(some, HasSubstr("100 hits in 1022 passes, 100 forced\n"));
  EXPECT_THAT(some, HasSubstr("forced:      100 times at deopt points, 0 times more"));
}

TEST_F(DeoptPointsTest, ForcedFramesThatSomethingHappensToAreLeft) {
  for (const char* option : {"gc", "invalidate", "yield"}) {
    const CommandResult result =
        test(loop(std::string("# deopt-here! force every=100 ") + option), {"--jit=eager", "--stats"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(": 10 hits in 10")) << option;
    EXPECT_THAT(result.err, HasSubstr(" passes, 10 forced\n")) << option;
    EXPECT_THAT(result.err, HasSubstr("forced:      0 times at deopt points, 10 times more")) << option;
  }
}

TEST_F(DeoptPointsTest, ForcedFramesAreTheInterpreters) {
  // Calls that a trace has inlined, and callers of different depth.
  const std::string more = R"(
(Nat@) { Pair@; } Inner = (Nat@ n) { # deopt-here! force
  Pair@(n, Nat@(s: n)); };
(Nat@) { Nat@; } Middle = (Nat@ n) { p = Inner(n); Nat@(s: p.b); };
(Nat@) { Nat@; } Down = (Nat@ n) { n.?(z: n); Nat@ rest = Down(n.s); Add(Nat@(s: n), Middle(rest).s); };
_down = Down(8);
(Nat@, Nat@) { Nat@; } Again = (Nat@ n, Nat@ m) { n.?(z: m); Again(n.s, Middle(Inner(m).a).s.s); };
_again = Again(512, 2);
)";
  for (const char* jit : {"--jit=on", "--jit=eager"}) {
    for (const char* mode : {"--gc-stress=1000", "--shadow-check", "--deopt-every=3", "--nursery=4K"}) {
      const CommandResult result = test(loop("# deopt-here! force", more), {jit, mode});
      EXPECT_EQ(result.status, 0) << mode << result.err;
      EXPECT_THAT(result.err, Not(HasSubstr("differ")));
    }
  }
}

TEST_F(DeoptPointsTest, InterpretersTakeNoNotice) {
  const CommandResult result = test(loop("# deopt-here! gc"), {"--jit=off", "--stats"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, Not(HasSubstr("deopt-here")));
  EXPECT_THAT(result.err, HasSubstr("collections: 0 minor, 0 full"));
}

TEST_F(DeoptPointsTest, ADeoptPointThatIsNotHitFailsTheTestWithTheReason) {
  const auto reason = [&](const std::string& program, std::vector<std::string> options) {
    const CommandResult result = test(program, std::move(options));
    EXPECT_EQ(result.status, 1) << result.err;
    const size_t at = result.err.find('(');
    return at == std::string::npos ? result.err : result.err.substr(at, result.err.find(')', at) - at + 1);
  };
  EXPECT_EQ(reason(loop("", "(Unit@) { Unit@; } _never = (Unit@ x) { # deopt-here!\nx; };\n"), {"--jit=eager"}),
            "(never reached)");
  EXPECT_EQ(reason(loop("", "_once = # deopt-here!\nUnit@();\n"), {"--jit=eager"}), "(never hot: interpreted 1 times)");
  EXPECT_EQ(reason(loop("# deopt-here!"), {"--jit-param=hot_calls=100000"}), "(never hot: interpreted 1024 times)");
  // A call from a recursive group before it is defined is interpreted.
  const std::string group = R"(
Cell@ = *(Nat@ head, Cell@ tail);
(Nat@) { Cell@; } Circle = (Nat@ n) {
  Cell@ a = Cell@(Add(n, 2), b), Cell@ b = Cell@(n, # deopt-here!
  a);
  a;
};
(Nat@, Cell@) { Cell@; } Circles = (Nat@ n, Cell@ c) { n.?(z: c); Circles(n.s, Circle(n)); };
_ = Circles(512, Circle(2));
)";
  EXPECT_THAT(reason(loop("", group), {"--jit=on"}),
              HasSubstr("(no trace gets there: those of its function end before 'declare'"));
}

TEST_F(DeoptPointsTest, UnderOptionsThatLeaveElsewhereDeoptPointsNeedNotBeHit) {
  const CommandResult result = test(loop("", "_once = # deopt-here!\nUnit@();\n"), {"--jit=eager", "--deopt-every=2"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("deopt-here!: 0 hits in 0 passes (never hot: interpreted 1 times)\n"));
}

TEST_F(DeoptPointsTest, ErrorsAreComparedToo) {
  const CommandResult result = test(loop("# deopt-here!") + "U@ = +(Unit@ a, Unit@ b);\n", {"--jit=eager"});
  EXPECT_EQ(result.status, 2);
  const std::string fails = loop("# deopt-here!", "_fails = Loop(512, Pair@(2, 8)).a.s.s.s.s.z;\n");
  const CommandResult failed = test(fails, {"--jit=eager"});
  EXPECT_EQ(failed.status, 3) << "as without deopt points";
  EXPECT_THAT(failed.err, HasSubstr("wrong tag"));
  EXPECT_THAT(failed.err, HasSubstr("510 hits in 510 passes"));
}

TEST_F(DeoptPointsTest, ShowInAllDumps) {
  const std::string program = loop("# deopt-here! every=4 gc");
  const auto dump = [&](const std::string& kind) { return test(program, {"--jit=eager", "--dump=" + kind}).err; };
  const std::string name = "; deopt point 0, deopt-here! every=4 gc at ./A.fble:7:13\n";
  EXPECT_THAT(dump("bytecode"), testing::AllOf(HasSubstr(name), HasSubstr(" deopt_point 0\n")));
  EXPECT_THAT(dump("ir"), testing::AllOf(HasSubstr(name), HasSubstr("\n  deopt_point 0 @s")));
  EXPECT_THAT(dump("asm"), testing::AllOf(HasSubstr(name), HasSubstr("\n; deopt_point 0 @s")));
  EXPECT_THAT(dump("side-table"),
              testing::ContainsRegex("; exit [0-9]+: deopt point 0, deopt-here! every=4 gc at ./A.fble:7:13\n"));
  const CommandResult disassembled = run({"disassemble", "A.fble"});
  EXPECT_THAT(disassembled.out, HasSubstr("deopt_point \"./A.fble\":7:13 every=4 gc\n"));
  EXPECT_THAT(disassembled.out, testing::ContainsRegex("deopt_point 0 +; [0-9]+ deopt-here! every=4 gc at 7:13\n"));
}

}  // namespace
}  // namespace fble
