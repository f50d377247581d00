// Types in the image of a module: the types of its value's parts, for modules that are checked against it.
//
// The nodes of the type's graph (types.h) are in an order in which each refers to earlier ones. Only the value of a
// variable may come later: every cycle of the graph passes through a variable. The words of a node, by its kind:
//
//   kind                a             b                   c
//   struct, union       first field   number of fields
//   func                argument      result
//   poly                parameter     body
//   apply               poly          argument
//   package             path
//   private             inner type    path of its package
//   param               name          kind                level
//   var                 name          value               level
//   typeof              type
//   anchor              index of the anchor (type_anchors.h)
//
// A node has the origin of what it was made from: an index into the origins of the module whose sources have it. So an
// image does not change if lines of another module do.
//
// Other levels follow from those, and normal forms are computed again when they are needed.
//
// Tested by tests/unit/frontends/fble/image/image_verify_test.cc and tests/unit/frontends/fble/program_images_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "frontends/fble/image/table_writer.h"
#include "frontends/fble/types.h"

namespace fble {

/// The kind of a node that is a type of another module. Other nodes have their TypeKind.
inline constexpr uint32_t kAnchorKind = 255;

/// A type of another module.
struct TypeAnchor {
  ModulePath module;
  uint32_t place = 0;
};

/// Returns the anchor of a type, if modules that may be named export it. The writer asks for each node.
using AnchorFinder = std::function<const TypeAnchor*(const Type*)>;

/// What an image may name of other modules.
struct NamedModules {
  AnchorFinder find_anchor;
  /// Returns the index of an origin of another module; nothing if its types have no such origin.
  std::function<std::optional<uint32_t>(const ModulePath& module, const Loc& loc)> find_origin;
};

/// Adds the nodes of a type without unknown parts. Returns the index of the type's node.
uint32_t write_types(TableWriter& writer, const Type* type, const NamedModules& others);

/// Returns the first problem of an image's kinds, fields and types; empty if there is none. Requires that all
/// references are within their tables.
std::string verify_types(const ImageView& image);

/// What types are made with.
struct TypeSurroundings {
  TypeContext& types;
  /// Returns the origins of a module, this one or another, in this run.
  std::function<std::span<const Loc>(const ModulePath&)> origins;
  /// Returns the type of another module's value; null if it is unknown.
  std::function<Type*(const ModulePath&)> module_type;
};

/// Makes the type of the module's value. Returns null if the image does not fit the modules that it refers to. Requires
/// that the image is verified.
Type* read_types(const ImageView& image, const TypeSurroundings& surroundings);

/// Returns a path of a verified image.
ModulePath read_path(const ImageView& image, uint32_t index);

}  // namespace fble
