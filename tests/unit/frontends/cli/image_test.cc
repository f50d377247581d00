// `fble-jit image` and --image: frontends/cli/image.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstring>

#include "frontends/fble/image/manifest.h"
#include "tests/support/command.h"
#include "tests/support/use_image.h"

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

/// Tests of a cache in the working folder.
class CacheTest : public ImageTest {
 protected:
  CacheTest() : cache_(folder() + "/cache") {}

  CommandResult run_cached(const std::vector<std::string>& words) const {
    return run(words, "", {"XDG_CACHE_HOME=" + cache_});
  }
  /// Returns the names of the cache's files that begin with these bytes.
  std::vector<std::string> cached(std::string_view begin) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cache_)) {
      const std::string name = std::filesystem::relative(entry.path(), folder()).string();
      if (entry.is_regular_file() && read(name).starts_with(begin)) names.push_back(name);
    }
    return names;
  }

  std::string cache_;
};

TEST_F(CacheTest, AManifestCountsUntilAFileChanges) {
  const std::vector<std::string> words{"check", "-I", folder() + "/src", "-m", "/Main%"};
  const CommandResult plain = run(words);
  EXPECT_THAT(plain.err, HasSubstr("argument 'b' is unused"));
  EXPECT_EQ(run_cached(words).err, plain.err);
  ASSERT_EQ(cached(kManifestMagic).size(), 1u);
  EXPECT_EQ(run_cached(words).err, plain.err);
  // It is the manifest that says what is printed.
  const std::string name = cached(kManifestMagic).front();
  std::string file = read(name);
  file.replace(file.find("unused"), 6, "UNUSED");
  mend_manifest(file, command_of(file));
  write(name, file);
  EXPECT_THAT(run_cached(words).err, HasSubstr("argument 'b' is UNUSED"));
  // A damaged one is not used.
  std::string damaged = file;
  damaged[damaged.find("UNUSED")] ^= 1;
  write(name, damaged);
  EXPECT_EQ(run_cached(words).err, plain.err);
  // It counts for files that were written again, but not for others.
  write(name, file);
  write("src/Unit.fble", read("src/Unit.fble"));
  EXPECT_THAT(run_cached(words).err, HasSubstr("UNUSED"));
  write("src/Unit.fble.@", "*() Unit@; Unit@ Unit; @(Unit@, Unit);");
  EXPECT_THAT(run_cached(words).err, HasSubstr("Unit.fble.@:1:"));
  std::filesystem::remove(folder() + "/src/Unit.fble.@");
  write(name, file);
  EXPECT_THAT(run_cached(words).err, HasSubstr("UNUSED"));
  write("src/Unit.fble", "Unit@ = *(); Unit@ Unit = Unit@(); @(Unit@, Unit); ");
  EXPECT_EQ(run_cached(words).err, plain.err);
}

TEST_F(CacheTest, AManifestCountsWhileNoOtherModuleSeesAChange) {
  write("src/Other.fble", "/Unit%.Unit;");
  const auto check = [&](const std::string& module) {
    return run_cached({"check", "-I", folder() + "/src", "-m", module}).err;
  };
  check("/Main%");
  ASSERT_EQ(cached(kManifestMagic).size(), 1u);
  const std::string name = cached(kManifestMagic).front();
  std::string marked = read(name);
  marked.replace(marked.find("unused"), 6, "UNUSED");
  mend_manifest(marked, command_of(marked));
  check("/Other%");

  struct Change {
    const char* what;
    const char* file;
    const char* text;
    bool is_seen;
  };
  const std::string unit = read("src/Unit.fble");
  const std::string with_lines = "# a comment\n\n" + unit;
  const std::string with_spare = "Spare@ = *();" + unit;
  const Change changes[] = {
      {"nothing", "src/Unit.fble", unit.c_str(), false},
      {"lines", "src/Unit.fble", with_lines.c_str(), false},
      {"a definition that is not exported", "src/Unit.fble", "Unit@ = *(); Unit@ U = Unit@(); @(Unit@, Unit: U);",
       false},
      {"a warning", "src/Unit.fble", with_spare.c_str(), true},
      {"an export", "src/Unit.fble", "Unit@ = *(); Unit@ Unit = Unit@(); @(Unit@, Unit, More: Unit);", true},
      {"a mention", "src/Unit.fble", "Unit@ = *(); Unit@ Unit = /More%; @(Unit@, Unit);", true},
      {"a header", "src/Unit.fble.@", "*() Unit@; Unit@ Unit; @(Unit@, Unit);", true},
      {"an error", "src/Unit.fble", "Unit@ = *(); Unit@ Unit = ; @(Unit@, Unit);", true},
  };
  write("src/More.fble", "*()();");
  for (const Change& change : changes) {
    SCOPED_TRACE(change.what);
    std::filesystem::remove(folder() + "/src/Unit.fble.@");
    write("src/Unit.fble", unit);
    write(name, marked);
    EXPECT_THAT(check("/Main%"), HasSubstr("UNUSED"));
    write(change.file, change.text);
    check("/Other%");  // makes the image of /Unit%
    EXPECT_EQ(check("/Main%").find("UNUSED") == std::string::npos, change.is_seen);
    write(name, marked);
    if (change.is_seen) EXPECT_EQ(check("/Main%"), run({"check", "-I", folder() + "/src", "-m", "/Main%"}).err);
  }
}

TEST_F(CacheTest, AManifestDoesNotCountBeforeThereIsAnImage) {
  const std::vector<std::string> words{"check", "-I", folder() + "/src", "-m", "/Main%"};
  run_cached(words);
  const std::string name = cached(kManifestMagic).front();
  std::string marked = read(name);
  marked.replace(marked.find("unused"), 6, "UNUSED");
  mend_manifest(marked, command_of(marked));
  write(name, marked);
  write("src/Unit.fble", "# a comment\n" + read("src/Unit.fble"));
  EXPECT_EQ(run_cached(words).err, run(words).err);
}

TEST_F(CacheTest, AManifestOfAllModulesCountsForTheseModules) {
  const std::vector<std::string> words{"check", "--all", "-I", folder() + "/src"};
  const CommandResult plain = run(words);
  EXPECT_EQ(run_cached(words).err, plain.err);
  ASSERT_EQ(cached(kManifestMagic).size(), 1u);
  const std::string name = cached(kManifestMagic).front();
  std::string marked = read(name);
  marked.replace(marked.find("unused"), 6, "UNUSED");
  mend_manifest(marked, command_of(marked));
  write(name, marked);
  EXPECT_THAT(run_cached(words).err, HasSubstr("UNUSED"));
  // One more module, which none mentions, and then one that is wrong.
  write("src/More.fble", "Spare@ = *(); *()();");
  EXPECT_THAT(run_cached(words).err, HasSubstr("variable 'Spare@' defined but not used"));
  EXPECT_EQ(run_cached(words).err, run(words).err);
  // As many modules, but another one.
  std::filesystem::rename(folder() + "/src/More.fble", folder() + "/src/Most.fble");
  EXPECT_THAT(run_cached(words).err, HasSubstr("src/Most.fble"));
  write("src/Most.fble", "a;");
  EXPECT_EQ(run_cached(words).status, 1);
  std::filesystem::remove(folder() + "/src/Most.fble");
  EXPECT_THAT(run_cached(words).err, HasSubstr("UNUSED"));
}

TEST_F(CacheTest, AnImageWithWrongCodeIsAsNone) {
  ASSERT_EQ(run({"image", "-I", folder() + "/src", "-o", file()}).status, 0);
  std::string changed = read("m.images");
  int wrong = 0;
  for (size_t at = changed.find(kImageMagic); at != std::string::npos; at = changed.find(kImageMagic, at + 1)) {
    const size_t end = changed.find(kImageMagic, at + 1);
    std::string image = changed.substr(at, end == std::string::npos ? end : end - at);
    ImageView view;
    while (!image.empty() && !view.open(image).empty()) image.pop_back();
    ASSERT_FALSE(image.empty());
    const std::span<const uint32_t> words = view.words_of(Section::kCodeWord);
    ASSERT_FALSE(words.empty());
    const size_t word = reinterpret_cast<const char*>(words.data()) - image.data();
    const uint32_t no_operation = 0xffff;
    std::memcpy(image.data() + word, &no_operation, sizeof no_operation);
    mend_checksum(image);
    changed.replace(at, image.size(), image);
    ++wrong;
  }
  EXPECT_GT(wrong, 1);
  write("m.images", changed);
  for (const char* command : {"test", "check", "disassemble"}) {
    const std::vector<std::string> main{"-I", folder() + "/src", "-m", "/Main%"};
    std::vector<std::string> words{command};
    words.insert(words.end(), main.begin(), main.end());
    const CommandResult plain = run(words);
    words.insert(words.begin() + 1, {"--image", file()});
    const CommandResult imaged = run(words);
    EXPECT_EQ(imaged.status, 0);
    EXPECT_EQ(imaged.out, plain.out);
    EXPECT_EQ(imaged.err, plain.err);
  }
}

}  // namespace
}  // namespace fble
