// Makes struct values, alone or as the argument of a union: packed if the fields allow it, else an object.
//
// Tested by tests/unit/interp/interpreter_test.cc and tests/unit/frontends/std/values_test.cc.
#pragma once

#include "gc/object.h"

namespace fble {

/// Makes a struct of `count` fields, `fields(i)` each; with kIsUnion a union value whose argument is that struct.
/// `Sink` has these functions:
///   pack(count, fields)  the struct packed, 0 if it does not fit;
///   take(words)          room for an object, null if there is none;
///   note(object)         for an object that holds placeholders;
///   tag(), width()       the union's tag, and the bits that it is packed in; asked for when needed only.
/// Returns 0 if there was no room.
template <bool kIsUnion, typename Fields, typename Sink>
__attribute__((always_inline)) inline Word make_struct_value(uint32_t count, const Fields& fields, Sink&& sink) {
  Word common = 1;
  Word placeholders = 0;
  for (uint32_t i = 0; i < count; ++i) {
    common &= fields(i);
    placeholders |= placeholder_mask(fields(i));
  }
  if (common != 0) {
    Word packed = sink.pack(count, fields);
    if constexpr (kIsUnion) packed = packed == 0 ? 0 : pack_union(packed, sink.width(), sink.tag());
    if (packed != 0) return packed;
  }
  Word* object = sink.take(object_words(count));
  if (object == nullptr) return 0;
  uint32_t tag = 0;
  if constexpr (kIsUnion) tag = sink.tag();
  object[0] = Object::make_header(ObjectKind::kStruct, count, tag);
  for (uint32_t i = 0; i < count; ++i) object[1 + i] = fields(i);
  if (__builtin_expect(placeholders != 0, 0)) sink.note(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

}  // namespace fble
