#include "interp/deopt_point.h"

#include <gtest/gtest.h>

namespace fble {
namespace {

DeoptPointOptions parse(std::initializer_list<std::string_view> words) {
  DeoptPointOptions options;
  for (const std::string_view word : words) EXPECT_EQ(add_deopt_point_option(options, word), "");
  return options;
}

std::string problem_of(std::string_view word) {
  DeoptPointOptions options;
  const std::string problem = add_deopt_point_option(options, word);
  EXPECT_EQ(options, DeoptPointOptions()) << "a wrong option changes nothing";
  return problem;
}

TEST(DeoptPoint, WithoutOptionsEachPassCounts) {
  const DeoptPointOptions options;
  EXPECT_EQ(options.after, 0u);
  EXPECT_EQ(options.every, 1u);
  EXPECT_EQ(deopt_point_options_text(options), "");
}

TEST(DeoptPoint, OptionsReadBackAsTheyAreWritten) {
  const DeoptPointOptions options = parse({"after=0", "every=2147483647", "gc", "yield", "force", "invalidate"});
  EXPECT_EQ(options.every, 2147483647u);
  EXPECT_EQ(deopt_point_options_text(options), " every=2147483647 force invalidate gc yield");
  EXPECT_EQ(deopt_point_options_text(options, ','), ",every=2147483647,force,invalidate,gc,yield");
  EXPECT_EQ(parse({"every=2147483647", "force", "invalidate", "gc", "yield"}), options);
  EXPECT_EQ(deopt_point_options_text(parse({"after=12"})), " after=12");
}

TEST(DeoptPoint, SaysWhatIsWrong) {
  EXPECT_EQ(problem_of("gcc"),
            "unknown option 'gcc' of deopt-here!; there are after=N, every=N, force, invalidate, gc, yield");
  EXPECT_EQ(problem_of("every=0"), "option 'every' of deopt-here! takes a number from 1 on, as in every=3");
  EXPECT_EQ(problem_of("every="), "option 'every' of deopt-here! takes a number from 1 on, as in every=3");
  EXPECT_EQ(problem_of("after"), "option 'after' of deopt-here! takes a number from 0 on, as in after=3");
  EXPECT_EQ(problem_of("after=-1"), "option 'after' of deopt-here! takes a number from 0 on, as in after=3");
  EXPECT_EQ(problem_of("after=2147483648"), "option 'after' of deopt-here! takes a number from 0 on, as in after=3");
  EXPECT_EQ(problem_of("after=99999999999"), "option 'after' of deopt-here! takes a number from 0 on, as in after=3");
  EXPECT_EQ(problem_of("gc=1"), "option 'gc' of deopt-here! takes no number");
  EXPECT_EQ(problem_of("="),
            "unknown option '=' of deopt-here!; there are after=N, every=N, force, invalidate, gc, yield");
}

}  // namespace
}  // namespace fble
