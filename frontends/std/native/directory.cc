// /Std/Io/Directory%: reads and changes directories.
// Tested by tests/unit/frontends/std/io_test.cc.
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "frontends/std/native/file_waiting.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// An Entry@: *(String@ name, Kind@ kind, Int@ size), Kind@ = +(file, directory, link, other).
struct Entry {
  std::string name;
  uint32_t kind;
  int64_t size;
};
constexpr uint32_t kKinds = 4;
/// The memory of a list entry besides its name: vectors of names and of entries double, and the list's words are
/// gathered, too.
constexpr size_t kEntryBytes = 4 * sizeof(Entry) + 2 * sizeof(Word);
constexpr size_t kChargeBytes = size_t{1} << 16;

/// Makes the result of a system call: status 0 means success; otherwise errno has the error.
Word answer(NativeCall& call, int status, const std::string& what) {
  return status == 0 ? ok_unit() : make_error(call, what + ": " + std::strerror(errno));
}

/// Reads the argument as a path. Returns false after an error, or if `result` has one.
bool read_path(NativeCall& call, uint32_t index, std::string& path, Word& result) {
  Read<std::string> read = read_name(call.arg(index), call.int_form());
  if (read.error != ReadError::kNone) {
    result = fail_read(call, read.error, "path");
    return false;
  }
  path = std::move(read.value);
  if (path.find('\0') == std::string::npos) return true;
  result = make_error(call, "a path cannot have the character U+0000");
  return false;
}

Entry make(const std::string& name, mode_t mode, int64_t size) {
  return {name, S_ISREG(mode) ? 0u : S_ISDIR(mode) ? 1u : S_ISLNK(mode) ? 2u : 3u, size};
}

bool look_at(int folder, const std::string& path, Entry& entry) {
  struct stat status{};
  if (fstatat(folder, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  entry = make(path, status.st_mode, status.st_size);
  return true;
}

size_t entry_words(NativeCall& call, const Entry& entry) {
  return list_words(entry.name.size()) + int_words(entry.size, call.int_form()) + object_words(3);
}
Word make_entry(NativeCall& call, const Entry& entry) {
  const Word name = make_string(call, decode_name(entry.name));
  const Word fields[] = {name, packed_enum(entry.kind, kKinds), make_int(call, entry.size)};
  return call.make_struct(fields);
}

/// Looks at a path.
class LookOperation final : public Operation {
 public:
  explicit LookOperation(std::string path) : path_(std::move(path)) {}
  void work() override { problem = look_at(AT_FDCWD, path_, entry) ? 0 : errno; }
  bool prepare(io_uring_sqe& to) override {
    io_uring_prep_statx(&to, AT_FDCWD, path_.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_SIZE, &status_);
    return true;
  }
  void take_result(int result) override {
    problem = -result;
    if (result == 0) entry = make(path_, status_.stx_mode, static_cast<int64_t>(status_.stx_size));
  }

  Entry entry;
  int problem = 0;

 private:
  const std::string path_;
  struct statx status_{};
};

/// Looks at a path without waiting. False, with EAGAIN in errno, if the system does not know it yet.
bool look_at_known(const std::string& path, Entry& entry) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  const OwnedDescriptor found(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
  struct stat status{};
  if (!found.is_open() || fstat(found.number(), &status) != 0) {
    if (errno != ENOENT && errno != EACCES && errno != ENOTDIR) errno = EAGAIN;
    return false;
  }
  entry = make(path, status.st_mode, status.st_size);
  return true;
}

Word look(NativeCall& call) {
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  std::unique_ptr<LookOperation> operation = finished<LookOperation>(call);
  if (operation == nullptr) {
    flush_open_files();
    operation = std::make_unique<LookOperation>(path);
    errno = EAGAIN;
    if (io_of(call).must_share() && look_at_known(path, operation->entry)) errno = 0;
    operation->problem = errno;
    if (errno == EAGAIN) {
      if (const Waiting waiting = perform(call, operation)) return *waiting;
    }
  }
  errno = operation->problem;
  if (operation->problem != 0) return answer(call, -1, "cannot look at '" + path + "'");
  const Entry& entry = operation->entry;
  if (!call.reserve(entry_words(call, entry) + object_words(1))) return kOutOfMemory;
  return ok_word(call, make_entry(call, entry));
}

/// What a list of a folder has: names alone, or what a look at each entry shows, too.
enum class Detail : uint8_t { kNames, kEntries };

/// Lists a folder.
class ListOperation final : public Operation {
 public:
  ListOperation(std::string path, Detail detail) : path_(std::move(path)), detail_(detail) {}
  void work() override {
    list([](size_t) { return true; });
  }
  /// `add(bytes)` is called before more memory than these bytes is used. The list ends early if it returns false.
  template <typename Add>
  void list(Add&& add) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path_.c_str()), closedir);
    if (folder == nullptr) {
      problem = errno;
      return;
    }
    std::vector<std::pair<ino_t, std::string>> found;
    errno = 0;
    for (const dirent* each; (each = readdir(folder.get())) != nullptr; errno = 0) {
      std::string name = each->d_name;
      if (name == "." || name == "..") continue;
      const size_t bytes = kEntryBytes + name.size();
      found.emplace_back(each->d_ino, std::move(name));
      if (!add(bytes)) return;
    }
    problem = errno;
    // On a disk, what is known of files is in the order of these numbers.
    if (detail_ == Detail::kEntries) std::ranges::sort(found);
    for (auto& [number, name] : found) {
      if (interrupt_requested()) return;
      Entry entry;
      if (detail_ == Detail::kNames) {
        entry.name = std::move(name);
      } else if (!look_at(dirfd(folder.get()), name, entry)) {
        // It was removed in the meantime.
        continue;
      }
      entries.push_back(std::move(entry));
    }
    if (problem == 0) std::ranges::sort(entries, {}, &Entry::name);
  }

  std::vector<Entry> entries;
  int problem = 0;

 private:
  const std::string path_;
  const Detail detail_;
};

template <Detail kDetail>
Word list_directory(NativeCall& call) {
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  size_t charged_bytes = 0;
  size_t uncharged_bytes = 0;
  std::unique_ptr<ListOperation> operation = finished<ListOperation>(call);
  const bool was_listed = operation != nullptr;
  if (!was_listed) {
    flush_open_files();
    operation = std::make_unique<ListOperation>(path, kDetail);
  }
  if (!was_listed && io_of(call).must_share()) {
    if (const Waiting waiting = perform(call, operation)) return *waiting;
  } else if (!was_listed) {
    bool has_memory = true;
    operation->list([&](size_t bytes) {
      uncharged_bytes += bytes;
      if (uncharged_bytes < kChargeBytes) return !interrupt_requested();
      has_memory = call.charge(uncharged_bytes);
      charged_bytes += std::exchange(uncharged_bytes, 0);
      return has_memory;
    });
    if (!has_memory || interrupt_requested()) return 0;
  }
  errno = operation->problem;
  if (operation->problem != 0) return answer(call, -1, "cannot list '" + path + "'");
  const std::vector<Entry>& entries = operation->entries;
  size_t words = list_words(entries.size()) + object_words(1);
  size_t bytes = 0;
  for (const Entry& entry : entries) {
    words += kDetail == Detail::kNames ? list_words(entry.name.size()) : entry_words(call, entry);
    bytes += kEntryBytes + entry.name.size();
  }
  if (!call.charge(std::max(bytes, charged_bytes) - charged_bytes) || !call.reserve(words)) return kOutOfMemory;
  std::vector<Word> elements;
  for (const Entry& entry : entries) {
    elements.push_back(kDetail == Detail::kNames ? make_string(call, decode_name(entry.name))
                                                 : make_entry(call, entry));
  }
  return ok_word(call, make_list(call, elements));
}

Word create(NativeCall& call) {
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  return answer(call, mkdir(path.c_str(), 0777), "cannot create the directory '" + path + "'");
}

Word remove_entry(NativeCall& call) {
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  return answer(call, std::remove(path.c_str()), "cannot remove '" + path + "'");
}

Word rename_entry(NativeCall& call) {
  flush_open_files();
  std::string from;
  std::string to;
  Word result = 0;
  if (!read_path(call, 0, from, result) || !read_path(call, 1, to, result)) return result;
  return answer(call, std::rename(from.c_str(), to.c_str()), "cannot rename '" + from + "' to '" + to + "'");
}

Word current(NativeCall& call) {
  char* path = getcwd(nullptr, 0);
  if (path == nullptr) return answer(call, -1, "cannot find out the current directory");
  const std::vector<uint32_t> text = decode_name(path);
  std::free(path);
  if (!call.reserve(list_words(text.size()) + object_words(1))) return kOutOfMemory;
  return ok_word(call, make_string(call, text));
}

constexpr const char* kDirectory = "/Std/Io/Directory%";
constexpr NativeRow kRows[] = {
    {kDirectory, "Look", 2, NativeEffect::kReadsWorld, look},
    {kDirectory, "List", 2, NativeEffect::kReadsWorld, list_directory<Detail::kEntries>},
    {kDirectory, "Names", 2, NativeEffect::kReadsWorld, list_directory<Detail::kNames>},
    {kDirectory, "Create", 2, NativeEffect::kWritesWorld, create},
    {kDirectory, "Remove", 2, NativeEffect::kWritesWorld, remove_entry},
    {kDirectory, "Rename", 3, NativeEffect::kWritesWorld, rename_entry},
    {kDirectory, "Current", 1, NativeEffect::kReadsWorld, current},
};

}  // namespace

std::span<const NativeRow> directory_natives() { return kRows; }

}  // namespace fble
