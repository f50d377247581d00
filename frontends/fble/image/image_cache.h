// A user's cache of images: a folder with a file for each module, by the key of its sources.
//
// The folder and its files belong to the user, and no other user may read or write them: what is otherwise is not used.
// A file gets its content before its name, so readers see whole files only, however many processes write. Two that
// write the image of the same sources write the same, or images of modules whose mentions have changed in between; the
// last one stays. Whatever fails, such as a full disk, is silent: the cache only saves time.
//
// The folder is kept below a limit: files that have not been used for the longest time are removed. A file is marked as
// used (by its time of modification) at most once a day.
//
// Tested by tests/unit/frontends/fble/image/image_cache_test.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "frontends/fble/image/digest.h"
#include "frontends/fble/image/image_file.h"

namespace fble {

class ImageCache {
 public:
  /// Opens the folder; makes it, and those above it, if it is missing. Returns null if it cannot be used.
  static std::unique_ptr<ImageCache> open(const std::string& folder);
  ~ImageCache();
  ImageCache(const ImageCache&) = delete;
  ImageCache& operator=(const ImageCache&) = delete;

  /// Returns the image of the sources; null if there is none.
  std::unique_ptr<MappedFile> read(const Digest& source_key);
  /// Stores an image. Returns whether it is there now.
  bool write(const Digest& source_key, std::string_view image);

  /// Removes files until all together have at most `limit` bytes, and what writers that were killed have left.
  void trim(uint64_t limit);

  /// The limit that write keeps, roughly: it trims the folder now and then.
  static constexpr uint64_t kLimitBytes = uint64_t{256} << 20;

 private:
  explicit ImageCache(int folder) : folder_(folder) {}

  int folder_;            ///< its descriptor
  bool is_full_ = false;  ///< a file could not be written
};

}  // namespace fble
