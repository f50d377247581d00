// The entries of side tables as plain fields: what all encodings that are compared have to store.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "deopt/code_numbers.h"
#include "deopt/side_table.h"

namespace fble::side_tables {

/// The kinds of fields, with the bytes that each takes where nothing is compressed.
enum class Field : uint8_t {
  kIsReturn,
  kFrameCount,
  kSlotCount,
  kVirtualCount,
  kCode,
  kOffset,
  kBase,
  kInMemory,
  kSlot,
  kFacts,
  kPlaceKind,
  kRegister,
  kSpill,
  kConstant,
  kVirtual,
  kOtherSlot,
  kVirtualKind,
  kHeader,
  kTag,
  kWidth,
  kFieldCount,
  kEnd
};
inline constexpr size_t kFields = static_cast<size_t>(Field::kEnd);
inline constexpr uint8_t kFieldBytes[kFields] = {1, 1, 2, 2, 4, 4, 4, 1, 4, 1, 1, 1, 2, 8, 2, 4, 1, 8, 4, 1, 2};

/// Passes all fields of an entry to `coder(Field, uint64_t&)`, in the order in which they are stored. A coder that
/// reads sets the values; then the entry becomes what was read.
template <typename Coder>
class EntryFields {
 public:
  explicit EntryFields(Coder& coder) : coder_(coder) {}

  void code(ExitEntry& entry) {
    number(Field::kIsReturn, entry.is_return);
    resize(Field::kFrameCount, entry.frames);
    resize(Field::kSlotCount, entry.slots);
    resize(Field::kVirtualCount, entry.virtuals);
    for (ExitFrame& frame : entry.frames) code_frame(frame);
    for (ExitSlot& slot : entry.slots) {
      number(Field::kSlot, slot.slot);
      number(Field::kFacts, slot.facts);
      code_place(slot.location);
    }
    for (VirtualValue& value : entry.virtuals) code_virtual(value);
  }

 private:
  /// Codes a number that may be negative: low bits first, the sign as the lowest.
  template <typename Number>
  void number(Field field, Number& value) {
    const auto wide = static_cast<int64_t>(value);
    uint64_t bits = static_cast<uint64_t>(wide) << 1 ^ static_cast<uint64_t>(wide >> 63);
    coder_(field, bits);
    value = static_cast<Number>(static_cast<int64_t>(bits >> 1 ^ (~(bits & 1) + 1)));
  }

  void word(Field field, Word& value) { coder_(field, value); }

  template <typename Element>
  void resize(Field field, std::vector<Element>& list) {
    uint64_t count = list.size();
    coder_(field, count);
    list.resize(count);
  }

  void code_code(Code*& code) {
    uint64_t of = code == nullptr ? 0 : number_of_code(code) + uint64_t{1};
    coder_(Field::kCode, of);
    code = of == 0 ? nullptr : code_of_number(of - 1);
  }

  void code_frame(ExitFrame& frame) {
    code_code(frame.code);
    uint64_t offset = frame.pc == nullptr ? 0 : static_cast<uint64_t>(frame.pc - frame.code->start);
    coder_(Field::kOffset, offset);
    frame.pc = frame.code->start + offset;
    number(Field::kBase, frame.base);
    number(Field::kInMemory, frame.in_memory);
    code_place(frame.closure);
  }

  void code_place(Location& place) {
    number(Field::kPlaceKind, place.kind);
    switch (place.kind) {
      case LocationKind::kNone: place.index = 0; break;  // an entry that is read may hold an earlier one
      case LocationKind::kRegister: number(Field::kRegister, place.index); break;
      case LocationKind::kSpill: number(Field::kSpill, place.index); break;
      case LocationKind::kConstant: word(Field::kConstant, place.word); break;
      case LocationKind::kVirtual: number(Field::kVirtual, place.index); break;
      case LocationKind::kSlot: number(Field::kOtherSlot, place.index); break;
    }
    if (place.kind == LocationKind::kConstant) {
      place.index = 0;
    } else {
      place.word = 0;
    }
  }

  void code_virtual(VirtualValue& value) {
    number(Field::kVirtualKind, value.kind);
    word(Field::kHeader, value.header);
    code_code(value.code);
    number(Field::kTag, value.tag);
    number(Field::kWidth, value.width);
    resize(Field::kFieldCount, value.fields);
    for (Location& field : value.fields) code_place(field);
  }

  Coder& coder_;
};

template <typename Coder>
void code_fields(Coder& coder, ExitEntry& entry) {
  EntryFields<Coder>(coder).code(entry);
}

/// The values of an entry, in order.
using FieldList = std::vector<std::pair<Field, uint64_t>>;

inline FieldList fields_of(const ExitEntry& entry) {
  FieldList list;
  auto note = [&](Field field, uint64_t& value) { list.emplace_back(field, value); };
  ExitEntry copy = entry;
  code_fields(note, copy);
  return list;
}

}  // namespace fble::side_tables
