// `fble-jit image` and --image: frontends/cli/image.cc.
#include <gmock/gmock.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

class ImageTest : public CommandTest {
 protected:
  ImageTest() {
    write("src/Unit.fble", "Unit@ = *(); Unit@ Unit = Unit@(); @(Unit@, Unit);");
    write("src/Main.fble",
          "Unit@, Unit .= /Unit%;\n(Unit@, Unit@) { Unit@; } f = (Unit@ a, Unit@ b) { a; };\nf(Unit, Unit);\n");
  }
  std::string file() const { return folder() + "/m.images"; }
};

TEST_F(ImageTest, ProgramsAreTheSameWithIt) {
  const std::vector<std::string> main{"-I", folder() + "/src", "-m", "/Main%"};
  const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const CommandResult written = with({"image", "-I", folder() + "/src", "-o", file()}, {});
  ASSERT_EQ(written.status, 0) << written.err;
  EXPECT_THAT(written.err, HasSubstr("argument 'b' is unused"));
  for (const char* command : {"test", "check", "disassemble"}) {
    const CommandResult plain = with({command}, main);
    const CommandResult imaged = with({command, "--image", file()}, main);
    EXPECT_EQ(imaged.status, plain.status);
    EXPECT_EQ(imaged.out, plain.out);
    EXPECT_EQ(imaged.err, plain.err);
    EXPECT_THAT(imaged.err, HasSubstr("argument 'b' is unused"));
  }
}

TEST_F(ImageTest, AFileThatCannotBeUsedIsReported) {
  write("m.images", "nothing");
  const CommandResult result = run({"test", "--image", file(), "-I", folder() + "/src", "-m", "/Main%"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("m.images are not used: this is no file of images\n"));
}

TEST_F(ImageTest, Prints) {
  ASSERT_EQ(run({"image", "-I", folder() + "/src", "-o", file(), "/Main%"}).status, 0);
  const CommandResult printed = run({"image", "--print", file()});
  EXPECT_EQ(printed.status, 0) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("\"argument 'b' is unused\""));
  EXPECT_EQ(run({"image", "--print", folder() + "/src/Main.fble"}).status, 1);
}

TEST_F(ImageTest, Mistakes) {
  EXPECT_EQ(run({"image"}).status, 2);
  EXPECT_EQ(run({"image", "-o", file(), "--print", file()}).status, 2);
  write("src/Wrong.fble", "x;");
  const CommandResult wrong = run({"image", "-I", folder() + "/src", "-o", file()});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("Wrong.fble:1:1: error: variable 'x' not defined"));
}

}  // namespace
}  // namespace fble
