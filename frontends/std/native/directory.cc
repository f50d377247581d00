// /Std/Io/Directory%: reads and changes directories.
// Tested by tests/unit/frontends/std/io_test.cc.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "frontends/std/native/file.h"
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
/// The memory of a list entry besides its name: a vector doubles, and the list's words are gathered, too.
constexpr size_t kEntryBytes = 2 * sizeof(Entry) + 2 * sizeof(Word);
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

bool look_at(int folder, const std::string& path, Entry& entry) {
  struct stat status{};
  if (fstatat(folder, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  entry = {path,
           S_ISREG(status.st_mode)   ? 0u
           : S_ISDIR(status.st_mode) ? 1u
           : S_ISLNK(status.st_mode) ? 2u
                                     : 3u,
           status.st_size};
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

Word look(NativeCall& call) {
  flush_open_files();
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  Entry entry;
  if (!look_at(AT_FDCWD, path, entry)) return answer(call, -1, "cannot look at '" + path + "'");
  if (!call.reserve(entry_words(call, entry) + object_words(1))) return kOutOfMemory;
  return ok_word(call, make_entry(call, entry));
}

Word list_directory(NativeCall& call) {
  flush_open_files();
  std::string path;
  Word result = 0;
  if (!read_path(call, 0, path, result)) return result;
  const std::string what = "cannot list '" + path + "'";
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return answer(call, -1, what);
  std::vector<Entry> entries;
  size_t uncharged_bytes = 0;
  errno = 0;
  while (const dirent* found = readdir(folder.get())) {
    if (interrupt_requested()) return 0;
    const std::string name = found->d_name;
    Entry entry;
    // An entry that was removed in the meantime is left out.
    if (name != "." && name != ".." && look_at(dirfd(folder.get()), name, entry)) {
      uncharged_bytes += kEntryBytes + name.size();
      entries.push_back(std::move(entry));
    }
    if (uncharged_bytes >= kChargeBytes) {
      if (!call.charge(uncharged_bytes)) return kOutOfMemory;
      uncharged_bytes = 0;
    }
    errno = 0;
  }
  if (errno != 0) return answer(call, -1, what);
  std::ranges::sort(entries, {}, &Entry::name);

  size_t words = list_words(entries.size()) + object_words(1);
  for (const Entry& entry : entries) words += entry_words(call, entry);
  if (!call.charge(uncharged_bytes) || !call.reserve(words)) return kOutOfMemory;
  std::vector<Word> elements;
  for (const Entry& entry : entries) elements.push_back(make_entry(call, entry));
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
    {kDirectory, "List", 2, NativeEffect::kReadsWorld, list_directory},
    {kDirectory, "Create", 2, NativeEffect::kWritesWorld, create},
    {kDirectory, "Remove", 2, NativeEffect::kWritesWorld, remove_entry},
    {kDirectory, "Rename", 3, NativeEffect::kWritesWorld, rename_entry},
    {kDirectory, "Current", 1, NativeEffect::kReadsWorld, current},
};

}  // namespace

std::span<const NativeRow> directory_natives() { return kRows; }

}  // namespace fble
