// Where images of modules come from.
// Tested by tests/unit/frontends/fble/image/image_file_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "frontends/fble/image/image_cache.h"
#include "frontends/fble/image/image_file.h"

namespace fble {

class ImageStore {
 public:
  /// Adds the images of a file. Returns why that cannot be used; empty if it can.
  std::string add_file(const std::string& name);
  /// The same for the bytes of a file.
  std::string add_bytes(std::string bytes);

  /// Sets the user's cache, which is asked last; null for none.
  void set_cache(std::unique_ptr<ImageCache> cache) { cache_ = std::move(cache); }
  ImageCache* cache() { return cache_.get(); }

  /// Returns the image of a module with these sources; null if there is none. It lives as long as the store.
  const ModuleImage* find(const Digest& source_key);
  /// Never finds the image again, which cannot be used after all.
  void reject(const ModuleImage& image) { rejected_.insert(&image); }

 private:
  /// The reader of a file, and what keeps its bytes.
  struct File {
    std::unique_ptr<MappedFile> mapping;
    std::unique_ptr<const std::string> text;
    std::unique_ptr<ImageFileReader> reader;
  };
  /// An image of the cache.
  struct Cached {
    std::unique_ptr<MappedFile> mapping;
    std::unique_ptr<const ModuleImage> image;  ///< null if it is no good
  };
  std::string add(File file, std::string_view bytes);

  std::vector<File> files_;
  std::unique_ptr<ImageCache> cache_;
  std::map<Digest, Cached> cached_;  ///< that were asked for
  std::unordered_set<const ModuleImage*> rejected_;
};

}  // namespace fble
