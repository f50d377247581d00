// Heap objects: one header word, then fields.
//
//   63        32 31       8 7    4 3  1 0
//   [  count   ][   tag    ][flags][kind][1]     header; forwarded objects have bit 0 clear
//   [ field 0  ]...                              `count` words
//
//   kStruct   fields; seen as a union (below) also the union's tag
//   kUnion    field 0 is the argument, `tag` its tag
//   kClosure  field 0 is the Code*, then the captured values (count - 1 of them)
//   kNative   field 0 is a NativeResource*, released when the object dies; tag 1 if it is a TracedResource
//   kBytes    fields are raw data, such as the limbs of a big integer
//
// A union whose argument is a struct made for it is one object, not two: a kStruct with the union's tag in its
// header. Read as a union, its argument is the object itself. Every use of the word knows statically which reading
// applies. Only making such an object is special (Op::kUnionStruct).
#pragma once

#include <functional>

#include "gc/base.h"
#include "gc/value.h"

namespace fble {

enum class ObjectKind : uint8_t { kStruct, kUnion, kClosure, kNative, kBytes };

enum : Word {
  /// The object lives outside the heap, never moves, and has no fields that point into the heap.
  kPermanentFlag = 1 << 4,
  /// The object is in the nursery, and the collection under way is moving what it refers to (gc/heap.cc).
  kOpenFlag = 1 << 5,
  /// The word is no header of an object, but of free room between old objects (gc/slabs.h).
  kHoleFlag = 1 << 6,
};

/// The header bits of which at least one is set in an object that is neither struct nor union.
inline constexpr Word kNotData = Word{0b110} << 1;
static_assert(static_cast<unsigned>(ObjectKind::kUnion) == 1 && static_cast<unsigned>(ObjectKind::kBytes) < 8);

/// The resource that a native keeps for a handle, such as an open file. It is destroyed when the last reference is
/// collected, or with the heap.
class NativeResource {
 public:
  virtual ~NativeResource() = default;
};

/// A resource that holds Fble values, such as a channel. Its values may change; a native that stores one calls
/// `Heap::note_written`.
class TracedResource : public NativeResource {
 public:
  /// Calls `visit(word)` for each value that the resource holds. A collection may change the word.
  virtual void visit_values(const std::function<void(Word&)>& visit) = 0;

  bool is_noted = false;  ///< the next minor collection visits it; set by Heap::note_written
};

/// The tag of kNative objects whose resource is a TracedResource.
inline constexpr uint32_t kTracedTag = 1;

struct Object {
  Word header;
  Word fields[1];  // `count` of them

  static constexpr uint32_t kMaxTag = (1u << 24) - 1;

  static constexpr Word make_header(ObjectKind kind, uint32_t count, uint32_t tag = 0, Word flags = 0) {
    return static_cast<Word>(count) << 32 | static_cast<Word>(tag) << 8 | flags | static_cast<Word>(kind) << 1 | 1;
  }
  static constexpr ObjectKind kind_of(Word header) { return static_cast<ObjectKind>(header >> 1 & 7); }
  ObjectKind kind() const { return kind_of(header); }
  uint32_t count() const { return static_cast<uint32_t>(header >> 32); }
  uint32_t tag() const { return static_cast<uint32_t>(header >> 8) & kMaxTag; }
  bool is_permanent() const { return (header & kPermanentFlag) != 0; }

  bool is_forwarded() const { return (header & 1) == 0; }
  Object* forwarded_to() const { return reinterpret_cast<Object*>(header); }

  /// Returns the words that the object takes in the heap, header included.
  size_t size_words() const { return 1 + static_cast<size_t>(count()); }
  /// Returns the index of the first field that holds a Fble value.
  uint32_t first_value() const { return static_cast<uint32_t>(first_value(header)); }
  static size_t first_value(Word header) {
    if ((header & kNotData) == 0) [[likely]]
      return 0;
    return kind_of(header) == ObjectKind::kClosure ? 1 : header >> 32;
  }
};

/// Calls `visit(Word&)` for each field of an object that holds a pointer. Objects with two fields, such as the cells
/// of lists, are frequent and have a path of their own.
template <typename Visit>
__attribute__((always_inline)) inline void visit_pointers(Object* object, Word header, Visit&& visit) {
  const size_t count = header >> 32;
  if (count == 2 && (header & kNotData) == 0) [[likely]] {
    if (is_pointer(object->fields[0])) visit(object->fields[0]);
    if (is_pointer(object->fields[1])) visit(object->fields[1]);
    return;
  }
  for (size_t i = Object::first_value(header); i < count; ++i) {
    if (is_pointer(object->fields[i])) visit(object->fields[i]);
  }
}

/// Returns the words that an object with `count` fields takes.
inline size_t object_words(uint32_t count) { return 1 + static_cast<size_t>(count); }

// Reading data in either representation. The word must be defined (no placeholder).

inline uint32_t union_tag(Word word, unsigned width) {
  return is_packed(word) ? packed_tag(word, width) : as_object(word)->tag();
}

inline Word union_arg(Word word, unsigned width) {
  if (is_packed(word)) return packed_arg(word, width);
  const Object* object = as_object(word);
  return object->kind() == ObjectKind::kUnion ? object->fields[0] : word;
}

inline Word struct_field(Word word, uint32_t index, uint32_t count) {
  return is_packed(word) ? packed_field(word, index, count) : as_object(word)->fields[index];
}

}  // namespace fble
