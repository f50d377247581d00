// A file of images: those of many modules, such as the library's, by the keys of their sources.
//
//   +------------+---------+-------+------+----------------------------+-------------------+
//   | "FbleImgs" | command | count | zero | entries, ascending by key: | images, each at a |
//   | 8 bytes    | 32 bytes| word  | word | key 32 bytes, offset and   | multiple of eight |
//   |            |         |       |      | size of the image 8 each   | bytes             |
//   +------------+---------+-------+------+----------------------------+-------------------+
//
// `command` is the digest of the command that has written it (digest.h); no other one reads it. The file is mapped:
// pages of images that no program uses are not read. A module's image is verified when it is first asked for.
//
// Tested by tests/unit/frontends/fble/image/image_file_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "frontends/fble/image/module_image.h"

namespace fble {

/// Returns the bytes of a file with these images, each by its source key.
std::string image_file(const std::map<Digest, std::string>& images);

/// A file in memory, read only. It is replaced as a whole when it changes, and so the mapping does not.
class MappedFile {
 public:
  /// Maps a regular file. Returns null if it cannot be read.
  static std::unique_ptr<MappedFile> open(const std::string& name);
  /// Maps the file of a descriptor. Returns null if that fails, and for no bytes.
  static std::unique_ptr<MappedFile> map(int descriptor, size_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

/// The images of a file.
class ImageFileReader {
 public:
  /// Opens a file's bytes, which outlive the result and begin at a multiple of eight. Returns null and sets `problem`
  /// if this command cannot use them.
  static std::unique_ptr<ImageFileReader> open(std::string_view bytes, std::string& problem);

  /// Returns the image of a module with these sources. Null if there is none that can be used.
  const ModuleImage* find(const Digest& source_key);

  size_t count() const { return count_; }
  /// Returns the bytes of an image, by its position in the file.
  std::string_view image_bytes(size_t index) const;

 private:
  struct Entry {
    Digest key;
    uint64_t offset;
    uint64_t size;
  };

  explicit ImageFileReader(std::string_view bytes) : bytes_(bytes) {}
  const Entry* entries() const;

  std::string_view bytes_;
  size_t count_ = 0;
  std::unordered_map<const Entry*, std::unique_ptr<const ModuleImage>> opened_;  ///< null for those that are no good
};

}  // namespace fble
