// `fble-jit view`: the run is as usual, and the page has its traces.
#include <gmock/gmock.h>

#include "tests/support/command.h"
#include "tests/support/view_data.h"

namespace fble {
namespace {

using testing::HasSubstr;

const std::string kFannkuch = FBLE_SOURCE_DIR "/examples/Fannkuch.fble";

class ViewTest : public CommandTest {};

TEST_F(ViewTest, RunsTheProgramAndWritesAPage) {
  const CommandResult plain = run({kFannkuch, "7"});
  const CommandResult viewed = run({"view", "--html", "page.html", "--stats", kFannkuch, "7"});
  EXPECT_EQ(viewed.status, 0) << viewed.err;
  EXPECT_EQ(viewed.out, plain.out);
  const auto data = view_data(read("page.html"));
  EXPECT_EQ(data["program"], "/Fannkuch%");
  EXPECT_GT(data["traces"].size(), 10u);
  // The sum of the exits' heat is what --stats counts.
  EXPECT_THAT(viewed.err,
              HasSubstr("exits:       " + std::to_string(sum_of_exits(data, "guard", "taken")) + " by guards, " +
                        std::to_string(sum_of_exits(data, "yield point", "taken")) + " at yield points, " +
                        std::to_string(sum_of_exits(data, "return", "taken")) + " returns"));
  bool has_source = false;
  for (const auto& source : data["sources"]) {
    if (source["name"] == "/Fannkuch%")
      has_source = source["text"].get<std::string>().find("Turn") != std::string::npos;
  }
  EXPECT_TRUE(has_source);
}

TEST_F(ViewTest, TheStatusIsTheProgramsOwn) {
  write("Fails.fble", R"(Bool@ = +(*() true, *() false); /Std/Io/Cli%;)");
  EXPECT_EQ(run({"view", "--html", "page.html", "Fails.fble"}).status, 114);
  EXPECT_EQ(read("page.html"), "");
  const CommandResult usage = run({"view", "--html", "page.html", kFannkuch, "no-number"});
  EXPECT_EQ(usage.status, run({kFannkuch, "no-number"}).status);
  EXPECT_NE(read("page.html"), "");
}

TEST_F(ViewTest, ComparesWithAnEarlierPage) {
  ASSERT_EQ(run({"view", "--html", "old.html", kFannkuch, "5"}).status, 0);
  ASSERT_EQ(run({"view", "--html", "new.html", "--before=old.html", kFannkuch, "6"}).status, 0);
  EXPECT_THAT(read("new.html"), HasSubstr("id=\"before\">" + *view_data_of(read("old.html"))));
}

TEST_F(ViewTest, MistakesAreReportedBeforeTheRun) {
  CommandResult result = run({"view", kFannkuch, "5"});
  EXPECT_EQ(result.status, 116);
  EXPECT_EQ(result.err, "Error: missing required --html option. (try: fble-jit view --help)\n");
  write("some.html", "<html></html>");
  for (const char* before : {"some.html", "missing.html"}) {
    result = run({"view", "--html", "page.html", "--before", before, kFannkuch, "5"});
    EXPECT_EQ(result.status, 116);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "error: '" + std::string(before) + "' is no page of fble-jit view\n");
  }
}

TEST_F(ViewTest, APageThatCannotBeWrittenIsAnError) {
  const CommandResult result = run({"view", "--html", "missing/page.html", kFannkuch, "5"});
  EXPECT_EQ(result.status, 117);
  EXPECT_EQ(result.out, run({kFannkuch, "5"}).out);
  EXPECT_THAT(result.err, HasSubstr("missing/page.html"));
}

TEST_F(ViewTest, WithoutMachineCodeThePageIsEmpty) {
  EXPECT_EQ(run({"view", "--html", "page.html", "--jit=off", kFannkuch, "5"}).status, 0);
  EXPECT_TRUE(view_data(read("page.html"))["traces"].empty());
}

}  // namespace
}  // namespace fble
