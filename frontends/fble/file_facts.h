// Facts about files: what loading a program has found out about them. A later run that finds the same facts would read
// the same sources, and so need not read them.
//
// A file is the same if the digest of its content is, and it need not be read if its stamp is: the file's identity, its
// size, and the times of its last change. The system sets the time of change, and programs cannot set it back. What a
// stamp cannot show is why make_stamp refuses some:
//
//   - A file that changes twice within the same tick of the clock has the same stamp twice. So the file must not have
//     changed in the two seconds before it is read: the ticks of all file systems are shorter.
//   - The clock of another machine may be late. So the file must be on a file system of this one.
//
// A folder has a stamp, too: while that is the same, no name was added to it or removed. So the names that are missing
// from a folder are not looked for again one by one. Names that are links count one by one: their targets are
// elsewhere.
//
// What remains: one who sets this machine's clock back, and a program that keeps a source mapped and writes to it that
// way, of which the system notes only the first write to each page until the page is on disk.
//
// Tested by tests/unit/frontends/fble/file_facts_test.cc.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontends/fble/image/digest.h"

namespace fble {

struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;  ///< since 1970
  int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

enum class FactKind : uint8_t {
  kMissing,  ///< no file has the name
  kThere,    ///< there is something of that name, such as a folder
  kRead,     ///< a regular file, which was read
};

struct FileFact {
  FactKind kind;
  std::string name;
  std::optional<FileStamp>
      stamp;      ///< of a folder or a file that was read; nothing if none can show that it is unchanged
  Digest digest;  ///< of its content
  bool operator==(const FileFact&) const = default;
};

/// Returns the stamp of a regular file that is open and was not read yet, by its status. Nothing if a later change may
/// leave the stamp as it is.
std::optional<FileStamp> make_stamp(int file, const struct stat& status);

/// Returns whether the stamp is that of a file which has not changed for a minute. Files that have are often about to
/// change again.
bool is_settled(const FileStamp& stamp);

/// Facts about names in a folder, of which none is a link: they hold while the folder has its stamp.
struct FolderFacts {
  std::string name;
  std::optional<FileStamp> stamp;
  std::vector<FileFact> facts;
};

struct GroupedFacts {
  std::vector<FileFact> facts;  ///< about files that were read, and others that no folder can have, in their order
  std::vector<FolderFacts> folders;
};

/// Checks facts and puts them into folders. Returns nothing if one is not true any more.
std::optional<GroupedFacts> group_by_folder(const std::vector<FileFact>& facts);

/// What has become of facts.
struct FactsNow {
  std::vector<uint32_t> other_content;  ///< files that were read, and are others now, by their index
  bool has_settled = false;             ///< a stamp was renewed, and may stay for long
};

/// Checks facts. Files with another stamp are read, and their facts get the stamp and digest of now. Returns nothing if
/// one is not true, other than by the content of a file.
std::optional<FactsNow> check_facts(std::span<FileFact> facts);

/// Returns whether the folder has the stamp.
bool has_stamp(const std::string& folder, const FileStamp& stamp);
/// Returns the stamp of a folder; nothing if none can show that it is unchanged.
std::optional<FileStamp> folder_stamp(const std::string& folder);
/// Returns whether facts hold that belong into a folder.
bool hold_in_folder(std::span<const FileFact> facts);

enum class ReadStatus { kRead, kMissing, kFailed };

/// Reads a whole file. On failure `text` has the reason. `stamp` gets that of the file.
ReadStatus read_file(const std::string& name, std::string& text, std::optional<FileStamp>& stamp);

}  // namespace fble
