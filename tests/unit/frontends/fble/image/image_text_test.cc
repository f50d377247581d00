#include "frontends/fble/image/image_text.h"

#include <gtest/gtest.h>

#include "tests/support/imaged_program.h"

namespace fble {
namespace {

TEST(ImageText, ParsesBackToTheSameBytes) {
  ModuleFolder folder;
  write_rich_modules(folder);
  ImageStore none;
  for (const auto& [key, image] :
       load_with_images({module_path("/Main%"), module_path("/Header%")}, {folder.root()}, &none)->images()) {
    ImageView view;
    ASSERT_EQ(view.open(image), "");
    const std::string text = print_image(view);
    const ImageParse parse = parse_image(text);
    ASSERT_EQ(parse.error, "");
    EXPECT_EQ(parse.image, image) << text;
    for (size_t i = 0; i < kSections; ++i) {
      const char* name = section_info(static_cast<Section>(i)).name;
      EXPECT_EQ(text.find("\n" + std::string(name) + " 0:") != std::string::npos,
                !view.words_of(static_cast<Section>(i)).empty())
          << name;
    }
  }
}

TEST(ImageText, ReportsMistakes) {
  const auto error = [](std::string_view text) { return parse_image(text).error; };
  EXPECT_EQ(error(""), "");
  EXPECT_EQ(error("image 12\n\nString 0: \"a\\x22b\"\nCodeWord 0: 1 2 3\nCodeWord 3: 4\n"), "");
  EXPECT_EQ(error("Strings 0: \"a\""), "line 1: the name of a section is expected");
  EXPECT_EQ(error("String 0: \"a\"\nString 2: \"b\""), "line 2: the records of a section must be in order");
  EXPECT_EQ(error("String 0: \"a"), "line 1: the text has no end");
  EXPECT_EQ(error("String 0: \"\\x4\""), "line 1: two hexadecimal digits are expected");
  EXPECT_EQ(error("Path 0: \"a\""), "line 1: only strings are texts");
  EXPECT_EQ(error("Path 0: words=1"), "line 1: '+' is expected");
  EXPECT_EQ(error("Path 0: word=1"), "line 1: 'words' is expected");
  EXPECT_EQ(error("Path 0: words=1+1 x"), "line 1: the line should end here");
  EXPECT_EQ(error("Path 0: words=4294967296+1"), "line 1: a number of 32 bits is expected");
}

}  // namespace
}  // namespace fble
