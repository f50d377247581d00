// Exact counts as text and for pprof.
#include "frontends/profile/run_counts.h"

#include <gmock/gmock.h>

#include "interp/instruction_counts.h"

namespace fble {
namespace {

/// A function on two lines, called 3 times, with a loop that is on the second; and a native.
class RunCounts : public testing::Test {
 protected:
  RunCounts() {
    f_.words = {static_cast<uint32_t>(Op::kMove),   1, 0, static_cast<uint32_t>(Op::kMove), 1, 0,
                static_cast<uint32_t>(Op::kReturn), 1};
    f_.block = Symbol("/A%.f");
    f_.loc = Loc{Symbol("src/A.fble"), 2, 1};
    f_.locs = {{3, Loc{Symbol("src/A.fble"), 3, 1}}, {8, Loc{Symbol("src/A.fble"), 4, 1}}};
    finish_code(f_);
    native_.words = {static_cast<uint32_t>(Op::kNativeBody)};
    native_.block = Symbol("/Std/Int%.Add");
    native_.loc = Loc{Symbol("Int.fble"), 7, 1};
    native_.native = [](NativeCall&) { return Word{0}; };
    finish_code(native_);
    glue_.words = {static_cast<uint32_t>(Op::kApplyHeld)};
    glue_.is_glue = true;
    finish_code(glue_);
    counts_.add(native_, native_.start, 5);
    counts_.add(f_, f_.start, 3);
    counts_.add(f_, f_.start + 3, 2000);
    counts_.add(f_, f_.start + 6, 2);
    counts_.add(glue_, glue_.start, 9);
  }

  Code f_;
  Code native_;
  Code glue_;
  InstructionCounts counts_;
};

TEST_F(RunCounts, AreTheFunctions) {
  const std::vector<FunctionCounts> functions = counts_of_run(counts_);
  EXPECT_EQ(counts_text(functions),
            "8 calls and 2010 instructions\n"
            "\n"
            "       calls   instructions  function\n"
            "           3           2005  /A%.f  src/A.fble:2\n"
            "           5              5  [native /Std/Int%.Add]  Int.fble:7\n");
  EXPECT_EQ(counts_text(functions, 0),
            "8 calls and 2010 instructions\n"
            "\n"
            "       calls   instructions  function\n"
            "           8           2010  2 more\n");
}

TEST_F(RunCounts, AreTheLines) {
  const std::vector<FunctionCounts> functions = counts_of_run(counts_);
  EXPECT_EQ(counted_files(functions), (std::vector<std::string>{"Int.fble", "src/A.fble"}));
  EXPECT_EQ(annotated_counts(functions, "src/A.fble", "one\ntwo\nthree\nfour"),
            "       times   instructions  src/A.fble\n"
            "                                1 one\n"
            "                                2 two\n"
            "           3              3     3 three\n"
            "        2000           2002     4 four\n");
}

TEST_F(RunCounts, AreWrittenForPprof) {
  const std::string bytes = counts_pprof(counts_of_run(counts_));
  for (const char* text : {"calls", "samples", "[root]", "/A%.f", "[native /Std/Int%.Add]", "src/A.fble"}) {
    EXPECT_THAT(bytes, testing::HasSubstr(text));
  }
  EXPECT_EQ(counts_pprof({}).find("/A%.f"), std::string::npos);
}

}  // namespace
}  // namespace fble
