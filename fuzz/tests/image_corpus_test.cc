// The seeds of the target `image` are images and manifests of today's formats: what is rejected at its first line leads
// nowhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/use_image.h"

namespace fble {
namespace {

TEST(ImageCorpus, IsAccepted) {
  int images = 0;
  int manifests = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FBLE_FUZZ_IMAGES)) {
    SCOPED_TRACE(entry.path());
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (content.starts_with("fble-jit manifest")) {
      const Digest command = command_of(content);
      mend_manifest(content, command);
      const std::optional<Manifest> manifest = parse_manifest(content, command);
      ASSERT_TRUE(manifest);
      ASSERT_FALSE(manifest->folders.empty());
      EXPECT_TRUE(parse_folder_lines(manifest->folders.front()));
      EXPECT_TRUE(parse_manifest_modules(manifest->modules, manifest->facts.size()));
      ++manifests;
    } else {
      const ImageParse parse = parse_image(content);
      ASSERT_EQ(parse.error, "");
      std::string problem;
      EXPECT_NE(ModuleImage::open(parse.image, problem), nullptr) << problem;
      ++images;
    }
  }
  EXPECT_GE(images, 5);
  EXPECT_GE(manifests, 1);
}

}  // namespace
}  // namespace fble
