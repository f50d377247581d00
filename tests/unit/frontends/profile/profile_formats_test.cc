// Profiles as text and in the formats of other tools.
#include "frontends/profile/profile_formats.h"

#include <gmock/gmock.h>

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

CallTree example() {
  CallTreeBuilder builder;
  const uint32_t main = builder.function({"/A%", {"src/A.fble", 1}});
  const uint32_t f = builder.function({"/A%.f;<x>", {"src/A.fble", 2}});
  const uint32_t gc = builder.function({"[collect minor]", {}});
  const uint32_t top = builder.path(0, main, {});
  const uint32_t in_f = builder.path(top, f, {"src/A.fble", 3});
  builder.add(top, {.line = {"src/A.fble", 3}, .samples = 1, .ns = 1'000'000});
  builder.add(in_f, {.line = {"src/A.fble", 2}, .tier = Tier::kMachineCode, .trace = 9, .samples = 3, .ns = 2'000'000});
  builder.add(builder.path(in_f, gc, {"src/A.fble", 2}), {.tier = Tier::kRuntime, .samples = 1, .ns = 1'000'000});
  return builder.finish(1'000'000);
}

TEST(ProfileFormats, Text) {
  EXPECT_EQ(profile_text(example()),
            "5 samples in 0.004 s of processor time\n"
            "50.0 % in machine code, 25.0 % interpreted, 0.0 % in natives, 25.0 % in [activities]\n"
            "\n"
            "   self    total  function\n"
            " 50.0 %   75.0 %  /A%.f;<x>  src/A.fble:2\n"
            " 25.0 %  100.0 %  /A%  src/A.fble:1\n"
            " 25.0 %   25.0 %  [collect minor]\n");
  EXPECT_THAT(profile_text(example(), 1), HasSubstr(" 50.0 %           2 more\n"));
  EXPECT_THAT(profile_text(CallTreeBuilder().finish(1000)), HasSubstr("0 samples in 0.000 s"));
}

TEST(ProfileFormats, AnnotatedSource) {
  EXPECT_EQ(annotated_source(example(), "src/A.fble", "one\ntwo\nthree\nfour"),
            "   self    total  src/A.fble\n"
            "                     1 one\n"
            " 50.0 %   75.0 %     2 two\n"
            " 25.0 %  100.0 %     3 three\n"
            "                     4 four\n");
}

TEST(ProfileFormats, FoldedStacks) {
  EXPECT_EQ(folded_stacks(example()),
            "[root];/A% 1000\n"
            "[root];/A%;/A%.f:<x> 2000\n"
            "[root];/A%;/A%.f:<x>;[collect minor] 1000\n");
}

TEST(ProfileFormats, Speedscope) {
  EXPECT_EQ(speedscope_json(example(), "A.fble"),
            "{\"$schema\":\"https://www.speedscope.app/"
            "file-format-schema.json\",\"exporter\":\"fble-jit\",\"name\":\"A.fble\","
            "\"activeProfileIndex\":0,\"shared\":{\"frames\":[{\"name\":\"[root]\"},"
            "{\"name\":\"/A%\",\"file\":\"src/A.fble\",\"line\":1},"
            "{\"name\":\"/A%.f;\\u003cx\\u003e\",\"file\":\"src/A.fble\",\"line\":2},{\"name\":\"[collect minor]\"}]},"
            "\"profiles\":[{\"type\":\"sampled\",\"name\":\"A.fble\",\"unit\":\"nanoseconds\",\"startValue\":0,"
            "\"endValue\":4000000,"
            "\"samples\":[[0,1],[0,1,2],[0,1,2,3]],\"weights\":[1000000,2000000,1000000]}]}\n");
}

TEST(ProfileFormats, JsonStrings) {
  EXPECT_EQ(json_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
  EXPECT_EQ(json_string("</script>"), "\"\\u003c/script\\u003e\"");
  EXPECT_EQ(json_string("ä€😀"), "\"ä€😀\"");
  EXPECT_EQ(json_string("\xff"
                        "a\xc3"),
            "\"\\ufffda\\ufffd\"");
}

TEST(ProfileFormats, PprofHasWhatItNeeds) {
  const std::string bytes = sampled_pprof(example());
  for (const char* text :
       {"samples", "count", "cpu", "nanoseconds", "tier", "machine code", "trace", "/A%.f;<x>", "src/A.fble"}) {
    EXPECT_THAT(bytes, HasSubstr(text));
  }
}

TEST(ProfileFormats, ThePageIsWholeAndAsksForNothing) {
  const std::string page = flame_page(example(), "A<b>.fble");
  EXPECT_THAT(page, HasSubstr("<title>A&lt;b&gt;.fble</title>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("[\"/A%.f;\\u003cx\\u003e\",\"src/A.fble\",2]"));
  EXPECT_THAT(
      page,
      HasSubstr(
          "\"paths\":[[0,0,0,0,4000000],[0,1,0,1000000,4000000],[1,2,3,2000000,3000000],[2,3,2,1000000,1000000]]"));
  for (const char* request : {"http:", "https:", "src=", "@import", "url(", "fetch("})
    EXPECT_THAT(page, Not(HasSubstr(request)));
}

}  // namespace
}  // namespace fble
