#include "fuzz/minimise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/gen/program_gen.h"

namespace fble {
namespace {

TEST(Minimise, ChoicesThatDoNotMatterGo) {
  std::vector<uint32_t> choices(200, 9);
  choices[50] = 77;
  choices[120] = 88;
  const auto fails = [](const std::vector<uint32_t>& values) {
    const auto first = std::ranges::find_if(values, [](uint32_t value) { return value >= 70; });
    return first != values.end() &&
           std::find_if(first + 1, values.end(), [](uint32_t value) { return value >= 80; }) != values.end();
  };
  EXPECT_EQ(minimise_choices(choices, fails, {.seconds = 20}), (std::vector<uint32_t>{70, 80}));
}

TEST(Minimise, GeneratedProgramsGetSmaller) {
  const auto fails = [](const std::vector<uint32_t>& values) {
    Choices replay = Choices::from_values(values);
    return generate_program(replay).text.find(" Twice<") != std::string::npos;
  };
  GeneratedProgram program;
  for (uint64_t seed = 0; !fails(program.choices); ++seed) {
    ASSERT_LT(seed, 1000u) << "no program has what is looked for";
    Choices choices = Choices::from_seed(seed);
    program = generate_program(choices);
  }
  Choices replay = Choices::from_values(minimise_choices(program.choices, fails, {.seconds = 20}));
  const std::string small = generate_program(replay).text;
  EXPECT_LT(small.size(), program.text.size());
}

TEST(Minimise, LinesAndPartsThatDoNotMatterGo) {
  const std::string text =
      "a = f(x, y);\n"
      "b = {\n"
      "  c = 1;\n"
      "  g(h(c), KEY(d, MORE), e);\n"
      "};\n"
      "d = a;\n";
  const auto fails = [](const std::string& candidate) {
    return std::ranges::count(candidate, '(') == std::ranges::count(candidate, ')') &&
           candidate.find("MORE") != std::string::npos;
  };
  const std::string small = minimise_text(text, fails, {.seconds = 20});
  EXPECT_LT(small.size(), 30u) << small;
  EXPECT_NE(small.find("MORE"), std::string::npos);
}

}  // namespace
}  // namespace fble
