#include "frontends/fble/image/image_verify.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "frontends/fble/image/image_text.h"
#include "tests/support/imaged_program.h"
#include "tests/support/use_image.h"

namespace fble {
namespace {

std::vector<std::string> rich_images() {
  ModuleFolder folder;
  write_rich_modules(folder);
  ImageStore none;
  std::vector<std::string> images;
  for (auto& [key, image] :
       load_with_images({module_path("/Main%"), module_path("/Header%")}, {folder.root()}, &none)->images()) {
    images.push_back(std::move(image));
  }
  return images;
}

TEST(ImageVerify, AcceptsWhatWasWritten) {
  for (const std::string& bytes : rich_images()) {
    std::string problem;
    const auto image = ModuleImage::open(bytes, problem);
    ASSERT_NE(image, nullptr) << problem;
    use_image(*image);
  }
}

TEST(ImageVerify, AnyChangeIsFoundByTheChecksum) {
  std::mt19937_64 random(1);
  const std::vector<std::string> images = rich_images();
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = images[random() % images.size()];
    bytes[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
    std::string problem;
    EXPECT_EQ(ModuleImage::open(bytes, problem), nullptr);
    EXPECT_NE(problem, "");
  }
}

TEST(ImageVerify, ChangedImagesWithTheRightChecksumAreHarmless) {
  const char* setting = std::getenv("FBLE_IMAGE_MUTATIONS");
  const int count = setting == nullptr ? 5000 : std::atoi(setting);
  std::mt19937_64 random(2);
  const std::vector<std::string> images = rich_images();
  int accepted = 0;
  for (int i = 0; i < count; ++i) {
    std::string bytes = images[random() % images.size()];
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t word = random() % (bytes.size() / 4) * 4;
      uint32_t value;
      std::memcpy(&value, &bytes[word], 4);
      switch (random() % 5) {
        case 0: value = static_cast<uint32_t>(random() % 16); break;
        case 1: value += static_cast<uint32_t>(random() % 8) - 4; break;
        case 2: value = static_cast<uint32_t>(random()); break;
        case 3: value ^= 1u << random() % 32; break;
        default: std::memcpy(&value, &bytes[random() % (bytes.size() / 4) * 4], 4); break;
      }
      std::memcpy(&bytes[word], &value, 4);
    }
    if (random() % 16 == 0) bytes.resize(random() % bytes.size() / 4 * 4);
    mend_checksum(bytes);
    std::string problem;
    const auto image = ModuleImage::open(bytes, problem);
    ASSERT_EQ(image == nullptr, !problem.empty());
    if (image == nullptr) continue;
    ++accepted;
    use_image(*image);
  }
  EXPECT_GT(accepted, count / 100);
  EXPECT_LT(accepted, count);
}

/// Changes the image of /Main% as text. Returns what the verifier says about it.
std::string problem_with(std::string_view from, std::string_view to) {
  for (const std::string& bytes : rich_images()) {
    ImageView view;
    if (!view.open(bytes).empty()) return "cannot open";
    std::string text = print_image(view);
    if (text.find("\"/Main%\"") == std::string::npos) continue;
    const size_t at = text.find(from);
    if (at == std::string::npos) return "the image has no such text";
    text.replace(at, from.size(), to);
    const ImageParse parse = parse_image(text);
    if (!parse.error.empty()) return parse.error;
    ImageView changed;
    const std::string problem = changed.open(parse.image);
    return problem.empty() ? verify_image(changed) : problem;
  }
  return "there is no such image";
}

TEST(ImageVerify, NamesTheProblem) {
  EXPECT_EQ(problem_with("Module 0: path=", "Module 0: path=9"), "Module 0: path is not in its table");
  EXPECT_EQ(problem_with("sources=2", "sources=4"), "the module has no source");
  EXPECT_EQ(problem_with("source=2 line=1 column=16", "source=1 line=1 column=16"),
            "a mention is in no source of the module");
  EXPECT_EQ(problem_with("Origin 0: source=2", "Origin 0: source=1"), "an origin is in no source of the module");
  EXPECT_EQ(problem_with(" origin=1 a", " origin=2 a"), "type 3: the origin is not the next one of its table");
  EXPECT_EQ(problem_with("phase=1 severity=1", "phase=1 severity=0"), "a message is neither a warning nor a note");
  EXPECT_EQ(problem_with("Path 0: words=0+1", "Path 0: words=0+0"), "Path 1: words is not the next range of its table");
  EXPECT_EQ(problem_with("Kind 1: arg=0 result=0", "Kind 1: arg=1 result=0"), "kind 1 is not of earlier ones");
}

}  // namespace
}  // namespace fble
