#include "frontends/fble/image/image_file.h"

#include <gtest/gtest.h>

#include "tests/support/imaged_program.h"

namespace fble {
namespace {

class ImageFileTest : public testing::Test {
 protected:
  ImageFileTest() {
    ModuleFolder folder;
    write_rich_modules(folder);
    ImageStore none;
    images_ = load_with_images({module_path("/Main%")}, {folder.root()}, &none)->images();
    file_ = image_file(images_);
  }

  std::string problem_of(const std::string& bytes) {
    std::string problem;
    const auto reader = ImageFileReader::open(bytes, problem);
    EXPECT_EQ(reader == nullptr, !problem.empty());
    return problem;
  }

  std::map<Digest, std::string> images_;
  std::string file_;
};

TEST_F(ImageFileTest, FindsImagesByTheirSources) {
  std::string problem;
  const auto reader = ImageFileReader::open(file_, problem);
  ASSERT_NE(reader, nullptr) << problem;
  ASSERT_EQ(reader->count(), images_.size());
  size_t index = 0;
  for (const auto& [key, image] : images_) {
    EXPECT_EQ(reader->image_bytes(index++), image);
    const ModuleImage* found = reader->find(key);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->source_key(), key);
    EXPECT_EQ(reader->find(key), found);
  }
  EXPECT_EQ(reader->find(Digest{}), nullptr);
}

TEST_F(ImageFileTest, RefusesWhatItCannotUse) {
  EXPECT_EQ(problem_of(file_), "");
  EXPECT_EQ(problem_of(""), "this is no file of images");
  EXPECT_EQ(problem_of("FbleImgs"), "this is no file of images");
  std::string other = file_;
  other[0] ^= 1;
  EXPECT_EQ(problem_of(other), "this is no file of images");
  other = file_;
  other[8] ^= 1;
  EXPECT_EQ(problem_of(other), "another fble-jit has written it");
  other = file_.substr(0, 100);
  EXPECT_EQ(problem_of(other), "the file ends early");
}

TEST_F(ImageFileTest, ATruncatedFileHasFewerImages) {
  for (size_t size = file_.size(); size > 48; size -= std::min<size_t>(size, 997)) {
    std::string problem;
    const std::string bytes = file_.substr(0, size);
    const auto reader = ImageFileReader::open(bytes, problem);
    if (reader == nullptr) continue;
    for (const auto& [key, image] : images_) {
      const ModuleImage* found = reader->find(key);
      if (found != nullptr) EXPECT_EQ(found->source_key(), key);
    }
  }
}

TEST(MappedFile, IsARegularFileWithBytes) {
  EXPECT_EQ(MappedFile::open("/nowhere"), nullptr);
  EXPECT_EQ(MappedFile::open("/"), nullptr);
  EXPECT_EQ(MappedFile::open("/dev/null"), nullptr);
  ModuleFolder folder;
  folder.write("empty", "");
  EXPECT_EQ(MappedFile::open(folder.root() + "/empty"), nullptr);
  folder.write("text", "text");
  const auto file = MappedFile::open(folder.root() + "/text");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->bytes(), "text");
}

}  // namespace
}  // namespace fble
