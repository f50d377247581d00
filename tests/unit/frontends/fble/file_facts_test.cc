#include "frontends/fble/file_facts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "tests/support/imaged_program.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

/// The status of a file that has not changed for a minute, as far as its times say.
struct stat status_of(const std::string& name) {
  struct stat status;
  EXPECT_EQ(stat(name.c_str(), &status), 0);
  status.st_mtim.tv_sec -= 60;
  status.st_ctim.tv_sec -= 60;
  return status;
}

bool holds(FileFact fact) {
  const std::optional<FactsNow> now = check_facts({&fact, 1});
  return now && now->other_content.empty();
}

class FileFacts : public testing::Test {
 protected:
  FileFacts() {
    folder_.write("a", "text");
    file_ = open(name("a").c_str(), O_RDONLY | O_CLOEXEC);
  }
  ~FileFacts() override { close(file_); }
  std::string name(const std::string& file) const { return folder_.root() + "/" + file; }

  ModuleFolder folder_;
  int file_;
};

TEST_F(FileFacts, NamesAreMissingOrThere) {
  EXPECT_TRUE(holds({FactKind::kThere, name("a"), {}, {}}));
  EXPECT_FALSE(holds({FactKind::kMissing, name("a"), {}, {}}));
  EXPECT_TRUE(holds({FactKind::kMissing, name("b"), {}, {}}));
  EXPECT_FALSE(holds({FactKind::kThere, name("b"), {}, {}}));
  EXPECT_TRUE(holds({FactKind::kMissing, name("a/b"), {}, {}}));
  // What cannot be looked at is neither.
  const std::string long_name = name(std::string(5000, 'a'));
  EXPECT_FALSE(holds({FactKind::kMissing, long_name, {}, {}}));
  EXPECT_FALSE(holds({FactKind::kThere, long_name, {}, {}}));
}

TEST_F(FileFacts, AFileThatHasJustChangedHasNoStamp) {
  // A minute ahead, as the machine may stop for long between two lines of this test.
  for (timespec stat::* time : {&stat::st_mtim, &stat::st_ctim}) {
    struct stat status = status_of(name("a"));
    (status.*time).tv_sec += 120;
    EXPECT_FALSE(make_stamp(file_, status));
  }
}

TEST_F(FileFacts, AFileOfAnotherMachineOrNoneHasNoStamp) {
  const int other = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  EXPECT_FALSE(make_stamp(other, status_of("/proc/self/status")));
  close(other);
  EXPECT_FALSE(make_stamp(-1, status_of(name("a"))));
}

/// Stamps of files as they are, without what make_stamp asks for.
FileStamp stamp_now(int file, const std::string& name) {
  const std::optional<FileStamp> stamp = make_stamp(file, status_of(name));
  if (!stamp) {
    ADD_FAILURE() << "the folder for temporary files is on no known file system of this machine";
    return {};
  }
  constexpr int64_t kMinute = 60'000'000'000;
  FileStamp real = *stamp;
  real.modified_ns += kMinute;
  real.changed_ns += kMinute;
  return real;
}

TEST_F(FileFacts, AStampSavesReading) {
  // The digest is wrong, which is not seen as long as the stamp is the same.
  const FileStamp stamp = stamp_now(file_, name("a"));
  const FileFact fact{FactKind::kRead, name("a"), stamp, digest_of("another text")};
  EXPECT_TRUE(holds(fact));
  for (uint64_t FileStamp::* member : {&FileStamp::device, &FileStamp::inode, &FileStamp::bytes}) {
    FileFact other = fact;
    ++((*other.stamp).*member);
    EXPECT_FALSE(holds(other));
  }
  for (int64_t FileStamp::* member : {&FileStamp::modified_ns, &FileStamp::changed_ns}) {
    FileFact other = fact;
    ++((*other.stamp).*member);
    EXPECT_FALSE(holds(other));
  }
  EXPECT_FALSE(holds({FactKind::kRead, name("a"), {}, digest_of("another text")}));
  EXPECT_FALSE(holds({FactKind::kRead, name("b"), stamp, digest_of("another text")}));
}

TEST_F(FileFacts, AFileWithAnotherStampIsRead) {
  FileStamp stamp = stamp_now(file_, name("a"));
  ++stamp.changed_ns;
  FileFact fact{FactKind::kRead, name("a"), stamp, digest_of("text")};
  EXPECT_EQ(check_facts({&fact, 1})->other_content, std::vector<uint32_t>());
  EXPECT_NE(fact.stamp, stamp);
  folder_.write("a", "tExt");
  fact.stamp.reset();
  EXPECT_EQ(check_facts({&fact, 1})->other_content, std::vector<uint32_t>{0});
  EXPECT_EQ(fact.digest, digest_of("tExt")) << "the fact is about the file as it is";
}

TEST_F(FileFacts, OnlyStampsThatMayStayAreWorthWriting) {
  FileStamp stamp = stamp_now(file_, name("a"));
  EXPECT_FALSE(is_settled(stamp)) << "the file was just written";
  for (int64_t FileStamp::* member : {&FileStamp::modified_ns, &FileStamp::changed_ns}) {
    EXPECT_FALSE(is_settled(stamp));
    (stamp.*member) -= 3'600'000'000'000;
  }
  EXPECT_TRUE(is_settled(stamp));
}

TEST_F(FileFacts, FoldersHaveWhatIsMissingFromThem) {
  folder_.write("f/x", "");
  fs::create_symlink("nothing", name("f/link"));
  const std::vector<FileFact> facts = {{FactKind::kMissing, name("f/b"), {}, {}},
                                       {FactKind::kRead, name("a"), {}, digest_of("text")},
                                       {FactKind::kThere, name("f"), {}, {}},
                                       {FactKind::kMissing, name("f/link"), {}, {}},
                                       {FactKind::kMissing, name("none/deeper/b"), {}, {}},
                                       {FactKind::kMissing, name("none/deeper/c"), {}, {}}};
  const std::optional<GroupedFacts> grouped = group_by_folder(facts);
  ASSERT_TRUE(grouped);
  ASSERT_EQ(grouped->facts.size(), 2u) << "a file that was read and a link";
  EXPECT_EQ(grouped->facts[0].name, name("a"));
  EXPECT_EQ(grouped->facts[1].name, name("f/link"));
  ASSERT_EQ(grouped->folders.size(), 2u);
  EXPECT_EQ(grouped->folders[0].name, name("f"));
  EXPECT_EQ(grouped->folders[0].facts, std::vector{facts[0]});
  EXPECT_EQ(grouped->folders[1].name, folder_.root());
  EXPECT_EQ(grouped->folders[1].facts, (std::vector<FileFact>{facts[2], {FactKind::kMissing, name("none"), {}, {}}}));
  for (const FolderFacts& folder : grouped->folders) EXPECT_TRUE(hold_in_folder(folder.facts));

  // One that is not true is found, and so is a name that has become a link.
  EXPECT_FALSE(group_by_folder({{FactKind::kMissing, name("a"), {}, {}}}));
  EXPECT_FALSE(group_by_folder({{FactKind::kRead, name("a"), {}, digest_of("another text")}}));
  fs::create_symlink("nothing", name("f/b"));
  EXPECT_FALSE(hold_in_folder(grouped->folders[0].facts));
}

TEST_F(FileFacts, AFolderHasAnotherStampAfterANameIsNew) {
  folder_.write("f/x", "");
  const auto stamp_of = [&] {
    struct stat status;
    EXPECT_EQ(stat(name("f").c_str(), &status), 0);
    return FileStamp{status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
                     status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                     status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
  };
  const std::vector<std::function<void()>> changes = {
      [&] { folder_.write("f/y", ""); }, [&] { fs::rename(name("f/y"), name("f/z")); },
      [&] { fs::remove(name("f/z")); }, [&] { fs::create_symlink("x", name("f/link")); },
      [&] { fs::rename(name("f"), name("g")), fs::create_directory(name("f")); }};
  for (const auto& change : changes) {
    const FileStamp before = stamp_of();
    EXPECT_TRUE(has_stamp(name("f"), before));
    usleep(20'000);
    change();
    EXPECT_FALSE(has_stamp(name("f"), before));
  }
  EXPECT_FALSE(folder_stamp(name("f"))) << "it has just changed";
  EXPECT_FALSE(folder_stamp(name("none")));
  EXPECT_TRUE(folder_stamp("/usr"));
}

TEST_F(FileFacts, AFileWithTheOldTimeOfModificationHasChanged) {
  struct stat status;
  ASSERT_EQ(fstat(file_, &status), 0);
  const FileFact fact{FactKind::kRead, name("a"), stamp_now(file_, name("a")), digest_of("text")};
  usleep(20'000);
  folder_.write("a", "tExt");
  const timespec times[] = {status.st_atim, status.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, name("a").c_str(), times, 0), 0);
  struct stat changed;
  ASSERT_EQ(stat(name("a").c_str(), &changed), 0);
  EXPECT_EQ(changed.st_mtim.tv_nsec, status.st_mtim.tv_nsec);
  EXPECT_FALSE(holds(fact));
}

}  // namespace
}  // namespace fble
