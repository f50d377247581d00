#include "frontends/fble/file_facts.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace fble {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;
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

bool holds(const FileFact& fact) {
  struct stat status;
  const bool is_there = stat(fact.name.c_str(), &status) == 0;
  switch (fact.kind) {
    case FactKind::kMissing: return !is_there && (errno == ENOENT || errno == ENOTDIR);
    case FactKind::kThere: return is_there;
    case FactKind::kRead: return is_there && S_ISREG(status.st_mode) && fact.stamp == stamp_of(status);
  }
  return false;
}

}  // namespace fble
