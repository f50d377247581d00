// What the writers of an image's parts share: each text, path, file and kind is in its table once.
// Tested by tests/unit/frontends/fble/image/type_image_test.cc.
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
};
/// The source files of a program by their names, but for those that several modules have.
using ImageFiles = std::unordered_map<Symbol, ImageFile>;

/// Thrown by writers for what no image can hold. Then the module has none, and is checked from its sources each time.
struct NoImage {};

class TableWriter {
 public:
  TableWriter(ImageTables& image_tables, const ImageFiles& files) : tables(image_tables), files_(files) {}

  uint32_t string(std::string_view text);
  uint32_t path(const ModulePath& path);
  uint32_t key(const Digest& key);
  uint32_t file(const ModulePath& module, bool is_header);
  /// Returns the file of a location; kNoRecord if it has none.
  uint32_t file_of(const Loc& loc);
  uint32_t kind(KindRef kind);

  ImageTables& tables;

 private:
  const ImageFiles& files_;
  std::unordered_map<std::string, uint32_t> string_indices_;
  std::unordered_map<ModulePath, uint32_t, ModulePathHash> path_indices_;
  std::unordered_map<uint64_t, uint32_t> file_indices_;  ///< by path and is_header
  std::unordered_map<KindRef, uint32_t> kind_indices_;
};

}  // namespace fble
