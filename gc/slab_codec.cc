#include "gc/slab_codec.h"

#include <algorithm>
#include <cstring>

namespace fble {

namespace {

/// How a field is encoded. `address` is that of its object.
enum Kind : uint8_t {
  kSame,      ///< nothing: the field is the constant
  kStep,      ///< nothing: the field is the address plus the constant
  kOne,       ///< the field, in one byte
  kTwo,       ///< the field, in two bytes
  kFour,      ///< the field, in four bytes
  kDistance,  ///< the field minus the address, in four bytes
  kWhole,     ///< the field, in eight bytes
};
constexpr size_t kBytesOf[] = {0, 0, 1, 2, 4, 4, 8};

constexpr uint8_t kDefine = 255;
constexpr uint8_t kWholeObject = 254;
constexpr size_t kMostTemplates = 32;
/// Objects with more fields are written as they are.
constexpr size_t kMostFields = 8;
constexpr size_t kMostInRun = 65535;
/// Encoding ends where more than one of this many words begins a run: such objects are not alike.
constexpr size_t kWordsPerRun = 16;
/// After this many objects of a template that is not small, a better one is looked for.
constexpr size_t kMostInWeakRun = 16;
/// A template is worth its definition if it saves this many bytes for each object.
constexpr size_t kLeastSaved = 3;

struct Template {
  Word header;
  size_t fields;
  size_t bytes;  ///< of one object; only for encoding, like is_weak
  bool is_weak;  ///< has fields without a constant that are not small
  Kind kinds[kMostFields];
  Word constants[kMostFields];
};

template <typename Value>
uint8_t* put(uint8_t* at, Value value) {
  std::memcpy(at, &value, sizeof(value));
  return at + sizeof(value);
}

template <typename Value>
Value get(const uint8_t*& at) {
  Value value;
  std::memcpy(&value, at, sizeof(value));
  at += sizeof(value);
  return value;
}

bool is_far(Word distance) { return static_cast<int64_t>(distance) != static_cast<int32_t>(distance); }

bool fits(Kind kind, Word constant, Word field, Word address) {
  switch (kind) {
    case kSame: return field == constant;
    case kStep: return field - address == constant;
    case kOne: return field < Word{1} << 8;
    case kTwo: return field < Word{1} << 16;
    case kFour: return field < Word{1} << 32;
    case kDistance: return !is_far(field - address);
    case kWhole: return true;
  }
  return false;
}

bool fits(const Template& shape, const Word* object) {
  if (object[0] != shape.header) return false;
  const Word address = reinterpret_cast<Word>(object);
  for (size_t i = 0; i < shape.fields; ++i) {
    if (!fits(shape.kinds[i], shape.constants[i], object[1 + i], address)) return false;
  }
  return true;
}

uint8_t* put_fields(uint8_t* at, const Template& shape, const Word* object) {
  for (size_t i = 0; i < shape.fields; ++i) {
    const Word field = object[1 + i];
    switch (shape.kinds[i]) {
      case kSame:
      case kStep: break;
      case kOne: at = put(at, static_cast<uint8_t>(field)); break;
      case kTwo: at = put(at, static_cast<uint16_t>(field)); break;
      case kFour: at = put(at, static_cast<uint32_t>(field)); break;
      case kDistance: at = put(at, static_cast<uint32_t>(field - reinterpret_cast<Word>(object))); break;
      case kWhole: at = put(at, field); break;
    }
  }
  return at;
}

/// The smallest kind for a field without a constant.
Kind kind_of(Word field, Word address) {
  if (field < Word{1} << 8) return kOne;
  if (field < Word{1} << 16) return kTwo;
  if (field < Word{1} << 32) return kFour;
  return is_far(field - address) ? kWhole : kDistance;
}

/// Describes an object, and also the next one if it has the same header.
Template describe(const Word* object, const Word* next, bool has_next) {
  Template shape{};
  shape.header = object[0];
  shape.fields = object[0] >> 32;
  const Word address = reinterpret_cast<Word>(object);
  const Word next_address = reinterpret_cast<Word>(next);
  for (size_t i = 0; i < shape.fields; ++i) {
    const Word field = object[1 + i];
    Kind& kind = shape.kinds[i];
    kind = kind_of(field, address);
    if (has_next) {
      const Word next_field = next[1 + i];
      const Kind other = kind_of(next_field, next_address);
      if (kind >= kDistance && field == next_field) {
        kind = kSame;
        shape.constants[i] = field;
      } else if (kind >= kDistance && field - address == next_field - next_address) {
        kind = kStep;
        shape.constants[i] = field - address;
      } else if (kind != other) {
        kind = kind < kDistance && other < kDistance ? std::max(kind, other) : kWhole;
      }
    }
    shape.bytes += kBytesOf[kind];
    shape.is_weak = shape.is_weak || kind >= kDistance;
  }
  return shape;
}

}  // namespace

size_t encode_objects(const Word* begin, const Word* end, uint8_t* code, size_t limit) {
  std::vector<Template> shapes;
  uint8_t* at = code;
  uint8_t* const last = code + limit;
  size_t current = 0;
  size_t runs = 64 + static_cast<size_t>(end - begin) / kWordsPerRun;
  for (const Word* object = begin; object != end;) {
    const size_t fields = object[0] >> 32;
    const size_t words = 1 + fields;
    if (runs-- == 0) return 0;
    if (fields > kMostFields) {
      if (static_cast<size_t>(last - at) < 1 + words * sizeof(Word)) return 0;
      at = put(at, kWholeObject);
      std::memcpy(at, object, words * sizeof(Word));
      at += words * sizeof(Word);
      object += words;
      continue;
    }
    if (shapes.empty() || shapes[current].is_weak || !fits(shapes[current], object)) {
      // The smallest that fits, unless two objects show that a new one would be much smaller.
      size_t best = SIZE_MAX;
      for (size_t i = 0; i < shapes.size(); ++i) {
        if ((best == SIZE_MAX || shapes[i].bytes < shapes[best].bytes) && fits(shapes[i], object)) best = i;
      }
      const Word* next = object + words;
      const bool has_next = next != end && next[0] == object[0];
      if (shapes.size() < kMostTemplates && (best == SIZE_MAX || (has_next && shapes[best].is_weak))) {
        const Template shape = describe(object, next, has_next);
        const Word* third = next + words;
        const bool is_typical = has_next && third < end && fits(shape, third);
        if (best == SIZE_MAX || (is_typical && shape.bytes + kLeastSaved <= shapes[best].bytes)) {
          best = shapes.size();
          shapes.push_back(shape);
          const size_t most = 1 + sizeof(Word) + fields * (1 + sizeof(Word));
          if (static_cast<size_t>(last - at) < most) return 0;
          at = put(at, kDefine);
          at = put(at, shape.header);
          for (size_t i = 0; i < fields; ++i) at = put(at, static_cast<uint8_t>(shape.kinds[i]));
          for (size_t i = 0; i < fields; ++i) {
            if (shape.kinds[i] <= kStep) at = put(at, shape.constants[i]);
          }
        }
      }
      if (best == SIZE_MAX) return 0;
      current = best;
    }
    const Template& shape = shapes[current];
    if (last - at < 3) return 0;
    at = put(at, static_cast<uint8_t>(current));
    uint8_t* const count_at = at;
    at += 2;
    const size_t most = shape.is_weak ? kMostInWeakRun : kMostInRun;
    const Word* run_end = object + std::min(most, (static_cast<size_t>(last - at) / (shape.bytes + 1))) * words;
    const Word* from = object;
    if (fields == 2 && shape.kinds[0] == kTwo && shape.kinds[1] == kStep) {
      // Cells of a list, which are frequent.
      const Word step = shape.constants[1];
      for (; object != end && object != run_end && object[0] == shape.header && object[1] < Word{1} << 16 &&
             object[2] - reinterpret_cast<Word>(object) == step;
           object += 3) {
        at = put(at, static_cast<uint16_t>(object[1]));
      }
    } else {
      for (; object != end && object != run_end && fits(shape, object); object += words) {
        at = put_fields(at, shape, object);
      }
    }
    if (object == from) return 0;  // there is no room
    put(count_at, static_cast<uint16_t>(static_cast<size_t>(object - from) / words));
  }
  return static_cast<size_t>(at - code);
}

Word* decode_objects(const uint8_t* code, size_t bytes, const Word* home, Word* out) {
  Template shapes[kMostTemplates];
  size_t defined = 0;
  const uint8_t* const end = code + bytes;
  while (code != end) {
    const uint8_t which = *code++;
    if (which == kDefine) {
      Template& shape = shapes[defined++];
      shape.header = get<Word>(code);
      shape.fields = shape.header >> 32;
      for (size_t i = 0; i < shape.fields; ++i) shape.kinds[i] = static_cast<Kind>(*code++);
      for (size_t i = 0; i < shape.fields; ++i) {
        if (shape.kinds[i] <= kStep) shape.constants[i] = get<Word>(code);
      }
      continue;
    }
    if (which == kWholeObject) {
      const size_t words = 1 + (get<Word>(code) >> 32);
      std::memcpy(out, code - sizeof(Word), words * sizeof(Word));
      code += (words - 1) * sizeof(Word);
      home += words;
      out += words;
      continue;
    }
    const Template& shape = shapes[which];
    size_t count = get<uint16_t>(code);
    const size_t fields = shape.fields;
    if (fields == 2 && shape.kinds[0] == kTwo && shape.kinds[1] == kStep) {
      Word next = reinterpret_cast<Word>(home) + shape.constants[1];
      home += 3 * count;
      for (; count > 0; --count, out += 3, next += 3 * sizeof(Word)) {
        out[0] = shape.header;
        out[1] = get<uint16_t>(code);
        out[2] = next;
      }
      continue;
    }
    for (; count > 0; --count, home += 1 + fields, out += 1 + fields) {
      const Word address = reinterpret_cast<Word>(home);
      out[0] = shape.header;
      for (size_t i = 0; i < fields; ++i) {
        Word& field = out[1 + i];
        switch (shape.kinds[i]) {
          case kSame: field = shape.constants[i]; break;
          case kStep: field = address + shape.constants[i]; break;
          case kOne: field = get<uint8_t>(code); break;
          case kTwo: field = get<uint16_t>(code); break;
          case kFour: field = get<uint32_t>(code); break;
          case kDistance: field = address + static_cast<Word>(static_cast<int64_t>(get<int32_t>(code))); break;
          case kWhole: field = get<Word>(code); break;
        }
      }
    }
  }
  return out;
}

}  // namespace fble
