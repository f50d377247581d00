// Intrinsics on packed words: interp/intrinsics.h.
#include "interp/intrinsics.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <random>

#include "gc/integer.h"
#include "interp/bytecode_text.h"
#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

using Wide = __int128;

/// The slow twin: results as numbers of a type that holds all of them.
struct Outcome {
  enum Kind { kInt, kTag, kPair, kNone } kind = kNone;
  Wide value = 0;  ///< of an integer, or the tag
  Wide rest = 0;
  uint32_t tag_count = 0;
};

Outcome number(Wide value) { return {.kind = Outcome::kInt, .value = value}; }
Outcome tag(uint32_t value, uint32_t count) { return {.kind = Outcome::kTag, .value = value, .tag_count = count}; }
Outcome truth(bool value) { return tag(value ? 0 : 1, 2); }

Wide floor_quotient(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }
Wide magnitude(Wide a) { return a < 0 ? -a : a; }

constexpr Wide kHuge = Wide{1} << 100;  // stands for all numbers that are too large for a word

Wide shifted_left(Wide a, Wide count) {
  if (a == 0) return 0;
  return count > 62 ? (a < 0 ? -kHuge : kHuge) : a * (Wide{1} << count);
}

using Twin = std::function<Outcome(Wide a, Wide b, Wide c)>;
const std::map<Intrinsic, Twin> kTwins = {
    {Intrinsic::kIntAdd, [](Wide a, Wide b, Wide) { return number(a + b); }},
    {Intrinsic::kIntSub, [](Wide a, Wide b, Wide) { return number(a - b); }},
    {Intrinsic::kIntMul, [](Wide a, Wide b, Wide) { return number(a * b); }},
    {Intrinsic::kIntIncr, [](Wide a, Wide, Wide) { return number(a + 1); }},
    {Intrinsic::kIntDecr, [](Wide a, Wide, Wide) { return number(a - 1); }},
    {Intrinsic::kIntNeg, [](Wide a, Wide, Wide) { return number(-a); }},
    {Intrinsic::kIntAbs, [](Wide a, Wide, Wide) { return number(magnitude(a)); }},
    {Intrinsic::kIntDouble, [](Wide a, Wide, Wide) { return number(2 * a); }},
    {Intrinsic::kIntPowerOf2, [](Wide a, Wide, Wide) { return a < 0 ? Outcome() : number(shifted_left(1, a)); }},
    {Intrinsic::kIntShiftLeft, [](Wide a, Wide b, Wide) { return b < 0 ? Outcome() : number(shifted_left(a, b)); }},
    {Intrinsic::kIntShiftRight,
     [](Wide a, Wide b, Wide) {
       if (b < 0) return Outcome();
       return number(b > 62 ? 0 : a / (Wide{1} << b));
     }},
    {Intrinsic::kIntDivide,
     [](Wide a, Wide b, Wide) {
       if (b == 0) return Outcome();
       const Wide quotient = floor_quotient(a, b);
       return Outcome{.kind = Outcome::kPair, .value = quotient, .rest = a - quotient * b};
     }},
    {Intrinsic::kIntQuotient, [](Wide a, Wide b, Wide) { return b == 0 ? Outcome() : number(floor_quotient(a, b)); }},
    {Intrinsic::kIntModulo,
     [](Wide a, Wide b, Wide) { return b == 0 ? Outcome() : number(a - floor_quotient(a, b) * b); }},
    {Intrinsic::kIntAnd, [](Wide a, Wide b, Wide) { return number(a & b); }},
    {Intrinsic::kIntOr, [](Wide a, Wide b, Wide) { return number(a | b); }},
    {Intrinsic::kIntXor, [](Wide a, Wide b, Wide) { return number(a ^ b); }},
    {Intrinsic::kIntNot, [](Wide a, Wide, Wide) { return number(~a); }},
    {Intrinsic::kIntTestBit,
     [](Wide a, Wide b, Wide) {
       if (b < 0) return Outcome();
       return truth((a >> (b > 100 ? 100 : static_cast<int>(b)) & 1) != 0);
     }},
    {Intrinsic::kIntBitLength,
     [](Wide a, Wide, Wide) {
       int bits = 0;
       for (Wide rest = magnitude(a); rest != 0; rest /= 2) ++bits;
       return number(bits);
     }},
    {Intrinsic::kIntCompare, [](Wide a, Wide b, Wide) { return tag(a < b    ? 0
                                                                   : a == b ? 1
                                                                            : 2,
                                                                   3); }},
    {Intrinsic::kIntLess, [](Wide a, Wide b, Wide) { return truth(a < b); }},
    {Intrinsic::kIntLessEqual, [](Wide a, Wide b, Wide) { return truth(a <= b); }},
    {Intrinsic::kIntGreater, [](Wide a, Wide b, Wide) { return truth(a > b); }},
    {Intrinsic::kIntGreaterEqual, [](Wide a, Wide b, Wide) { return truth(a >= b); }},
    {Intrinsic::kIntEqual, [](Wide a, Wide b, Wide) { return truth(a == b); }},
    {Intrinsic::kIntNotEqual, [](Wide a, Wide b, Wide) { return truth(a != b); }},
    {Intrinsic::kIntInRange, [](Wide a, Wide b, Wide c) { return truth(a <= c && c <= b); }},
    {Intrinsic::kIntMin, [](Wide a, Wide b, Wide) { return number(a < b ? a : b); }},
    {Intrinsic::kIntMax, [](Wide a, Wide b, Wide) { return number(a < b ? b : a); }},
    {Intrinsic::kIntIsZero, [](Wide a, Wide, Wide) { return truth(a == 0); }},
    {Intrinsic::kIntIsNegative, [](Wide a, Wide, Wide) { return truth(a < 0); }},
    {Intrinsic::kIntIsPositive, [](Wide a, Wide, Wide) { return truth(a > 0); }},
    {Intrinsic::kIntSign, [](Wide a, Wide, Wide) { return tag(a < 0    ? 0
                                                              : a == 0 ? 1
                                                                       : 2,
                                                              3); }},
    // A word that is no bit counts as one by its lowest bit of content.
    {Intrinsic::kBitPush, [](Wide a, Wide b, Wide) { return b < 0 ? Outcome() : number(2 * b + (a < 0 ? 0 : 1)); }},
    {Intrinsic::kCharFromInt, [](Wide a, Wide, Wide) { return number(a); }},
    {Intrinsic::kIntFromChar, [](Wide a, Wide, Wide) { return number(a); }},
};

bool fits(Wide value) { return value >= kMinPackedInt && value <= kMaxPackedInt; }

/// Returns the word of the outcome, or 0 if it is not packed.
Word word_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::kInt: return fits(outcome.value) ? pack_int(static_cast<int64_t>(outcome.value)) : 0;
    case Outcome::kTag:
      return pack_union(kUnitWord, tag_width(outcome.tag_count), static_cast<uint32_t>(outcome.value));
    case Outcome::kPair:
      if (!fits(outcome.value) || !fits(outcome.rest)) return 0;
      return pack_struct(
          2, [&](uint32_t field) { return pack_int(static_cast<int64_t>(field == 0 ? outcome.value : outcome.rest)); });
    default: return 0;
  }
}

std::vector<Intrinsic> all_intrinsics() {
  std::vector<Intrinsic> all;
  for (int i = 1; i < static_cast<int>(Intrinsic::kCount); ++i) all.push_back(static_cast<Intrinsic>(i));
  return all;
}

/// Returns a packed integer of any size, most often near a limit.
int64_t random_int(std::mt19937_64& random) {
  const int64_t limits[] = {0, 64, kMaxPackedInt, int64_t{1} << 31, int64_t{1} << 32};
  const int64_t near = static_cast<int64_t>(random() % 5) - 2;
  int64_t value;
  if (random() % 4 == 0) {
    value = limits[random() % std::size(limits)] + near;
  } else if (random() % 2 == 0) {
    value = (int64_t{1} << random() % 62) + near;
  } else {
    value = static_cast<int64_t>(random() >> (2 + random() % 62));
  }
  if (random() % 3 == 0) value = -value;
  return std::clamp(value, kMinPackedInt, kMaxPackedInt);
}

class IntrinsicsTest : public testing::TestWithParam<Intrinsic> {};

TEST_P(IntrinsicsTest, AgreesWithItsTwin) {
  const Intrinsic intrinsic = GetParam();
  ASSERT_TRUE(kTwins.contains(intrinsic)) << "a twin is missing";
  const Twin& twin = kTwins.at(intrinsic);
  std::mt19937_64 random(static_cast<uint64_t>(intrinsic));
  for (int i = 0; i < 20000; ++i) {
    int64_t values[3];
    Word words[3];
    for (int k = 0; k < 3; ++k) words[k] = pack_int(values[k] = random_int(random));
    ASSERT_EQ(fold_packed(intrinsic, words), word_of(twin(values[0], values[1], values[2])))
        << intrinsic_info(intrinsic).name << " " << values[0] << " " << values[1] << " " << values[2];
  }
}

TEST_P(IntrinsicsTest, LeavesOtherWordsAlone) {
  const Intrinsic intrinsic = GetParam();
  const IntrinsicInfo& info = intrinsic_info(intrinsic);
  Word object[2] = {Object::make_header(ObjectKind::kBytes, 1), Word{1} << 63};
  for (const Word other : {make_placeholder(1), reinterpret_cast<Word>(object)}) {
    for (uint32_t position = 0; position < info.arity; ++position) {
      Word words[3] = {pack_int(1), pack_int(2), pack_int(3)};
      words[position] = other;
      EXPECT_EQ(fold_packed(intrinsic, words), 0u) << info.name;
    }
  }
}

// The handler answers when fold_packed does, and otherwise runs the native's body.

constexpr Word kGeneralCase = 0x5b;

TEST_P(IntrinsicsTest, HandlerGivesWayToTheBody) {
  const Intrinsic intrinsic = GetParam();
  const uint32_t arity = intrinsic_info(intrinsic).arity;
  BytecodeParse parsed = parse_bytecode(R"(
    globals 1
    name "/A%"
    module "/A%" code 0 global 0
    code 0 "/A%" at "A.fble":1:0
      arity 0 slots 4 captures 0
      foreign "/A%" "F" at 1:0
    {
      foreign s0 0
      return s0
    }
  )",
                                        "test");
  ASSERT_NE(parsed.program, nullptr) << parsed.error;
  const NativeRow rows[] = {
      {"/A%", "F", arity, NativeEffect::kPure, [](NativeCall&) { return kGeneralCase; }, intrinsic}};
  NativeTable natives;
  natives.add(rows);
  Machine machine(*parsed.program, natives);
  ASSERT_TRUE(machine.run_modules());
  const size_t native = machine.keep(machine.result());
  std::mt19937_64 random(static_cast<uint64_t>(intrinsic));
  for (int i = 0; i < 1000; ++i) {
    Word words[3];
    for (Word& word : words) word = pack_int(random_int(random));
    const Word folded = fold_packed(intrinsic, words);
    machine.set_result(machine.kept(native));
    ASSERT_TRUE(machine.call_result(std::span(words, arity)));
    EXPECT_EQ(machine.result(), folded != 0 ? folded : kGeneralCase);
  }
}

INSTANTIATE_TEST_SUITE_P(All, IntrinsicsTest, testing::ValuesIn(all_intrinsics()),
                         [](const auto& info) { return std::string(intrinsic_info(info.param).name); });

TEST(Intrinsics, TellWhichLibraryIsInUse) {
  BytecodeParse parsed = parse_bytecode(R"(
    globals 1
    name "/A%"
    module "/A%" code 0 global 0
    code 0 "/A%" at "A.fble":1:0
      arity 0 slots 4 captures 0
      foreign "/A%" "F" at 1:0
    {
      foreign s0 0
      return s0
    }
  )",
                                        "test");
  ASSERT_NE(parsed.program, nullptr) << parsed.error;
  for (const Intrinsic intrinsic : {Intrinsic::kNone, Intrinsic::kIntAdd}) {
    const NativeRow rows[] = {{"/A%", "F", 2, NativeEffect::kPure, [](NativeCall&) { return Word{3}; }, intrinsic}};
    NativeTable natives;
    natives.add(rows);
    Machine machine(*parsed.program, natives);
    EXPECT_EQ(machine.int_form(), intrinsic == Intrinsic::kNone ? IntForm::kUnions : IntForm::kMachine);
  }
}

}  // namespace
}  // namespace fble
