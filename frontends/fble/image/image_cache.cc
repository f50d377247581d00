#include "frontends/fble/image/image_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "gc/log.h"

namespace fble {
namespace {

constexpr std::string_view kTemporary = ".new-";
constexpr time_t kDay = 24 * 60 * 60;
constexpr time_t kHour = 60 * 60;
/// A folder is trimmed after one in this many files is written.
constexpr uint32_t kWritesPerTrim = 16;

/// Returns whether only this user may use the file.
bool is_private(const struct stat& status) {
  return status.st_uid == geteuid() && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/// Makes a folder for this user alone, unless the one above belongs to another user: one who has called a command as
/// root has no use for root's folders at home.
void make_folder(const std::string& folder) {
  struct stat above;
  const std::string parent = folder.substr(0, std::max<size_t>(folder.rfind('/'), 1));
  if (stat(parent.c_str(), &above) != 0) return;
  const bool is_for_all = (above.st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH);
  if (above.st_uid == geteuid() || is_for_all) mkdir(folder.c_str(), S_IRWXU);
}

/// Makes the folder and those above it.
void make_folders(const std::string& folder) {
  for (size_t slash = folder.find('/', 1); slash != std::string::npos; slash = folder.find('/', slash + 1)) {
    const std::string above = folder.substr(0, slash);
    if (access(above.c_str(), F_OK) != 0) make_folder(above);
  }
  make_folder(folder);
}

/// Returns whether the process may write a file of this size. Trying to would end it.
bool may_write(size_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes <= limit.rlim_cur;
}

std::string temporary_name() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<uint64_t>(getpid());
  return fmt::format("{}{:016x}", kTemporary, random);
}

}  // namespace

std::unique_ptr<ImageCache> ImageCache::open(const std::string& folder) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int descriptor = ::open(folder.c_str(), kFlags);
  if (descriptor < 0) {
    make_folders(folder);
    descriptor = ::open(folder.c_str(), kFlags);
  }
  if (descriptor < 0) return nullptr;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !is_private(status)) {
    close(descriptor);
    return nullptr;
  }
  return std::unique_ptr<ImageCache>(new ImageCache(descriptor));
}

ImageCache::~ImageCache() { close(folder_); }

std::unique_ptr<MappedFile> ImageCache::read(const Digest& source_key) {
  const int file = openat(folder_, source_key.str().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat status;
  std::unique_ptr<MappedFile> mapping;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && is_private(status)) {
    mapping = MappedFile::map(file, static_cast<size_t>(status.st_size));
    if (std::time(nullptr) - status.st_mtime > kDay) futimens(file, nullptr);
  }
  close(file);
  return mapping;
}

bool ImageCache::write(const Digest& source_key, std::string_view image) {
  if (is_full_ || !may_write(image.size())) return false;
  const std::string temporary = temporary_name();
  const int file = openat(folder_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    is_full_ = true;
    return false;
  }
  std::string_view rest = image;
  bool is_written = write_all(file, rest) == 0;
  is_written &= close(file) == 0;
  is_written = is_written && renameat(folder_, temporary.c_str(), folder_, source_key.str().c_str()) == 0;
  if (!is_written) {
    unlinkat(folder_, temporary.c_str(), 0);
    is_full_ = true;
  } else if (source_key.words[0] % kWritesPerTrim == 0) {
    trim(kLimitBytes);
  }
  return is_written;
}

void ImageCache::trim(uint64_t limit) {
  struct File {
    time_t used;
    uint64_t bytes;
    std::string name;
  };
  std::vector<File> files;
  uint64_t total = 0;
  const int again = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = again < 0 ? nullptr : fdopendir(again);
  if (entries == nullptr) {
    if (again >= 0) close(again);
    return;
  }
  while (const dirent* entry = readdir(entries)) {
    struct stat status;
    std::string name = entry->d_name;
    if (fstatat(folder_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
    if (name.starts_with(kTemporary)) {
      // A writer needs no hour.
      if (std::time(nullptr) - status.st_mtime > kHour) unlinkat(folder_, name.c_str(), 0);
      continue;
    }
    const uint64_t bytes = static_cast<uint64_t>(status.st_blocks) * 512;
    total += bytes;
    files.push_back({status.st_mtime, bytes, std::move(name)});
  }
  closedir(entries);
  if (total <= limit) return;
  std::ranges::sort(files, {}, [](const File& file) { return std::pair(file.used, std::string_view(file.name)); });
  for (const File& file : files) {
    // A quarter is free afterwards, so that the next files do not need this again.
    if (total <= limit - limit / 4) return;
    if (unlinkat(folder_, file.name.c_str(), 0) == 0) total -= file.bytes;
  }
}

}  // namespace fble
