#include "frontends/fble/file_facts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace fble {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;
/// The limit for the size of a file: locations hold 32-bit lines and columns.
constexpr off_t kMaxFileBytes = off_t{1} << 31;

/// More than the longest tick, which is a second: that of old ext4 file systems.
constexpr int64_t kLongestTick = 2 * kNanoseconds;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kNanoseconds + time.tv_nsec; }

FileStamp stamp_of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = static_cast<uint64_t>(status.st_size),
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

/// Returns whether the file's times come from this machine's clock.
bool is_local(int file) {
  constexpr unsigned long kZfs = 0x2fc12fc1;
  constexpr unsigned long kLocal[] = {
      EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC, kZfs, OVERLAYFS_SUPER_MAGIC};
  struct statfs system;
  return fstatfs(file, &system) == 0 &&
         std::ranges::find(kLocal, static_cast<unsigned long>(system.f_type)) != std::end(kLocal);
}

}  // namespace

std::optional<FileStamp> make_stamp(int file, const struct stat& status) {
  timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return std::nullopt;
  const FileStamp stamp = stamp_of(status);
  if (std::max(stamp.modified_ns, stamp.changed_ns) > nanoseconds(now) - kLongestTick || !is_local(file))
    return std::nullopt;
  return stamp;
}

bool is_settled(const FileStamp& stamp) {
  timespec now;
  return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
         std::max(stamp.modified_ns, stamp.changed_ns) < nanoseconds(now) - 60 * kNanoseconds;
}

namespace {

/// Returns the folder that a name is in; empty if the name has none.
std::string_view folder_of(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

/// Returns whether a name is missing, or there, as the fact says. Sets `is_link` if it leads to something that is not
/// in its folder.
bool is_true(const FileFact& fact, bool& is_link) {
  struct stat status;
  bool is_there = lstat(fact.name.c_str(), &status) == 0;
  is_link = is_there && S_ISLNK(status.st_mode);
  if (is_link) is_there = stat(fact.name.c_str(), &status) == 0;
  if (fact.kind == FactKind::kThere) return is_there;
  return !is_there && (errno == ENOENT || errno == ENOTDIR);
}

enum class Content { kSame, kOther, kUnreadable };

/// Compares the content of a file with a fact, which gets the digest and stamp of now.
Content check_content(FileFact& fact) {
  struct stat status;
  if (stat(fact.name.c_str(), &status) != 0) return Content::kUnreadable;
  if (S_ISREG(status.st_mode) && fact.stamp == stamp_of(status)) return Content::kSame;
  std::string text;
  fact.stamp.reset();
  if (read_file(fact.name, text, fact.stamp) != ReadStatus::kRead) return Content::kUnreadable;
  const Digest before = std::exchange(fact.digest, digest_of(text));
  return fact.digest == before ? Content::kSame : Content::kOther;
}

}  // namespace

bool has_stamp(const std::string& folder, const FileStamp& stamp) {
  struct stat status;
  return stat(folder.c_str(), &status) == 0 && stamp == stamp_of(status);
}

std::optional<FileStamp> folder_stamp(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  struct stat status;
  std::optional<FileStamp> stamp;
  if (fstat(file, &status) == 0) stamp = make_stamp(file, status);
  close(file);
  return stamp;
}

bool hold_in_folder(std::span<const FileFact> facts) {
  return std::ranges::all_of(facts, [](const FileFact& fact) {
    bool is_link = false;
    return is_true(fact, is_link) && !is_link;
  });
}

std::optional<GroupedFacts> group_by_folder(const std::vector<FileFact>& facts) {
  GroupedFacts grouped;
  std::unordered_map<std::string, std::optional<size_t>> indices;  // of folders; nothing for one that is missing
  std::unordered_set<std::string> missing_folders;
  const auto index_of = [&](const std::string& name) {
    const auto [found, is_new] = indices.try_emplace(name);
    if (is_new && access(name.c_str(), F_OK) == 0) {
      found->second = grouped.folders.size();
      // The stamp is taken before the facts are checked: what changes from then on gives the folder another one.
      grouped.folders.push_back({name, folder_stamp(name), {}});
    }
    return found->second;
  };
  for (const FileFact& fact : facts) {
    FileFact now = fact;
    if (fact.kind == FactKind::kRead) {
      if (check_content(now) != Content::kSame) return std::nullopt;
      grouped.facts.push_back(std::move(now));
      continue;
    }
    std::string folder(folder_of(now.name));
    std::optional<size_t> index;
    while (!folder.empty() && !(index = index_of(folder)) && now.kind == FactKind::kMissing) {
      // While the folder is missing, names in it are.
      now.name = std::exchange(folder, std::string(folder_of(folder)));
    }
    const bool is_folder = now.name != fact.name;
    if (is_folder && !missing_folders.insert(now.name).second) continue;
    bool is_link = false;
    if (!is_true(now, is_link)) return std::nullopt;
    (index && !is_link ? grouped.folders[*index].facts : grouped.facts).push_back(std::move(now));
  }
  std::erase_if(grouped.folders, [](const FolderFacts& folder) { return folder.facts.empty(); });
  return grouped;
}

std::optional<FactsNow> check_facts(std::span<FileFact> facts) {
  FactsNow now;
  for (uint32_t i = 0; i < facts.size(); ++i) {
    FileFact& fact = facts[i];
    if (fact.kind != FactKind::kRead) {
      bool is_link = false;
      if (!is_true(fact, is_link)) return std::nullopt;
      continue;
    }
    const std::optional<FileStamp> before = fact.stamp;
    const Content content = check_content(fact);
    if (content == Content::kUnreadable) return std::nullopt;
    if (content == Content::kOther) now.other_content.push_back(i);
    now.has_settled |= fact.stamp && fact.stamp != before && is_settled(*fact.stamp);
  }
  return now;
}

ReadStatus read_file(const std::string& name, std::string& text, std::optional<FileStamp>& stamp) {
  // Does not block: the file may be a pipe.
  int file = -1;
  do {
    file = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (file < 0 && errno == EINTR);
  if (file < 0) {
    int reason = errno;
    if (reason == ENOENT || access(name.c_str(), F_OK) != 0) return ReadStatus::kMissing;
    text = std::strerror(reason);
    return ReadStatus::kFailed;
  }
  struct stat status;
  const char* problem = nullptr;
  if (fstat(file, &status) != 0) {
    problem = std::strerror(errno);
  } else if (S_ISDIR(status.st_mode)) {
    problem = std::strerror(EISDIR);
  } else if (!S_ISREG(status.st_mode)) {
    problem = "Not a regular file";
  } else if (status.st_size >= kMaxFileBytes) {
    problem = std::strerror(EFBIG);
  } else {
    stamp = make_stamp(file, status);
    // One byte more than the file has, so that one read also sees the end.
    size_t length = 0;
    text.resize(static_cast<size_t>(status.st_size) + 1);
    for (;;) {
      ssize_t count = read(file, text.data() + length, text.size() - length);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) problem = std::strerror(errno);
      if (count <= 0) break;
      length += static_cast<size_t>(count);
      if (length < text.size() && length >= static_cast<size_t>(status.st_size)) break;
      if (static_cast<off_t>(length) >= kMaxFileBytes) {
        problem = std::strerror(EFBIG);
        break;
      }
      text.resize(text.size() * 2);
    }
    text.resize(length);
  }
  close(file);
  if (problem == nullptr) return ReadStatus::kRead;
  text = problem;
  return ReadStatus::kFailed;
}

}  // namespace fble
