#include "frontends/fble/image/bundle.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

namespace fble {
namespace {

class BundleTest : public testing::Test {
 protected:
  BundleTest() {
    modules_.push_back({"src/A.fble", "an image"});
    modules_.push_back({"", "one of thirteen bytes"});
    modules_.push_back({"src/'odd name'.fble", ""});
    bundle_ = write_bundle(modules_);
  }

  /// Returns the problem with these bytes, which are copied to a place where a bundle may begin.
  static std::string problem_of(const std::string& bytes) {
    std::string problem;
    const auto modules = read_bundle(bytes, problem);
    EXPECT_EQ(modules.has_value(), problem.empty());
    for (const BundledModule& module : modules.value_or(std::vector<BundledModule>{})) {
      EXPECT_LE(module.image.size(), bytes.size());
      if (!module.image.empty()) EXPECT_GE(module.image.data(), bytes.data());
    }
    return problem;
  }

  /// Makes the checksum right again.
  static void mend(std::string& bytes) {
    const uint32_t checksum = bundle_checksum(bytes);
    if (bytes.size() >= 12) std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
  }

  std::vector<BundledModule> modules_;
  std::string bundle_;
};

TEST_F(BundleTest, HasItsModulesInOrder) {
  std::string problem;
  const auto read = read_bundle(bundle_, problem);
  ASSERT_TRUE(read.has_value()) << problem;
  ASSERT_EQ(read->size(), modules_.size());
  for (size_t i = 0; i < read->size(); ++i) {
    EXPECT_EQ((*read)[i].file, modules_[i].file);
    EXPECT_EQ((*read)[i].image, modules_[i].image);
    EXPECT_EQ(((*read)[i].image.data() - bundle_.data()) % 8, 0);
  }
}

TEST_F(BundleTest, OtherBytesAreNone) {
  EXPECT_EQ(problem_of(""), "it is not what fble-jit writes");
  EXPECT_EQ(problem_of("FbleBnd1"), "it is not what fble-jit writes");
  EXPECT_EQ(problem_of(std::string(1000, 'x')), "it is not what fble-jit writes");
  EXPECT_EQ(problem_of(write_bundle({})), "it ends early");
}

TEST_F(BundleTest, EachShorterOneIsFound) {
  // The last image is empty, and before it are zeros.
  const size_t needed = bundle_.size() - 8 + modules_[1].image.size() % 8;
  for (size_t size = 0; size < needed; ++size) EXPECT_NE(problem_of(bundle_.substr(0, size)), "") << size;
}

TEST_F(BundleTest, EachChangedBitBeforeTheImagesIsFound) {
  const size_t end = static_cast<size_t>(bundle_.find("an image"));
  for (size_t bit = 0; bit < end * 8; ++bit) {
    std::string changed = bundle_;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(problem_of(changed), "") << bit;
  }
}

TEST_F(BundleTest, ChangedOnesWithTheRightChecksumAreHarmless) {
  std::mt19937 random(1);
  constexpr int kRounds = 20000;
  for (int i = 0; i < kRounds; ++i) {
    std::string changed = bundle_;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      constexpr std::array<uint8_t, 6> kBytes{0, 1, 8, 0x7f, 0x80, 0xff};
      changed[8 + random() % (changed.size() - 8)] = static_cast<char>(kBytes[random() % kBytes.size()]);
    }
    if (random() % 4 == 0) changed.resize(random() % changed.size());
    mend(changed);
    problem_of(changed);
  }
}

}  // namespace
}  // namespace fble
