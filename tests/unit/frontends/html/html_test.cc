#include "frontends/html/html.h"

#include <gmock/gmock.h>

#include "tests/support/view_data.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlTest, EscapesWhatWouldBeATagOrEndAnAttribute) {
  EXPECT_EQ(escape_html("a < b && \"c\" > 'd'"), "a &lt; b &amp;&amp; &quot;c&quot; &gt; 'd'");
}

TEST(HtmlTest, PacksAndUnpacks) {
  for (const size_t size : {0, 1, 2, 3, 4, 100'000}) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * i >> 3);
    EXPECT_EQ(gunzip(decode_base64(pack_data(bytes))), bytes);
  }
}

TEST(HtmlTest, APageHasItsDataAndAllowsNothingElse) {
  const HtmlData data[] = {{"first", pack_data("1")}, {"second", pack_data("2")}};
  const std::string page =
      script_page({.title = "<T>", .style = "b {}", .script = "f();", .body = "<p>text</p>\n", .data = data});
  EXPECT_THAT(page, HasSubstr("<title>&lt;T&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src 'nonce-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe")));
  EXPECT_EQ(find_data(page, "first"), data[0].text);
  EXPECT_EQ(find_data(page, "second"), data[1].text);
  EXPECT_EQ(find_data(page, "third"), std::nullopt);
  EXPECT_EQ(find_data(page.substr(0, page.find("</script>")), "first"), std::nullopt);
}

}  // namespace
}  // namespace fble
