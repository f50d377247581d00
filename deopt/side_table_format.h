// The part that the writer and the reader of side tables share: the bytes, their codes, and the state
// of both within a group. The essay in deopt/side_table.h explains the format.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "deopt/side_table.h"

namespace fble::side_table_format {

// ---- bytes ------------------------------------------------------------------

inline uint64_t zigzag(int64_t number) {
  return static_cast<uint64_t>(number) << 1 ^ static_cast<uint64_t>(number >> 63);
}
inline int64_t unzigzag(uint64_t code) { return static_cast<int64_t>(code >> 1 ^ (~(code & 1) + 1)); }

inline constexpr size_t kMaxVarintBytes = 10;

struct ByteWriter {
  std::vector<uint8_t> bytes;

  void byte(uint64_t value) { bytes.push_back(static_cast<uint8_t>(value)); }
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7) byte(value | 128);
    byte(value);
  }
  void signed_varint(int64_t value) { varint(zigzag(value)); }
};

/// Reads bytes; after an error it reads zeros. It checks even the properties of
/// every table that a builder made: a test costs very little here.
struct ByteReader {
  const uint8_t* at;
  const uint8_t* end;
  bool failed = false;

  uint64_t fail() {
    failed = true;
    at = end;
    return 0;
  }
  size_t left() const { return static_cast<size_t>(end - at); }
  uint8_t byte() { return at == end ? static_cast<uint8_t>(fail()) : *at++; }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint64_t next = byte();
      // The tenth byte has room for one bit, and is the last.
      if (failed || (shift == 63 && next > 1)) return fail();
      value |= (next & 127) << shift;
      if (next < 128) return value;
    }
  }
  /// Reads a number of at most `limit`.
  uint64_t varint(uint64_t limit) {
    const uint64_t value = varint();
    return value > limit ? fail() : value;
  }
  int64_t signed_varint() { return unzigzag(varint()); }
  int32_t slot() {
    const int64_t value = signed_varint();
    return static_cast<int32_t>(value < -kMaxSlot || value > kMaxSlot ? fail() : value);
  }

  static constexpr int64_t kMaxSlot = 1 << 30;
};

/// Returns an address in static data. Permanent objects are usually within a few megabytes
/// after it: as a distance from here an address takes half the bytes.
inline Word anchor() {
  alignas(8) static const Word kAnchor = 0;
  return reinterpret_cast<Word>(&kAnchor);
}

// ---- the state of both sides within a group ------------------------

/// Bits of an entry's first byte.
enum : uint8_t { kMarked = 0x80, kChanged = 0x40 };
/// An entry that is the same as the one before.
inline constexpr uint8_t kSameEntry = 0;

/// The codes of values, see the essay.
enum : uint8_t {
  kRegisterCode = 0x00,
  kInMemoryCode = 0x80,
  kSpillCode = 0x88,
  kSmallWordCode = 0x90,
  kRunCode = 0xB0,
  kVirtualCode = 0xC0,
  kPackedWordCode = 0xE0,
  kFunctionCode = 0xE1,
  kWordCode = 0xE2,
  kOtherSlotCode = 0xE3,
  kCodesEnd = 0xEB,
};
inline constexpr uint64_t kSmallWords = 32;
inline constexpr uint64_t kLastVirtual = 31;  ///< in the byte: the rest follows
inline constexpr uint64_t kLargestContent = (~Word{0} - 3) / 2 - kSmallWords;
inline constexpr uint64_t kShortestRun = 3;

/// The facts in runs.
inline constexpr uint8_t kRunFacts[4] = {0, kFactPacked, kFactPointer, kFactPacked | kFactNatural};

/// The codes of virtuals.
enum : uint8_t {
  kStructCode = 0x00,
  kUnionCode = 0x10,
  kClosureCode = 0x20,
  kPackedStructCode = 0x30,
  kPackedUnionCode = 0x40,
};
inline constexpr uint64_t kRest = 15;  ///< in half a byte: the rest follows

enum class FrameForm : uint8_t { kSame, kPush, kSibling, kGeneral };

/// A value of a place. `kVirtual`: the index is that in the group. Facts of constants and virtuals are not kept.
struct Value {
  Location location;
  uint8_t facts = 0;
  bool operator==(const Value&) const = default;
};

inline constexpr size_t kAllPlaces = std::numeric_limits<size_t>::max();
inline constexpr int32_t kNoPlace = std::numeric_limits<int32_t>::min();

inline Value in_memory(int32_t place) { return {{LocationKind::kSlot, place, 0}, 0}; }

struct Position {
  Code* code;
  const uint32_t* pc;
  bool operator==(const Position&) const = default;
};

struct Place {
  int32_t slot;
  bool is_closure;
};

struct GroupState {
  std::vector<Position> frames;
  std::vector<Value> values;  ///< by place, counted from the first closure; kNone: no value yet
  std::vector<VirtualValue> virtuals;
  std::vector<Place> places;  ///< of the current entry

  void start(Code* first) {
    frames.assign(1, {first, first->start});
    values.clear();
    virtuals.clear();
  }
  Value value_at(int32_t place) const {
    const size_t index = static_cast<size_t>(place - kClosureSlot);
    if (index >= values.size() || values[index].location.kind == LocationKind::kNone) return in_memory(place);
    return values[index];
  }
  uint8_t facts_of(const Value& value) const {
    if (value.location.kind == LocationKind::kConstant) return facts_of_word(value.location.word);
    if (value.location.kind != LocationKind::kVirtual) return value.facts;
    const VirtualValue& described = virtuals[static_cast<size_t>(value.location.index)];
    return described.kind == VirtualValue::Kind::kObject ? kFactPointer : kFactPacked;
  }
  void set_value(int32_t place, const Value& value) {
    const size_t index = static_cast<size_t>(place - kClosureSlot);
    if (index >= values.size()) values.resize(index + 1);
    values[index] = value;
  }
  /// Sets the expected values of new frames. Called when the frames of the next entry are set.
  void expect_new_frames(size_t first_new) {
    int32_t base = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
      if (i >= first_new) {
        set_value(base + kClosureSlot, {{LocationKind::kConstant, 0, frames[i].code->function_value()}, 0});
        if (i > 0) expect_arguments(frames[i - 1], *frames[i].code, base);
      }
      if (i + 1 < frames.size()) base += static_cast<int32_t>(frames[i].pc[-1]);
    }
  }

  /// Lists the places of an entry, the first `limit` at least.
  void list_places(bool is_return, size_t limit) {
    places.clear();
    int32_t base = 0;
    for (size_t i = 0; i + 1 < frames.size(); ++i) base += static_cast<int32_t>(frames[i].pc[-1]);
    for (size_t i = frames.size(); i-- > 0 && places.size() < limit;) {
      const bool awaits_result = i + 1 < frames.size() || is_return;
      for_each_live_slot(*frames[i].code, frames[i].pc, awaits_result,
                         [&](int32_t slot) { places.push_back({base + slot, false}); });
      places.push_back({base + kClosureSlot, true});
      if (i > 0) base -= static_cast<int32_t>(frames[i - 1].pc[-1]);
    }
  }

  /// Sets all places to "in memory", as they are at a return.
  void expect_return() {
    for (const Place& place : places) {
      const uint8_t facts = place.is_closure ? uint8_t{0} : facts_of(value_at(place.slot));
      set_value(place.slot, {in_memory(place.slot).location, facts});
    }
  }

 private:
  /// A call ends in its arguments, the slot of the result and the distance of the frames
  /// (interp/opcodes.def). If other code has replaced the callee since, the expectation is only
  /// a bad guess.
  void expect_arguments(const Position& caller, const Code& callee, int32_t base) {
    if (caller.pc - caller.code->start < 2 + static_cast<ptrdiff_t>(callee.arity)) return;
    const int32_t caller_base = base - static_cast<int32_t>(caller.pc[-1]);
    const uint32_t* arguments = caller.pc - 2 - callee.arity;
    for (uint32_t i = 0; i < callee.arity; ++i) {
      if (arguments[i] >= caller.code->frame_slots) continue;
      const Value value = value_at(caller_base + static_cast<int32_t>(arguments[i]));
      set_value(base + static_cast<int32_t>(i), value);
    }
  }
};

/// Encodes the exits in groups that start from `code`. `trusted`: constants are valid words, so functions among them
/// are written as functions.
SideTable write_table(std::span<const ExitEntry> entries, Code* code, bool trusted);

}  // namespace fble::side_table_format
