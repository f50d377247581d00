#include "frontends/cli/replace_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/command.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

class ReplaceFileTest : public CommandTest {
 protected:
  std::string path(const std::string& name) const { return folder() + "/" + name; }

  /// Returns the message of a call that must fail.
  std::string message_of(const std::string& name) const {
    testing::internal::CaptureStderr();
    EXPECT_FALSE(replace_file(name, "new", 0666));
    return testing::internal::GetCapturedStderr();
  }

  unsigned mode_of(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(stat(path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  size_t file_count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder()), fs::directory_iterator()));
  }
};

TEST_F(ReplaceFileTest, CreatesAndReplaces) {
  const mode_t before = umask(027);
  EXPECT_TRUE(replace_file(path("a"), "first", 0777));
  EXPECT_EQ(read("a"), "first");
  EXPECT_EQ(mode_of("a"), 0750);
  std::ifstream old(path("a"));
  EXPECT_TRUE(replace_file(path("a"), "second", 0666));
  umask(before);
  EXPECT_EQ(read("a"), "second");
  EXPECT_EQ(mode_of("a"), 0640);
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(old), {}}), "first");
  EXPECT_EQ(file_count(), 1);
}

TEST_F(ReplaceFileTest, AnyNameThatFilesCanHave) {
  const std::string longest(255, 'x');
  EXPECT_TRUE(replace_file(path(longest), "text", 0666));
  EXPECT_EQ(read(longest), "text");
}

TEST_F(ReplaceFileTest, DevicesAndPipesAreWrittenTo) {
  EXPECT_TRUE(replace_file("/dev/null", "text", 0666));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  fs::create_symlink("/dev/null", path("link"));
  EXPECT_TRUE(replace_file(path("link"), "text", 0666));
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(message_of("/dev/full"), "error: cannot write '/dev/full': No space left on device\n");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(ReplaceFileTest, FailuresLeaveEverythingAsItWas) {
  write("dir/old", "old");
  EXPECT_EQ(message_of(path("dir")), "error: cannot write '" + path("dir") + "': Is a directory\n");
  EXPECT_EQ(message_of(path("none/x")), "error: cannot write '" + path("none/x") + "': No such file or directory\n");
  EXPECT_EQ(message_of(""), "error: cannot write '': No such file or directory\n");
  EXPECT_EQ(message_of(path("dir/old/x")), "error: cannot write '" + path("dir/old/x") + "': Not a directory\n");
  EXPECT_EQ(read("dir/old"), "old");
  EXPECT_EQ(file_count(), 1);
}

}  // namespace
}  // namespace fble
