// What the interpreter counts is what an observer sees.
#include "interp/instruction_counts.h"

#include <gtest/gtest.h>

#include "tests/support/counted_steps.h"

namespace fble {
namespace {

const auto kNoCompiler = [](Carrier&) { return nullptr; };

TEST(InstructionCounts, AreWhatAnObserverSees) {
  for (const char* text : kCountedPrograms) {
    CountedProgram program(text);
    const StepCounts expected = program.observed();
    const bool is_ok = program.is_ok;
    EXPECT_GT(expected.size(), 20u);
    EXPECT_EQ(program.counted(kNoCompiler), expected) << text;
    EXPECT_EQ(program.is_ok, is_ok);
    // An instruction that runs again after a collection, or when its thread continues, has run once.
    EXPECT_EQ(program.counted(kNoCompiler, {.heap = {.stress = 1}}), expected) << text;
    EXPECT_EQ(program.counted(kNoCompiler, {.heap = {.nursery_bytes = 256}}), expected) << text;
    EXPECT_EQ(program.counted(kNoCompiler, {.threads = {.yield = 2}}), expected) << text;
  }
}

TEST(InstructionCounts, EndWithTheMachine) {
  Code code;
  code.words = {static_cast<uint32_t>(Op::kReturn), 0};
  finish_code(code);
  {
    InstructionCounts counts;
    counts.add(code, code.start, 3);
    counts.add(code, code.start, 4);
    EXPECT_EQ(code.counts[0], 7u);
    size_t codes = 0;
    counts.for_each([&](const Code& counted) { codes += &counted == &code ? 1 : 100; });
    EXPECT_EQ(codes, 1u);
  }
  EXPECT_EQ(code.counts, nullptr);
}

}  // namespace
}  // namespace fble
