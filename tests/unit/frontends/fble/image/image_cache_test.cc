#include "frontends/fble/image/image_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "tests/support/imaged_program.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

class ImageCacheTest : public testing::Test {
 protected:
  std::string cache_folder() const { return folder_.root() + "/a/cache"; }
  std::string file_of(const Digest& key) const { return cache_folder() + "/" + key.str(); }
  std::unique_ptr<ImageCache> open() const { return ImageCache::open(cache_folder()); }

  static std::string text(const std::unique_ptr<MappedFile>& file) {
    return file == nullptr ? "(none)" : std::string(file->bytes());
  }
  static void set_age(const std::string& file, time_t seconds) {
    const timespec time{std::time(nullptr) - seconds, 0};
    const timespec times[] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }
  static mode_t mode_of(const std::string& file) {
    struct stat status{};
    stat(file.c_str(), &status);
    return status.st_mode & 0777;
  }
  size_t file_count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(cache_folder()), fs::directory_iterator()));
  }

  ModuleFolder folder_;
  const Digest one_ = digest_of("one");
  const Digest two_ = digest_of("two");
};

TEST_F(ImageCacheTest, ReturnsWhatWasStored) {
  const auto cache = open();
  ASSERT_NE(cache, nullptr);
  EXPECT_EQ(text(cache->read(one_)), "(none)");
  EXPECT_TRUE(cache->write(one_, "1"));
  EXPECT_EQ(text(cache->read(one_)), "1");
  EXPECT_EQ(text(open()->read(one_)), "1");
  EXPECT_TRUE(cache->write(one_, "another"));
  EXPECT_EQ(text(cache->read(one_)), "another");
  EXPECT_EQ(text(cache->read(two_)), "(none)");
  EXPECT_EQ(file_count(), 1u) << "nothing temporary is left";
}

TEST_F(ImageCacheTest, IsForTheUserAlone) {
  const mode_t mask = umask(0);
  EXPECT_TRUE(open()->write(one_, "1"));
  umask(mask);
  EXPECT_EQ(mode_of(cache_folder()), 0700u);
  EXPECT_EQ(mode_of(folder_.root() + "/a"), 0700u);
  EXPECT_EQ(mode_of(file_of(one_)), 0600u);
}

TEST_F(ImageCacheTest, DoesNotUseWhatOthersMayWrite) {
  EXPECT_TRUE(open()->write(one_, "1"));
  chmod(file_of(one_).c_str(), 0620);
  EXPECT_EQ(text(open()->read(one_)), "(none)");
  chmod(file_of(one_).c_str(), 0600);
  EXPECT_EQ(text(open()->read(one_)), "1");
  chmod(cache_folder().c_str(), 0755);
  EXPECT_EQ(open(), nullptr);
  if (geteuid() == 0) {
    chmod(cache_folder().c_str(), 0700);
    ASSERT_EQ(chown(file_of(one_).c_str(), 65534, 65534), 0);
    EXPECT_EQ(text(open()->read(one_)), "(none)");
    ASSERT_EQ(chown(cache_folder().c_str(), 65534, 65534), 0);
    EXPECT_EQ(open(), nullptr);
  }
}

TEST_F(ImageCacheTest, FollowsNoLinks) {
  EXPECT_TRUE(open()->write(one_, "1"));
  fs::create_symlink(file_of(one_), file_of(two_));
  EXPECT_EQ(text(open()->read(two_)), "(none)");
  EXPECT_TRUE(open()->write(two_, "2"));
  EXPECT_EQ(text(open()->read(one_)), "1") << "the link was replaced, not followed";
  fs::create_directory_symlink(cache_folder(), folder_.root() + "/link");
  EXPECT_EQ(ImageCache::open(folder_.root() + "/link"), nullptr);
}

TEST_F(ImageCacheTest, FoldersAndPipesAreNoImages) {
  const auto cache = open();
  fs::create_directory(file_of(one_));
  EXPECT_EQ(text(cache->read(one_)), "(none)");
  EXPECT_FALSE(cache->write(one_, "1"));
  EXPECT_EQ(file_count(), 1u) << "nothing temporary is left";
  ASSERT_EQ(mkfifo(file_of(two_).c_str(), 0600), 0);
  EXPECT_EQ(text(cache->read(two_)), "(none)");
}

TEST_F(ImageCacheTest, IsAbsentWhereItCannotBe) {
  EXPECT_EQ(ImageCache::open("/proc/nothing/here"), nullptr);
  EXPECT_EQ(ImageCache::open("/dev/null"), nullptr);
  folder_.write("file", "");
  EXPECT_EQ(ImageCache::open(folder_.root() + "/file"), nullptr);
  EXPECT_EQ(ImageCache::open(folder_.root() + "/file/below"), nullptr);
}

TEST_F(ImageCacheTest, TrimmingRemovesWhatWasNotUsed) {
  const auto cache = open();
  const std::string image(4096, 'x');
  std::vector<Digest> keys;
  for (int i = 0; i < 8; ++i) {
    keys.push_back(digest_of(std::to_string(i)));
    ASSERT_TRUE(cache->write(keys.back(), image));
    set_age(file_of(keys.back()), 100'000 * (i + 1));
  }
  cache->read(keys[7]);  // now it is the newest
  cache->trim(1 << 20);
  EXPECT_EQ(file_count(), 8u);
  cache->trim(4 * 4096);
  EXPECT_EQ(file_count(), 3u);
  EXPECT_NE(cache->read(keys[7]), nullptr);
  EXPECT_NE(cache->read(keys[0]), nullptr);
  EXPECT_NE(cache->read(keys[1]), nullptr);
}

TEST_F(ImageCacheTest, TrimmingRemovesWhatKilledWritersHaveLeft) {
  const auto cache = open();
  const std::string old_file = cache_folder() + "/.new-0000000000000001";
  const std::string new_file = cache_folder() + "/.new-0000000000000002";
  for (const std::string& file : {old_file, new_file}) std::ofstream(file) << "x";
  set_age(old_file, 10'000);
  cache->trim(1 << 20);
  EXPECT_FALSE(fs::exists(old_file));
  EXPECT_TRUE(fs::exists(new_file));
}

TEST_F(ImageCacheTest, ReadersSeeWholeImagesWhileOthersWrite) {
  constexpr int kWriters = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kWriters; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto cache = open();
      if (cache == nullptr) _exit(1);
      const std::string image(20'000, static_cast<char>('a' + i));
      for (int round = 0; round < 50; ++round) {
        if (!cache->write(one_, image)) _exit(2);
        const auto file = cache->read(one_);
        if (file == nullptr || file->bytes().size() != image.size()) _exit(3);
        if (file->bytes().find_first_not_of(file->bytes()[0]) != std::string_view::npos) _exit(4);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(file_count(), 1u);
}

}  // namespace
}  // namespace fble
