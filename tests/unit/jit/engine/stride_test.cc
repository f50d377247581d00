// Strides: what is worked out from bytecode, and the walks of machine code.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "frontends/fble/lower.h"
#include "gc/object.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "jit/engine/stride_rules.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/compiled_source.h"
#include "tests/support/linked_numbers.h"

namespace fble {
namespace {

constexpr unsigned kWidth = 2;

class StrideTest : public CompiledSourceTest {
 protected:
  /// Runs the program; returns its result as a number, or the error. Without options it is interpreted.
  std::string run(const std::string& text, const JitOptions* options) {
    start(text, options);
    if (!machine_->run_modules()) return machine_->error().render();
    std::string digits;
    for (Word value = machine_->result(); union_tag(value, kWidth) != 0; value = union_arg(value, kWidth)) {
      digits += union_tag(value, kWidth) == 1 ? '0' : '1';
    }
    return digits;
  }
  struct Counts {
    uint64_t functions = 0;
    uint64_t given_up = 0;
    uint64_t walks = 0;
    uint64_t failures = 0;
    uint64_t rows = 0;
    uint64_t memos_given_up = 0;
  };
  Counts counts() const {
    const std::string text = engine_->stats_text();
    Counts all;
    EXPECT_EQ(std::sscanf(text.c_str() + text.find("strides:"),
                          "strides: %lu functions, %lu given up; %lu calls computed, %lu made after all; %lu rows",
                          &all.functions, &all.given_up, &all.walks, &all.failures, &all.rows),
              5)
        << text;
    EXPECT_EQ(
        std::sscanf(text.c_str() + text.find("memos:"), "memos: %*u functions, %lu given up", &all.memos_given_up), 1)
        << text;
    return all;
  }
  /// Runs it in both ways, expects the same and at least `walks`. Memos are small, so that they remember little.
  Counts compare(const std::string& text, uint64_t walks) {
    const std::string expected = run(text, nullptr);
    EXPECT_EQ(run(text, &options_), expected) << text;
    EXPECT_GE(counts().walks, walks) << text << engine_->stats_text();
    return counts();
  }
  /// Returns the rules of a function of the program, which has been run.
  StrideRules rules(const std::string& name) const {
    return {*code("/P%." + name), machine_->carrier().machine.globals.words.data()};
  }

  JitOptions options_ = [] {
    JitOptions options{.eager = true};
    options.params.memo_bits = 1;
    options.params.memo_trial = 10;
    return options;
  }();
};

constexpr Word kZero = 9;  // tag 0 of two bits, no argument

Word packed_number(uint64_t value) {
  return value == 0 ? kZero : pack_union(packed_number(value >> 1), kWidth, 1 + (value & 1));
}
uint32_t key(uint32_t state, std::initializer_list<Word> words, unsigned bits) {
  uint32_t result = state << kStateShift;
  unsigned at = 0;
  for (const Word word : words) result |= stride_of(word, bits) << (8 * at++);
  for (; at < kMostStrideArguments; ++at) result |= static_cast<uint32_t>(kUnitWord) << (8 * at);
  return result;
}

TEST_F(StrideTest, RowsOfASum) {
  run(kNumbers + "Zero;", nullptr);
  ASSERT_EQ(machine_->result(), kZero);
  StrideRules add = rules("Add");
  EXPECT_EQ(add.stride_bits(), 6u);
  // 2 + 1 = 3, without a carry; the digits after that are not known.
  StrideRow row = add.row(key(0, {packed_number(0b1010), packed_number(0b1001)}, 6));
  EXPECT_EQ(row.next, 0u);
  EXPECT_EQ(row.width, kStrideStep + 6);
  EXPECT_EQ(row.bits, 0b011010u);  // the digits 1, 1 and 0, with one added for their tags
  EXPECT_EQ(row.shifts[0], 6);
  EXPECT_EQ(row.shifts[1], 6);
  EXPECT_EQ(row.constants[0], 1u);
  // With a carry another function is called with the rest: state 1.
  row = add.row(key(0, {packed_number(0b1111), packed_number(0b1001)}, 6));
  EXPECT_EQ(row.next, 1u << kStateShift);
  EXPECT_EQ(row.bits, 0b010101u);
  // One number ends: the result is what is left of the other.
  row = add.row(key(0, {packed_number(0b1010), packed_number(1)}, 6));
  EXPECT_EQ(row.next, kStrideResult1);
  EXPECT_EQ(row.width, kStrideStep + 2);
  EXPECT_EQ(row.shifts[0], 2);
  // The call that is left may have its arguments in other registers: Incr(b).
  row = add.row(key(1, {packed_number(0), packed_number(0b1111)}, 6));
  EXPECT_EQ(row.next, 2u << kStateShift);
  EXPECT_EQ(row.shifts[1], 6);
  row = add.row(key(2, {kUnitWord, packed_number(0b1110)}, 6));
  EXPECT_EQ(row.next, kStrideResult2);
  // Both end: the result is a word.
  row = add.row(key(0, {packed_number(1), packed_number(1)}, 6));
  EXPECT_EQ(row.next, kStrideResult1);
  EXPECT_EQ(row.shifts[0], 63);
  EXPECT_EQ(row.constants[0], packed_number(2));
}

TEST_F(StrideTest, RowsWithConstantArguments) {
  run(kNumbers + "Zero;", nullptr);
  StrideRules less = rules("LessOr");
  const StrideRow row = less.row(key(0, {packed_number(0b1010), packed_number(0b1001), Word{5}}, 6));
  EXPECT_EQ(row.next, 0u);
  EXPECT_EQ(row.shifts[2], 63);
  EXPECT_EQ(row.constants[2], 7u);  // False: 2 is not less than 1
  const StrideRow same = less.row(key(0, {packed_number(0b1010), packed_number(0b1010), Word{5}}, 6));
  EXPECT_EQ(same.next, 0u);
  EXPECT_EQ((Word{5} >> same.shifts[2]) | same.constants[2], 5u);
}

// What a row must not do: drop a call, which may fail, or use its result twice or in a comparison.
TEST_F(StrideTest, CallsThatCannotBeLeft) {
  run(kNumbers + R"(
(Num@) { Num@; } Drop = (Num@ a) { a.?(end: a); Num@ unused = Drop(Rest(a)); Num@(0: One); };
(Num@) { Num@; } Look = (Num@ a) { a.?(end: a); Look(Rest(a)).?(end: One, : Zero); };
(Num@) { Num@; } Grow = (Num@ a) { a.?(end: a); Grow(Num@(0: a)); };
(Num@) { Num@; } Partly = (Num@ a) { a.?(end: a, 0: Num@(0: a.0.0), 1: a); };
Zero;)",
      nullptr);
  const Word long_number = packed_number(0b1000100);
  for (const char* name : {"Drop", "Look", "Grow"}) {
    EXPECT_EQ(rules(name).row(key(0, {long_number}, 6)).next, kStrideNone) << name;
  }
  EXPECT_EQ(rules("Drop").row(key(0, {packed_number(1)}, 6)).next, kStrideResult1);
  EXPECT_EQ(rules("Partly").row(key(0, {packed_number(0b1010)}, 6)).next, kStrideNone);  // it fails
  EXPECT_EQ(rules("Partly").row(key(0, {packed_number(0b1000)}, 6)).next, kStrideResult1);
}

/// Walks as machine code does; returns 0 where it would call the function.
Word walk(StrideRules& rules, std::vector<Word> words) {
  words.resize(kMostStrideArguments, kUnitWord);
  Word bits = 0;
  uint32_t width = 0;
  for (uint32_t state = 0;;) {
    const StrideRow row = rules.row(key(state >> kStateShift, {words[0], words[1], words[2]}, rules.stride_bits()));
    if (row.next == kStrideNone) return 0;
    bits |= Word{row.bits} << (width & 63);
    width += row.width;
    for (uint32_t k = 0; k < kMostStrideArguments; ++k) words[k] = words[k] >> row.shifts[k] | row.constants[k];
    if ((width & 0xff) > kMaxPackedBits || (width & kStrideSteps) != 0) return 0;
    state = row.next;
    if ((state & ((1u << kStateShift) - 1)) == 0) continue;
    const Word rest = words[state - kStrideResult1];
    const unsigned before = width & 0xff;
    return (rest >> (63 - before)) >> 1 != 0 ? 0 : ((rest - 1) << before) + (bits << 1 | 1);
  }
}

TEST_F(StrideTest, WalksAddUp) {
  run(kNumbers + "Zero;", nullptr);
  StrideRules add = rules("Add");
  StrideRules incr = rules("Incr");
  StrideRules decr = rules("Decr");
  StrideRules less = rules("LessOr");
  std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp): the same numbers in each run
  for (int i = 0; i < 4000; ++i) {
    const uint64_t a = random() >> (34 + random() % 30);
    const uint64_t b = random() >> (34 + random() % 30);
    const auto expect = [](uint64_t sum) { return sum < (1u << 30) ? packed_number(sum) : 0; };
    EXPECT_EQ(walk(add, {packed_number(a), packed_number(b)}), expect(a + b)) << a << " " << b;
    EXPECT_EQ(walk(incr, {packed_number(a)}), expect(a + 1)) << a;
    EXPECT_EQ(walk(decr, {packed_number(a)}), packed_number(a == 0 ? 0 : a - 1)) << a;
    EXPECT_EQ(walk(less, {packed_number(a), packed_number(b), Word{7}}), a < b ? 5u : 7u) << a << " " << b;
  }
}

TEST_F(StrideTest, MachineCodeWalks) {
  for (const unsigned digits : {3u, 9u, 17u, 25u, 29u}) {
    compare(loop("", "Add(x, y)", digits), 300);
    compare(loop("", "LessOr(x, y, True).?(true: One, false: Zero)", digits), 300);
    compare(loop("", "Decr(Add(Incr(x), y))", digits), 300);
  }
}

// Sums that do not fit are computed by calls, and the function is called directly when that happens too often.
TEST_F(StrideTest, WhatDoesNotFitIsCalled) {
  options_.params.stride_trial = 20;
  const Counts all = compare(loop("", "Low(Mask, Add(Double(x), Double(y)))", 30), 1);
  EXPECT_GE(all.failures, 20u);
  EXPECT_GE(all.given_up, 1u);
  compare(loop("", "Low(Mask, Add(Double(x), Double(y)))", 40), 1);
}

// A function that does not walk any more, and that has not been asked for the same yet, may be asked later.
TEST_F(StrideTest, MemosStayWithoutWalks) {
  options_.params.stride_trial = 20;
  options_.params.memo_trial = 1000;
  const Counts all = compare(loop("", "Low(Mask, Add(Double(x), Double(y)))", 30), 1);
  EXPECT_GE(all.given_up, 1u);
  EXPECT_EQ(all.memos_given_up, 0u);
}

// Numbers are objects up to a digit from which on they are packed.
TEST_F(StrideTest, ObjectsThatEndInPackedWords) {
  const std::string large = "Num@ Large = " + number(uint64_t{0x123456789ab}) + ";\n";
  compare(loop(large, "Low(Mask, Add(Add(x, Large), y))", 29, 3000), 3000);
}

TEST_F(StrideTest, OtherShapesOfFunctions) {
  struct Case {
    const char* functions;
    const char* expression;
  };
  const Case cases[] = {
      // Arguments change places.
      {"(Num@, Num@) { Num@; } Zip = (Num@ a, Num@ b) {"
       "  a.?(end: b, 0: Num@(0: Zip(b, a.0)), 1: Num@(1: Zip(b, a.1))); };",
       "Low(Mask, Zip(x, y))"},
      // The same argument twice.
      {"(Num@, Num@) { Num@; } Both = (Num@ a, Num@ b) {"
       "  a.?(end: b, 0: Num@(1: Both(a.0, a.0)), 1: b.?(end: a, : Both(a.1, a.1))); };",
       "Both(x, y)"},
      // A constant that does not stay, and a state for it.
      {"(Num@, Num@, Num@) { Num@; } Count = (Num@ a, Num@ b, Num@ n) {"
       "  a.?(end: n, 0: Count(a.0, b, n), 1: b.?(end: n, 0: Count(a.1, b.0, One), 1: Count(a.1, b.1, Incr(One)))); };",
       "Count(x, y, Zero)"},
      // Two digits at once, and the result of one function goes to another.
      {"(Num@) { Num@; } Pairs = (Num@ a) { a.?(end: a); Num@ r = Rest(a);"
       "  r.?(end: a, 0: Num@(0: Pairs(r.0)), 1: Num@(1: Pairs(Incr(r.1)))); };",
       "Low(Mask, Pairs(x))"},
      // Numbers to base 1 and to base 4.
      {"Unary@ = +(Unit@ z, Unary@ s);"
       "(Unary@, Unary@) { Unary@; } Plus = (Unary@ a, Unary@ b) { a.?(z: b, s: Unary@(s: Plus(a.s, b))); };"
       "(Num@, Unary@) { Unary@; } Digits = (Num@ a, Unary@ n) {"
       "  a.?(end: n, 0: Digits(a.0, n), 1: Unary@(s: Digits(a.1, n))); };"
       "(Unary@, Num@) { Num@; } Back = (Unary@ a, Num@ n) { a.?(z: n, s: Back(a.s, Incr(n))); };",
       "Back(Plus(Digits(x, Unary@(z: Unit)), Digits(y, Unary@(z: Unit))), Zero)"},
      {"Quad@ = +(Unit@ end, Quad@ 0, Quad@ 1, Quad@ 2, Quad@ 3);"
       "(Num@) { Quad@; } ToQuad = (Num@ a) { a.?(end: Quad@(end: Unit), 0: Quad@(2: ToQuad(a.0)), 1: Quad@(3: "
       "ToQuad(a.1))); };"
       "(Quad@) { Quad@; } Turn = (Quad@ a) { a.?(end: a, 0: Quad@(1: Turn(a.0)), 1: Quad@(2: Turn(a.1)),"
       "  2: Quad@(3: Turn(a.2)), 3: Quad@(0: Turn(a.3))); };"
       "(Quad@) { Num@; } OfQuad = (Quad@ a) { a.?(end: Zero, 0: Num@(1: OfQuad(a.0)), 1: Num@(1: OfQuad(a.1)),"
       "  2: Num@(1: OfQuad(a.2)), 3: Double(OfQuad(a.3))); };",
       "Low(Mask, OfQuad(Turn(Turn(ToQuad(x)))))"},
  };
  for (const Case& each : cases) compare(loop(each.functions, each.expression, 18), 100);
}

// A call that fails is made, wherever its digits are.
TEST_F(StrideTest, FailuresAreThoseOfCalls) {
  const std::string picky =
      "(Num@) { Num@; } Picky = (Num@ a) { a.?(end: a, 0: Num@(1: Picky(a.0)), "
      "1: Num@(0: Picky(a.1.?(end: a.1, 0: a.1.0, 1: a.1.1.0)))); };";
  const std::string text = loop(picky, "Picky(x)", 20);
  const std::string error = run(text, nullptr);
  EXPECT_NE(error.find("Picky"), std::string::npos) << error;
  EXPECT_EQ(run(text, &options_), error);
  // The result of the call that fails is not needed.
  const std::string drop = picky +
                           "(Num@) { Num@; } Drop = (Num@ a) { a.?(end: a); Num@ unused = Picky(a);"
                           "  Num@(1: Drop(Rest(a))); };";
  const std::string dropping = loop(drop, "Drop(x)", 20);
  EXPECT_EQ(run(dropping, &options_), run(dropping, nullptr));
}

TEST_F(StrideTest, ManyRows) {
  // Three numbers at once have more combinations of strides than there is room for.
  const std::string three =
      "(Num@, Num@, Num@) { Num@; } Three = (Num@ a, Num@ b, Num@ c) {"
      "  a.?(end: Add(b, c), 0: b.?(end: c, 0: c.?(end: a, 0: Num@(0: Three(a.0, b.0, c.0)), 1: Num@(1: Three(a.0, "
      "c.1, b.0))),"
      "    1: c.?(end: b, 0: Num@(1: Three(b.1, a.0, c.0)), 1: Num@(0: Three(a.0, b.1, c.1)))),"
      "  1: b.?(end: a, 0: c.?(end: b, 0: Num@(1: Three(c.0, b.0, a.1)), 1: Num@(0: Three(a.1, b.0, c.1))),"
      "    1: c.?(end: c, 0: Num@(0: Three(b.1, a.1, c.0)), 1: Num@(1: Three(c.1, b.1, a.1))))); };";
  const Counts all = compare(loop(three, "Low(Mask, Three(x, y, Add(x, y)))", 24, 2500), 1000);
  EXPECT_GE(all.rows, StrideTable::kMostRows);
  EXPECT_GE(all.failures, 1u);
}

TEST_F(StrideTest, NoneIsWanted) {
  options_.params.strides = 0;
  EXPECT_EQ(compare(loop("", "Add(x, y)", 12), 0).functions, 0u);
}

TEST_F(StrideTest, TheyEndWithTheMachineCode) {
  options_.params.max_traces = 24;
  compare(loop("", "Add(x, y)", 12), 1);
  EXPECT_GE(engine_->stats().flushes, 1u);
}

// Machine code is left in the middle, exits are checked against the interpreter, and guards are rehearsed.
TEST_F(StrideTest, WithDisturbances) {
  const std::string text = loop("", "Low(Mask, Add(Add(x, y), Decr(Double(y))))", 29, 100);
  options_.deopt_every = 7;
  compare(text, 10);
  options_.deopt_every = 0;
  options_.shadow_check = true;
  compare(text, 10);
  options_.shadow_check = false;
  options_.deopt_sweep = true;
  compare(text, 10);
}

}  // namespace
}  // namespace fble
