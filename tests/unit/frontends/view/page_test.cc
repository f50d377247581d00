#include "frontends/view/page.h"

#include <gmock/gmock.h>

#include <regex>

#include "tests/support/view_data.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ViewPageTest, HasTheDataOfBothRuns) {
  const ViewCollector::Json now = {{"program", "/A%"}, {"text", "</script><b>\xff"}};
  const std::string first = view_page(now, "");
  EXPECT_EQ(view_data(first)["text"], "</script><b>\xef\xbf\xbd");
  EXPECT_THAT(first, HasSubstr("<title>/A% - fble-jit view</title>"));
  EXPECT_THAT(first, Not(HasSubstr("id=\"before\">")));
  const std::string second = view_page({{"program", "/B%"}}, *view_data_of(first));
  EXPECT_EQ(view_data(second)["program"], "/B%");
  EXPECT_THAT(second, HasSubstr("id=\"before\">" + *view_data_of(first)));
  EXPECT_EQ(view_data_of("<html></html>"), std::nullopt);
}

TEST(ViewPageTest, NamesNoAddress) {
  const std::string page = view_page({{"program", "/A%"}}, "");
  // The one address names a format and is never opened.
  const std::string text = std::regex_replace(page, std::regex("http://www\\.w3\\.org/2000/svg"), "");
  EXPECT_THAT(text, Not(HasSubstr("://")));
  EXPECT_THAT(text, Not(HasSubstr("src=")));
  EXPECT_THAT(text, Not(HasSubstr("url(")));
  EXPECT_THAT(text, Not(HasSubstr("innerHTML")));
}

}  // namespace
}  // namespace fble
