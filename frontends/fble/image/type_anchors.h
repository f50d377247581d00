// Anchors: the types of a module that images of other modules refer to.
//
// A type of a module is mostly made of types that other modules export. An image names those by module and place
// instead of having copies of them, so that a program has each of them once. A place depends on the module's sources
// alone, and not on how its own image was written:
//
//   0          the type of the module's value
//   2i + 1     if that is a struct type: the type of its field i
//   2i + 2     if the field is a type: that type itself
//   1          if the module's value is a type: that type itself
//
// Tested by tests/unit/frontends/fble/program_images_test.cc.
#pragma once

#include <cstdint>

#include "frontends/fble/types.h"

namespace fble {

/// Returns the type at a place of a module of the type; null if there is no such place.
inline Type* anchored_type(Type* module_type, uint32_t place) {
  if (place == 0) return module_type;
  if (module_type->kind != TypeKind::kStruct) return place == 1 ? TypeContext::value_of(module_type) : nullptr;
  const std::span<TypeField> fields = static_cast<DataType*>(module_type)->all_fields();
  const uint32_t field = (place - 1) / 2;
  if (field >= fields.size()) return nullptr;
  return place % 2 == 1 ? fields[field].type : TypeContext::value_of(fields[field].type);
}

/// Calls `visit(type, place)` for the places of a module of the type.
template <typename Visit>
void for_each_anchor(Type* module_type, Visit&& visit) {
  visit(module_type, 0);
  uint32_t places = 1;
  if (module_type->kind == TypeKind::kStruct) places = 2 * static_cast<DataType*>(module_type)->field_count;
  for (uint32_t place = 1; place <= places; ++place) {
    if (Type* type = anchored_type(module_type, place)) visit(type, place);
  }
}

}  // namespace fble
