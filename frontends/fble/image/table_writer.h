// What the writers of an image's parts share: each text, path, kind and origin is in its table once.
// Tested by tests/unit/frontends/fble/image/image_text_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "frontends/fble/image/image_tables.h"
#include "frontends/fble/kinds.h"
#include "frontends/fble/module_path.h"
#include "interp/loc.h"

namespace fble {

/// A source file, by the module that it belongs to.
struct ImageFile {
  ModulePath module;
  bool is_header = false;
  uint32_t source() const { return is_header ? kHasHeader : kHasValue; }
};
/// The source files of a program by their names, but for those that several modules have.
using ImageFiles = std::unordered_map<Symbol, ImageFile>;

/// Thrown by writers for what no image can hold. Then the module has none, and is checked from its sources each time.
struct NoImage {};

class TableWriter {
 public:
  /// Begins the tables of a module. `files` outlives the writer.
  TableWriter(ModulePath module, const ImageFiles& files) : module_(std::move(module)), files_(&files) {}

  const ModulePath& module() const { return module_; }

  uint32_t string(std::string_view text);
  uint32_t path(const ModulePath& path);
  /// Returns the path with an index.
  ModulePath path_at(uint32_t index) const;
  uint32_t key(const Digest& key);
  uint32_t kind(KindRef kind);
  /// Returns the index of an origin in the module's own sources.
  uint32_t origin(const OriginRecord& origin);

  /// Returns the file of a location; null if it has none.
  const ImageFile* file_of(const Loc& loc) const;
  /// Returns which of the module's own sources a location is in; 0 if it has no file.
  uint32_t source_of(const Loc& loc) const;

  ImageTables tables;

 private:
  ModulePath module_;
  const ImageFiles* files_;
  std::unordered_map<std::string, uint32_t> string_indices_;
  std::unordered_map<ModulePath, uint32_t, ModulePathHash> path_indices_;
  std::unordered_map<uint64_t, uint32_t> origin_indices_;
  std::unordered_map<KindRef, uint32_t> kind_indices_;
};

}  // namespace fble
