#include "frontends/fble/file_facts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

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

bool still_holds(FileFact& fact) {
  struct stat status;
  const bool is_there = stat(fact.name.c_str(), &status) == 0;
  switch (fact.kind) {
    case FactKind::kMissing: return !is_there && (errno == ENOENT || errno == ENOTDIR);
    case FactKind::kThere: return is_there;
    case FactKind::kRead: break;
  }
  if (!is_there) return false;
  if (S_ISREG(status.st_mode) && fact.stamp == stamp_of(status)) return true;
  std::string text;
  fact.stamp.reset();
  return read_file(fact.name, text, fact.stamp) == ReadStatus::kRead && digest_of(text) == fact.digest;
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
