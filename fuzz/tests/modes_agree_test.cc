// The oracle notices differences in values, errors and time, and texts that are no program.
#include "fuzz/oracle/modes_agree.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/gen/library.h"
#include "fuzz/gen/program_gen.h"

namespace fble {
namespace {

using ::testing::HasSubstr;

std::string module_of(std::string_view body) {
  std::string text;
  for (const LibraryPiece& piece : library_pieces()) {
    if (piece.name == "Unit" || piece.name == "List" || piece.name == "Nat" || piece.name == "Text") text += piece.text;
  }
  return text + std::string(body);
}

TEST(ModesOracle, ReadsTheText) {
  ModesOracle oracle;
  const Verdict verdict = oracle.check(module_of("Str|'cba (0-z)';\n"), {});
  EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree) << verdict.message;
  EXPECT_EQ(verdict.judge.output, ")z-0( abc") << "the last letter is said first";
}

TEST(ModesOracle, ReadsNumbers) {
  ModesOracle oracle;
  std::string text;
  for (const LibraryPiece& piece : library_pieces()) {
    for (const char* wanted : {"Unit", "Int", "IntConst", "List", "Nat", "Text", "Number", "Out"}) {
      if (piece.name == wanted) text += piece.text;
    }
  }
  const auto said = [&](const std::string& values) {
    const Verdict verdict = oracle.check(text + values, {});
    EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree) << verdict.message;
    return verdict.judge.output;
  };
  EXPECT_EQ(said("L<Said@>[Said@(number: I|123), Said@(' ': Unit), Said@(number: /Std/Int%.Neg(I|5))];\n"), "i-5 i123");
  EXPECT_EQ(
      said("L<Said@>[Said@(number: I|18446744073709551616), Said@(number: /Std/Int%.Neg(I|9223372036854775808))];\n"),
      "i-8000000000000000xi00000000000000010000000000000000x");
  EXPECT_EQ(said("L<Said@>[Said@(nat: Nat@(e: Nat@(o: n0))), Said@(letter: Letter@(z: Unit)), Said@(nat: n0)];\n"),
            "nz01n");
  // A circle has no end.
  EXPECT_EQ(said("Nat@ x = Nat@(o: x);\nL<Said@>[Said@(nat: x)];\n"), std::string(1000, '1') + "~");
}

TEST(ModesOracle, ErrorsHaveTheirPlaceAndTrace) {
  ModesOracle oracle;
  const Verdict verdict = oracle.check(module_of("f = (Nat@ x) { x.o; };\n_ = f(n0);\nStr|x;\n"), {});
  EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree);
  EXPECT_EQ(verdict.judge.end, Outcome::End::kError);
  EXPECT_THAT(verdict.judge.error, HasSubstr("Program.fble:"));
  EXPECT_THAT(verdict.judge.error, HasSubstr("in /Program%.f: union field access undefined: wrong tag"));
}

TEST(ModesOracle, TellsWhatIsNoProgram) {
  ModesOracle oracle;
  EXPECT_EQ(oracle.check("x = ;", {}).kind, Verdict::Kind::kRejected);
  const Verdict verdict = oracle.check("x;", {});
  EXPECT_EQ(verdict.kind, Verdict::Kind::kRejected);
  EXPECT_THAT(verdict.message, HasSubstr("Program.fble:1:1"));
}

TEST(ModesOracle, StopsWhatDoesNotEnd) {
  ModesOracle oracle;
  const Verdict verdict = oracle.check(
      module_of("(Nat@) { Text@; } loop = (Nat@ n) { loop(Dec(Inc(n))); };\nloop(n0);\n"), {.judge_seconds = 0.2});
  EXPECT_EQ(verdict.kind, Verdict::Kind::kTooSlow);
}

TEST(ModesOracle, StopsWhatTakesTooMuchMemory) {
  ModesOracle oracle;
  const Verdict verdict =
      oracle.check(module_of("(Nat@) { Nat@; } grow = (Nat@ n) { Nat@(o: grow(n)); };\n_ = grow(n0);\nStr|x;\n"),
                   {.judge_seconds = 60});
  EXPECT_EQ(verdict.kind, Verdict::Kind::kOutOfMemory);
}

/// Programs that once behaved differently, with exits at many places.
TEST(ModesOracle, ProgramsOfTheCorpus) {
  ModesOracle oracle;
  unsigned count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FBLE_FUZZ_PROGRAMS)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    for (uint64_t seed = 0; seed < 60; ++seed) {
      const Verdict verdict = oracle.check(text, {.seed = seed, .cost = 50000, .judge_seconds = 10});
      ASSERT_EQ(verdict.kind, Verdict::Kind::kAgree)
          << entry.path() << verdict.message << (verdict.differences.empty() ? "" : describe(verdict.differences[0]));
    }
    ++count;
  }
  EXPECT_GE(count, 2u);
}

/// Earlier modes and programs have no effect on a mode: with shared code each behaves as with its own code
/// in a new oracle, down to the number of traces and exits.
TEST(ModesOracle, ModesAndProgramsLeaveNothingBehind) {
  const auto check = [](ModesOracle& oracle, uint64_t seed, std::vector<std::string> modes, bool share_code) {
    Choices choices = Choices::from_seed(seed);
    const GeneratedProgram program = generate_program(choices, {.max_cost = 12000});
    std::vector<Outcome> outcomes;
    const Verdict verdict = oracle.check(program.text, {.seed = seed,
                                                        .cost = program.cost,
                                                        .modes = std::move(modes),
                                                        .share_code = share_code,
                                                        .outcomes = &outcomes});
    EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree) << seed;
    return outcomes;
  };
  ModesOracle used;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const std::vector<Outcome> shared = check(used, seed, {}, true);
    ASSERT_EQ(shared.size(), modes_for_any_program());
    ModesOracle fresh;
    const std::vector<Outcome> own = check(fresh, seed, {}, false);
    ASSERT_EQ(own.size(), shared.size());
    for (size_t i = 0; i < shared.size(); ++i) {
      SCOPED_TRACE(fmt::format("seed {}, mode {}", seed, fuzz_modes()[i].name));
      EXPECT_EQ(shared[i].output, own[i].output);
      EXPECT_EQ(shared[i].error, own[i].error);
      EXPECT_EQ(shared[i].traces, own[i].traces);
      EXPECT_EQ(shared[i].exits, own[i].exits);
      EXPECT_EQ(shared[i].deopt_point_hits, own[i].deopt_point_hits);
    }
    // The last mode alone, after the judge.
    const std::vector<Outcome> alone = check(fresh, seed, {fuzz_modes()[modes_for_any_program() - 1].name}, true);
    ASSERT_EQ(alone.size(), 2u);
    EXPECT_EQ(alone[1].traces, shared.back().traces) << seed;
    EXPECT_EQ(alone[1].exits, shared.back().exits) << seed;
  }
}

TEST(ModesOracle, FlagsAreMadeForEachProgram) {
  for (const FuzzMode& mode : fuzz_modes()) {
    const std::string flags = mode_flags(mode, 3, 5000);
    EXPECT_EQ(flags.find('{'), std::string::npos) << flags;
    EXPECT_EQ(flags, mode_flags(mode, 3, 5000));
    if (std::string_view(mode.flags).find("{deopt}") != std::string_view::npos) {
      bool varies = false;
      for (uint64_t seed = 0; seed < 10; ++seed) varies |= mode_flags(mode, seed, 5000) != flags;
      EXPECT_TRUE(varies);
    }
  }
}

TEST(ModesOracle, DescribesDifferences) {
  Difference difference{"eager", "--jit=eager", {}, {}};
  difference.expected.output = std::string(100, 'a') + "b";
  difference.outcome.output = std::string(100, 'a') + "c";
  const std::string text = describe(difference);
  EXPECT_THAT(text, HasSubstr("mode eager: --jit=eager"));
  EXPECT_THAT(text, HasSubstr("output differs at 100"));
  difference.outcome.end = Outcome::End::kError;
  EXPECT_THAT(describe(difference), HasSubstr("expected to end by value, but ended by error"));
}

}  // namespace
}  // namespace fble
