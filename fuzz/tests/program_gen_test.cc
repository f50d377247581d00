// The generator's programs are accepted, they end, and they can be generated
// again and made smaller.
#include "fuzz/gen/program_gen.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>

#include "frontends/cli/search_path.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/typecheck.h"
#include "fuzz/gen/library.h"
#include "fuzz/oracle/modes_agree.h"

namespace fble {
namespace {

GeneratedProgram from_seed(uint64_t seed) {
  Choices choices = Choices::from_seed(seed);
  return generate_program(choices);
}

const std::vector<std::string> kInterpreterOnly = {"off"};

TEST(Choices, ZeroAfterTheEnd) {
  Choices choices = Choices::from_values({5, 7});
  EXPECT_EQ(choices.below(10), 5u);
  EXPECT_EQ(choices.below(4), 3u) << "larger ones are brought into range";
  EXPECT_EQ(choices.below(10), 0u);
  EXPECT_FALSE(choices.chance(99)) << "0 is the simple way";
  EXPECT_EQ(choices.taken(), (std::vector<uint32_t>{5, 3, 0, 0}));
}

TEST(Choices, BytesGiveSmallAndLargeNumbers) {
  const uint8_t bytes[] = {0x10, 0x34, 0x12, 0xff};
  Choices choices = Choices::from_bytes(bytes);
  EXPECT_EQ(choices.below(200), 0x10u);
  EXPECT_EQ(choices.below(65536), 0x1234u);
  EXPECT_FALSE(choices.exhausted());
  EXPECT_EQ(choices.below(256), 0xffu);
  EXPECT_TRUE(choices.exhausted());
  EXPECT_EQ(choices.below(65536), 0u);
}

TEST(ProgramGen, ProgramsAreAcceptedAndEnd) {
  ModesOracle oracle;
  unsigned failing = 0;
  std::set<std::string> outputs;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    const GeneratedProgram program = from_seed(seed);
    const Verdict verdict = oracle.check(
        program.text, {.seed = seed, .cost = program.cost, .modes = kInterpreterOnly, .judge_seconds = 30});
    EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree) << "seed " << seed << "\n" << verdict.message;
    if (verdict.judge.end == Outcome::End::kError) {
      ++failing;
      EXPECT_TRUE(program.may_fail) << "seed " << seed << "\n" << verdict.judge.error;
    } else {
      outputs.insert(verdict.judge.output);
    }
  }
  EXPECT_GT(failing, 2u);
  EXPECT_LT(failing, 40u);
  EXPECT_GT(outputs.size(), 70u) << "there is something to see";
}

TEST(ProgramGen, ChoicesMakeTheSameAgain) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const GeneratedProgram program = from_seed(seed);
    Choices again = Choices::from_values(program.choices);
    EXPECT_EQ(generate_program(again).text, program.text);
    EXPECT_EQ(from_seed(seed).text, program.text);
  }
}

TEST(ProgramGen, WhateverTheChoicesProgramsAreAccepted) {
  ModesOracle oracle;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<uint32_t> values = from_seed(seed).choices;
    Choices spoiler = Choices::from_seed(seed);
    for (int i = 0; i < 5; ++i) {
      const size_t from = spoiler.below(static_cast<uint32_t>(values.size()));
      values.erase(values.begin() + static_cast<ptrdiff_t>(from),
                   values.begin() + static_cast<ptrdiff_t>(std::min(values.size(), from + 1 + spoiler.below(20))));
      if (values.size() < 2) break;
      values[spoiler.below(static_cast<uint32_t>(values.size()))] = spoiler.below(1000);
    }
    Choices choices = Choices::from_values(values);
    const GeneratedProgram program = generate_program(choices);
    const Verdict verdict =
        oracle.check(program.text, {.cost = program.cost, .modes = kInterpreterOnly, .judge_seconds = 30});
    EXPECT_EQ(verdict.kind, Verdict::Kind::kAgree) << "seed " << seed << "\n" << verdict.message;
  }
}

TEST(ProgramGen, NoChoicesMakeAShortProgram) {
  Choices nothing = Choices::from_values({});
  const GeneratedProgram program = generate_program(nothing);
  EXPECT_LT(program.text.size(), 6000u);
}

/// Programs for the command line print what the oracle reads: the footer is accepted, with and without integers.
TEST(ProgramGen, FootersAreAccepted) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("fble-program-gen-{}", getpid());
  std::filesystem::create_directories(folder);
  for (const bool integers : {true, false}) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      Choices choices = Choices::from_seed(seed);
      const GeneratedProgram program = generate_program(choices, {.integers = integers});
      EXPECT_TRUE(has_what_footer_needs(program.text)) << program.text;
      std::ofstream(folder / "Program.fble") << program.command_text;
      Diagnostics diagnostics;
      const std::optional<ModulePath> path = parse_module_path("/Program%", diagnostics);
      const std::unique_ptr<Program> loaded =
          load_program(*path, {.roots = with_library({folder.string()})}, diagnostics);
      ASSERT_NE(loaded, nullptr) << diagnostics.render();
      EXPECT_NE(typecheck(*loaded, diagnostics), nullptr) << diagnostics.render() << program.command_text;
    }
  }
  std::filesystem::remove_all(folder);
}

TEST(Library, EachPieceComesAfterWhatItNeeds) {
  std::set<std::string_view> known;
  for (const LibraryPiece& piece : library_pieces()) {
    std::string_view rest = piece.needs;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      EXPECT_TRUE(known.contains(rest.substr(0, end))) << piece.name << " needs " << rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    known.insert(piece.name);
  }
}

}  // namespace
}  // namespace fble
