#include "deopt/side_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "deopt/code_numbers.h"
#include "deopt/side_table_verify.h"

namespace fble {

namespace {

// ---- bytes ------------------------------------------------------------------

uint64_t zigzag(int64_t number) { return static_cast<uint64_t>(number) << 1 ^ static_cast<uint64_t>(number >> 63); }
int64_t unzigzag(uint64_t code) { return static_cast<int64_t>(code >> 1 ^ (~(code & 1) + 1)); }

constexpr size_t kMaxVarintBytes = 10;

struct ByteWriter {
  std::vector<uint8_t> bytes;

  void byte(uint64_t value) { bytes.push_back(static_cast<uint8_t>(value)); }
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7) byte(value | 128);
    byte(value);
  }
  void signed_varint(int64_t value) { varint(zigzag(value)); }
};

/// Reads zeros when something was wrong. What holds of every table that a builder
/// made is checked all the same: a test costs next to nothing here.
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
  /// At most `limit`.
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

/// Permanent objects tend to be within a few megabytes behind static data: as a distance from
/// here an address takes half the bytes.
Word anchor() {
  alignas(8) static const Word kAnchor = 0;
  return reinterpret_cast<Word>(&kAnchor);
}

// ---- what both sides know while they go through a group ------------------------

/// Codes of values, see the essay.
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
constexpr uint64_t kSmallWords = 32;
constexpr uint64_t kLastVirtual = 31;  ///< in the byte: the rest follows
constexpr uint64_t kLargestContent = (~Word{0} - 3) / 2 - kSmallWords;
constexpr uint64_t kShortestRun = 3;

/// Facts in runs.
constexpr uint8_t kRunFacts[4] = {0, kFactPacked, kFactPointer, kFactPacked | kFactNatural};

/// Codes of virtuals.
enum : uint8_t {
  kStructCode = 0x00,
  kUnionCode = 0x10,
  kClosureCode = 0x20,
  kPackedStructCode = 0x30,
  kPackedUnionCode = 0x40,
};
constexpr uint64_t kRest = 15;  ///< in half a byte: the rest follows

enum class FrameForm : uint8_t { kSame, kPush, kSibling, kGeneral };

/// `kVirtual`: index is that of the group. Facts of constants and virtuals are not kept.
struct Value {
  Location location;
  uint8_t facts = 0;
  bool operator==(const Value&) const = default;
};

constexpr size_t kAllPlaces = std::numeric_limits<size_t>::max();
constexpr int32_t kNoPlace = std::numeric_limits<int32_t>::min();

Value in_memory(int32_t place) { return {{LocationKind::kSlot, place, 0}, 0}; }

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
  std::vector<Value> values;  ///< by place, counted from the first closure; kNone: nothing was said yet
  std::vector<VirtualValue> virtuals;
  std::vector<Place> places;  ///< of the entry at hand

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
  /// To be called when the frames of the next entry are set: what is expected of new ones.
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

  /// At a return all places are in memory.
  void expect_return() {
    for (const Place& place : places) {
      const uint8_t facts = place.is_closure ? uint8_t{0} : facts_of(value_at(place.slot));
      set_value(place.slot, {in_memory(place.slot).location, facts});
    }
  }

 private:
  /// A call ends in its arguments, the slot of the result and the distance of the frames
  /// (interp/opcodes.def). If other code has replaced the callee since, this means nothing, and
  /// is only a bad guess.
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

/// The step from one entry's frames to the next one's.
struct FrameStep {
  FrameForm form;
  size_t kept;   ///< outer frames that remain as they are
  bool goes_on;  ///< the next one remains, too, at another position
};

FrameStep frame_step(const std::vector<Position>& from, const std::vector<Position>& to) {
  const auto differ = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  size_t kept = static_cast<size_t>(differ.first - from.begin());
  // The innermost one of the frames that remain goes on, be it by no words at all.
  if (kept == to.size() || (kept > 0 && kept == from.size())) --kept;
  const bool goes_on = kept < from.size() && to[kept].code == from[kept].code;
  FrameForm form = FrameForm::kGeneral;
  if (goes_on && from.size() == to.size() && kept + 1 == to.size()) form = FrameForm::kSame;
  if (goes_on && from.size() + 1 == to.size() && kept + 2 == to.size()) form = FrameForm::kPush;
  if (goes_on && from.size() == to.size() && kept + 2 == to.size()) form = FrameForm::kSibling;
  return {form, kept, goes_on};
}

// ---- writing ----------------------------------------------------------------

/// Circles among the virtuals of an entry, and an order in which all else comes after
/// what it names (Tarjan's algorithm, without recursion: chains may be long).
class Components {
 public:
  explicit Components(const std::vector<VirtualValue>& virtuals) : virtuals_(virtuals), found_(virtuals.size()) {}

  /// Calls `emit(members, is_recursive)` for each component reached from the root that
  /// was not there before; members in the order in which they were found.
  template <typename Emit>
  void visit(int32_t root, Emit&& emit) {
    if (at(root).order != 0) return;
    enter(root);
    while (!path_.empty()) {
      Step& step = path_.back();
      const std::vector<Location>& fields = virtuals_[static_cast<size_t>(step.index)].fields;
      if (step.field < fields.size()) {
        const Location& field = fields[step.field++];
        if (field.kind != LocationKind::kVirtual) continue;
        Found& target = at(field.index);
        if (target.order == 0) {
          enter(field.index);
        } else if (target.open) {
          Found& found = at(step.index);
          found.low = std::min(found.low, target.order);
          found.recursive |= field.index == step.index;
        }
        continue;
      }
      const int32_t index = step.index;
      path_.pop_back();
      const Found found = at(index);
      if (!path_.empty()) {
        Found& caller = at(path_.back().index);
        caller.low = std::min(caller.low, found.low);
      }
      if (found.low != found.order) continue;
      const auto first = std::find(open_.rbegin(), open_.rend(), index).base() - 1;
      const std::vector<int32_t> members(first, open_.end());
      open_.erase(first, open_.end());
      for (int32_t member : members) at(member).open = false;
      emit(members, members.size() > 1 || found.recursive);
    }
  }

 private:
  struct Found {
    uint32_t order = 0;  ///< 0: not yet
    uint32_t low = 0;
    bool open = false;
    bool recursive = false;
  };
  struct Step {
    int32_t index;
    size_t field;
  };

  Found& at(int32_t index) { return found_[static_cast<size_t>(index)]; }
  void enter(int32_t index) {
    ++count_;
    at(index) = {count_, count_, true, false};
    open_.push_back(index);
    path_.push_back({index, 0});
  }

  const std::vector<VirtualValue>& virtuals_;
  std::vector<Found> found_;
  std::vector<int32_t> open_;
  std::vector<Step> path_;
  uint32_t count_ = 0;
};

class TableWriter {
 public:
  /// `trusted`: constants are values.
  explicit TableWriter(bool trusted) : trusted_(trusted) {}

  SideTable write(std::span<const ExitEntry> entries) {
    if (entries.empty()) return {};
    Code* first = entries[0].frames.at(0).code;
    std::vector<size_t> group_sizes;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i % kExitsPerGroup == 0) {
        group_sizes.push_back(0);
        state_.start(first);
        described_.clear();
      }
      const size_t before = out_.bytes.size();
      write_entry(entries[i]);
      group_sizes.back() += out_.bytes.size() - before;
    }

    ByteWriter head;
    head.varint(entries.size());
    head.varint(number_of_code(first));
    for (size_t i = 0; i + 1 < group_sizes.size(); ++i) head.varint(group_sizes[i]);
    head.bytes.insert(head.bytes.end(), out_.bytes.begin(), out_.bytes.end());
    return SideTable(head.bytes);
  }

 private:
  struct Described {
    uint32_t first;
    uint32_t size;
    bool recursive;
  };

  void write_entry(const ExitEntry& entry) {
    previous_.swap(state_.frames);
    state_.frames.clear();
    for (const ExitFrame& frame : entry.frames) state_.frames.push_back({frame.code, frame.pc});
    const std::vector<Position>& previous = previous_;
    const std::vector<Position>& frames = state_.frames;
    FBLE_ASSERT(!frames.empty());
    const FrameStep step = frame_step(previous, frames);
    const size_t first_new = step.kept + (step.goes_on ? 1 : 0);
    state_.expect_new_frames(first_new);
    state_.list_places(entry.is_return, kAllPlaces);
    if (entry.is_return) state_.expect_return();

    std::vector<Value>& values = list_values(entry);
    const size_t known_virtuals = state_.virtuals.size();
    const std::vector<uint32_t> numbers = number_virtuals(entry, values);
    std::vector<char>& changed = changed_;
    changed.assign(values.size(), false);
    for (size_t i = 0; i < values.size(); ++i) {
      Location& location = values[i].location;
      if (location.kind == LocationKind::kVirtual) {
        location.index = static_cast<int32_t>(numbers[static_cast<size_t>(location.index)]);
      }
      changed[i] = values[i] != state_.value_at(state_.places[i].slot);
    }
    size_t bits = changed.size();
    while (bits > 0 && !changed[bits - 1]) --bits;

    const int64_t moved = step.goes_on ? frames[step.kept].pc - previous[step.kept].pc : 0;
    const int64_t n = step.form == FrameForm::kSame      ? moved
                      : step.form == FrameForm::kGeneral ? static_cast<int64_t>(frames.size() - first_new)
                                                         : frames.back().pc - frames.back().code->start;
    const bool direct = n >= 0 && n < static_cast<int64_t>(kRest);
    out_.byte((entry.is_return ? 0x80u : 0) | (bits != 0 ? 0x40u : 0) | static_cast<unsigned>(step.form) << 4 |
              (direct ? static_cast<unsigned>(n) : kRest));
    if (!direct) out_.signed_varint(n - static_cast<int64_t>(kRest));
    if (step.form == FrameForm::kGeneral) {
      out_.varint(2 * step.kept + (step.goes_on ? 1 : 0));
      if (step.goes_on) out_.signed_varint(moved);
      for (size_t i = first_new; i < frames.size(); ++i) {
        out_.varint(number_of_code(frames[i].code));
        out_.varint(static_cast<uint64_t>(frames[i].pc - frames[i].code->start));
      }
    } else if (step.form != FrameForm::kSame) {
      out_.signed_varint(moved);
      out_.varint(number_of_code(frames.back().code));
    }
    for (size_t at = 0; at < bits; at += 7) {
      unsigned byte = at + 7 < bits ? 128 : 0;
      for (size_t i = at; i < std::min(at + 7, bits); ++i) byte |= (changed[i] ? 1u : 0u) << (i - at);
      out_.byte(byte);
    }
    std::vector<size_t>& news = news_;
    news.clear();
    for (size_t i = 0; i < bits; ++i) {
      if (!changed[i]) continue;
      news.push_back(i);
      state_.set_value(state_.places[i].slot, values[i]);
    }
    for (size_t i = 0; i < news.size();) {
      auto facts_at = [&](size_t k) { return run_facts(values[news[k]], state_.places[news[k]].slot); };
      size_t run = 0;
      while (i + run < news.size() && facts_at(i + run) >= 0) ++run;
      if (run < kShortestRun) {
        write_value(values[news[i]], state_.places[news[i]].slot);
        ++i;
        continue;
      }
      write_head(kRunCode, run - kShortestRun);
      for (size_t at = 0; at < run; at += 4) {
        unsigned byte = 0;
        for (size_t k = at; k < std::min(at + 4, run); ++k) {
          byte |= static_cast<unsigned>(facts_at(i + k)) << (2 * (k - at));
        }
        out_.byte(byte);
      }
      i += run;
    }
    for (size_t i = known_virtuals; i < state_.virtuals.size(); ++i) write_virtual(state_.virtuals[i]);
  }

  /// Index into kRunFacts, or -1 if the value cannot be part of a run.
  static int run_facts(const Value& value, int32_t place) {
    if (value.location != in_memory(place).location) return -1;
    const auto* found = std::find(std::begin(kRunFacts), std::end(kRunFacts), value.facts);
    return found == std::end(kRunFacts) ? -1 : static_cast<int>(found - kRunFacts);
  }

  /// A code and a number in half a byte, or more.
  void write_head(uint8_t code, uint64_t number) {
    out_.byte(code + std::min(number, kRest));
    if (number >= kRest) out_.varint(number - kRest);
  }

  /// The value of each place; virtuals numbered as in the entry.
  std::vector<Value>& list_values(const ExitEntry& entry) {
    std::vector<Value>& values = values_;
    values.clear();
    size_t frame = entry.frames.size();
    for (const Place& place : state_.places) {
      Value value = in_memory(place.slot);
      if (place.is_closure) {
        --frame;
        FBLE_ASSERT(place.slot == entry.frames[frame].base + kClosureSlot);
        if (!entry.frames[frame].in_memory) {
          value.location = entry.frames[frame].closure;
          // The frame before had the same closure in the same place: it is there, but the header is not.
          if (value.location == in_memory(place.slot).location) value.facts = kFactPointer;
        }
      } else {
        const auto found = std::lower_bound(entry.slots.begin(), entry.slots.end(), place.slot,
                                            [](const ExitSlot& slot, int32_t number) { return slot.slot < number; });
        if (found != entry.slots.end() && found->slot == place.slot) value = {found->location, found->facts};
      }
      FBLE_ASSERT(value.location.kind != LocationKind::kNone);
      if (value.location.kind == LocationKind::kConstant || value.location.kind == LocationKind::kVirtual) {
        value.facts = 0;
      }
      values.push_back(value);
    }
    return values;
  }

  /// Finds or describes the virtuals that the values mention: the number in the group of each.
  std::vector<uint32_t> number_virtuals(const ExitEntry& entry, const std::vector<Value>& values) {
    std::vector<uint32_t> numbers(entry.virtuals.size());
    if (entry.virtuals.empty()) return numbers;
    Components components(entry.virtuals);
    auto describe = [&](const std::vector<int32_t>& members, bool recursive) {
      auto assume_first = [&](uint32_t first) {
        for (size_t i = 0; i < members.size(); ++i) {
          numbers[static_cast<size_t>(members[i])] = first + static_cast<uint32_t>(i);
        }
      };
      auto renumbered = [&](int32_t member) {
        VirtualValue value = entry.virtuals[static_cast<size_t>(member)];
        for (Location& field : value.fields) {
          if (field.kind == LocationKind::kVirtual) {
            field.index = static_cast<int32_t>(numbers[static_cast<size_t>(field.index)]);
          }
        }
        return value;
      };
      // Numbers below 0 stand for the members themselves.
      assume_first(~static_cast<uint32_t>(members.size()) + 1);
      std::vector<Described>& alike = described_[hash_of(renumbered(members[0]))];
      for (const Described& candidate : alike) {
        if (candidate.size != members.size() || candidate.recursive != recursive) continue;
        assume_first(candidate.first);
        bool same = true;
        for (size_t i = 0; i < members.size() && same; ++i) {
          same = state_.virtuals[candidate.first + i] == renumbered(members[i]);
        }
        if (same) return;
      }
      const uint32_t first = static_cast<uint32_t>(state_.virtuals.size());
      assume_first(first);
      alike.push_back({first, static_cast<uint32_t>(members.size()), recursive});
      for (int32_t member : members) state_.virtuals.push_back(renumbered(member));
    };
    for (const Value& value : values) {
      if (value.location.kind == LocationKind::kVirtual) components.visit(value.location.index, describe);
    }
    return numbers;
  }

  static uint64_t hash_of(const VirtualValue& value) {
    uint64_t hash = static_cast<uint64_t>(value.kind);
    auto mix = [&](uint64_t word) { hash = std::rotl((hash ^ word) * 0x9e3779b97f4a7c15, 29); };
    mix(value.header);
    mix(Code::from_code(value.code));
    mix(uint64_t{value.tag} << 32 | value.width);
    for (const Location& field : value.fields) {
      mix(static_cast<uint64_t>(field.kind) << 32 | static_cast<uint32_t>(field.index));
      mix(field.word);
    }
    return hash;
  }

  /// A place's value, or with kNoPlace a field of a virtual.
  void write_value(const Value& value, int32_t place) {
    const Location& location = value.location;
    const uint64_t index = static_cast<uint64_t>(location.index);
    switch (location.kind) {
      case LocationKind::kRegister: out_.byte(kRegisterCode | static_cast<unsigned>(value.facts) << 4 | index); return;
      case LocationKind::kSlot:
        if (location.index == place) {
          out_.byte(kInMemoryCode + value.facts);
        } else {
          out_.byte(kOtherSlotCode + value.facts);
          out_.signed_varint(location.index);
        }
        return;
      case LocationKind::kSpill:
        out_.byte(kSpillCode + value.facts);
        out_.varint(index);
        return;
      case LocationKind::kVirtual:
        out_.byte(kVirtualCode + std::min(index, kLastVirtual));
        if (index >= kLastVirtual) out_.varint(index - kLastVirtual);
        return;
      case LocationKind::kConstant: write_word(location.word); return;
      case LocationKind::kNone: break;
    }
    FBLE_BUG("exit without a location");
  }

  void write_word(Word word) {
    const uint64_t content = (word - 3) / 2;
    if (is_packed(word) && word >= 3) {
      out_.byte(content < kSmallWords ? kSmallWordCode + content : uint64_t{kPackedWordCode});
      if (content >= kSmallWords) out_.varint(content - kSmallWords);
    } else if (Code* code = function_of(word)) {
      out_.byte(kFunctionCode);
      out_.varint(number_of_code(code));
    } else {
      out_.byte(kWordCode);
      out_.signed_varint(static_cast<int64_t>(word - anchor()));
    }
  }

  /// The code whose function value the word is, or null.
  Code* function_of(Word word) const {
    // What is not trusted is not looked at. Function values in tables have numbers already.
    if (!trusted_) return code_of_function(word);
    if (!is_pointer(word) || word == 0 || as_object(word)->kind() != ObjectKind::kClosure) return nullptr;
    Code* code = closure_code(as_object(word));
    return code->function_value() == word ? code : nullptr;
  }

  void write_virtual(const VirtualValue& value) {
    const uint64_t field_count = value.fields.size();
    switch (value.kind) {
      case VirtualValue::Kind::kObject: {
        const ObjectKind kind = static_cast<ObjectKind>(value.header >> 1 & 7);
        const uint32_t tag = static_cast<uint32_t>(value.header >> 8) & Object::kMaxTag;
        const uint32_t count = static_cast<uint32_t>(value.fields.size()) + (kind == ObjectKind::kClosure ? 1 : 0);
        FBLE_ASSERT(value.header == Object::make_header(kind, count, tag));
        if (kind == ObjectKind::kStruct) {
          write_head(kStructCode, field_count);
          out_.varint(tag);
        } else if (kind == ObjectKind::kUnion) {
          FBLE_ASSERT(count == 1);
          out_.byte(kUnionCode);
          out_.varint(tag);
        } else {
          FBLE_ASSERT(kind == ObjectKind::kClosure && tag == 0 && value.code != nullptr);
          write_head(kClosureCode, field_count);
          out_.varint(number_of_code(value.code));
        }
        break;
      }
      case VirtualValue::Kind::kPackedStruct: write_head(kPackedStructCode, field_count); break;
      case VirtualValue::Kind::kPackedUnion:
        FBLE_ASSERT(value.width < 64 && value.fields.size() == 1);
        out_.byte(kPackedUnionCode + value.width);
        out_.varint(value.tag);
        break;
    }
    for (const Location& field : value.fields) write_value({field, 0}, kNoPlace);
  }

  const bool trusted_;
  ByteWriter out_;
  GroupState state_;
  std::unordered_map<uint64_t, std::vector<Described>> described_;
  // Of the entry at hand; kept for their memory.
  std::vector<Position> previous_;
  std::vector<Value> values_;
  std::vector<char> changed_;
  std::vector<size_t> news_;
};

// ---- reading ----------------------------------------------------------------

/// Which positions there are in code, for tables that may be corrupt.
class PositionChecker {
 public:
  explicit PositionChecker(std::span<Code* const> codes) : codes_(codes.begin(), codes.end()) {
    std::sort(codes_.begin(), codes_.end());
  }

  bool is_code(Code* code) const {
    return code != nullptr && (codes_.empty() || std::binary_search(codes_.begin(), codes_.end(), code));
  }

  /// The start of an instruction, or the position behind a call.
  bool is_position(const Position& position, bool behind_call) {
    const auto [entry, added] = marks_.try_emplace(position.code);
    std::vector<uint8_t>& marks = entry->second;
    if (added) mark(*position.code, marks);
    const ptrdiff_t offset = position.pc - position.code->start;
    return offset >= 0 && static_cast<size_t>(offset) < marks.size() &&
           (marks[static_cast<size_t>(offset)] & (behind_call ? 2 : 1)) != 0;
  }

 private:
  static void mark(const Code& code, std::vector<uint8_t>& marks) {
    marks.resize(code.words.size());
    for (size_t at = 0; at < code.words.size();) {
      marks[at] |= 1;
      const OpInfo& info = op_info(static_cast<Op>(code.words[at]));
      at += instruction_length(&code.words[at]);
      if (at < marks.size() && std::string_view(info.operands).ends_with("DB")) marks[at] |= 2;
    }
  }

  std::vector<Code*> codes_;
  std::unordered_map<Code*, std::vector<uint8_t>> marks_;
};

class TableReader {
 public:
  /// Requires that `checker`, if there is one, outlives the reading of the table.
  void open(const SideTable& table, PositionChecker* checker) {
    checker_ = checker;
    const std::span<const uint8_t> bytes = table.bytes();
    in_ = {bytes.data(), bytes.data() + bytes.size()};
    count_ = 0;
    first_ = nullptr;
    if (bytes.empty()) return;
    // Each exit takes at least a byte.
    count_ = static_cast<uint32_t>(in_.varint(in_.left()));
    first_ = read_code();
  }

  uint32_t count() const { return count_; }

  /// Goes to the start of the group, from where `open` has left off.
  void go_to_group(uint32_t group) {
    const uint32_t groups = (count_ + kExitsPerGroup - 1) / kExitsPerGroup;
    uint64_t distance = 0;
    for (uint32_t i = 0; i + 1 < groups && !in_.failed; ++i) {
      const uint64_t size = in_.varint(std::numeric_limits<uint32_t>::max());
      if (i < group) distance += size;
    }
    if (distance > in_.left()) in_.fail();
    if (in_.failed || first_ == nullptr) return;
    in_.at += distance;
    start_group();
  }
  void start_group() {
    if (!in_.failed) state_.start(first_);
  }

  bool failed() const { return in_.failed; }
  bool at_end() const { return in_.left() == 0; }

  /// Reads the next entry of the group; `get` tells what it says.
  void read_entry() {
    const uint8_t head = in_.byte();
    is_return_ = (head & 0x80) != 0;
    const size_t first_new = read_frames(static_cast<FrameForm>(head >> 4 & 3), head & 15);
    if (in_.failed) return;
    if (first_new < state_.frames.size()) state_.expect_new_frames(first_new);

    changed_.clear();
    if ((head & 0x40) != 0) {
      unsigned byte = 128;
      for (size_t at = 0; byte >= 128 && !in_.failed; at += 7) {
        byte = in_.byte();
        for (unsigned i = 0; i < 7; ++i) {
          if ((byte >> i & 1) != 0) changed_.push_back(at + i);
        }
      }
    }
    if (is_return_ || !changed_.empty()) {
      state_.list_places(is_return_, is_return_ ? kAllPlaces : changed_.back() + 1);
      if (is_return_) state_.expect_return();
      if (!changed_.empty() && changed_.back() >= state_.places.size()) in_.fail();
    }
    uint64_t virtuals = state_.virtuals.size();
    for (size_t i = 0; i < changed_.size() && !in_.failed;) {
      const uint8_t code = in_.byte();
      if (code >= kRunCode && code < kVirtualCode) {
        i += read_run(code, i);
      } else {
        const int32_t place = state_.places[changed_[i++]].slot;
        state_.set_value(place, read_value(code, place, virtuals));
      }
    }
    if (in_.failed) return;
    while (state_.virtuals.size() < virtuals && !in_.failed) read_virtual(virtuals);
  }

  void get(ExitEntry& entry) {
    entry.is_return = is_return_;
    entry.frames.clear();
    entry.slots.clear();
    numbers_.assign(state_.virtuals.size(), kNotNeeded);
    int32_t base = 0;
    for (size_t i = 0; i < state_.frames.size(); ++i) {
      const Position& position = state_.frames[i];
      const bool is_last = i + 1 == state_.frames.size();
      const Value closure = state_.value_at(base + kClosureSlot);
      ExitFrame& frame = entry.frames.emplace_back();
      frame.code = position.code;
      frame.pc = position.pc;
      frame.base = base;
      frame.in_memory = closure == in_memory(base + kClosureSlot);
      if (!frame.in_memory) frame.closure = closure.location;
      note_virtual(frame.closure);
      for_each_live_slot(*position.code, position.pc, !is_last || is_return_, [&](int32_t slot) {
        Value value = state_.value_at(base + slot);
        if (value == in_memory(base + slot)) return;
        note_virtual(value.location);
        entry.slots.push_back({base + slot, value.location, state_.facts_of(value)});
      });
      if (!is_last) base += static_cast<int32_t>(position.pc[-1]);
    }
    get_virtuals(entry);
  }

 private:
  /// Sets the frames of an entry; the index of the first new one.
  size_t read_frames(FrameForm form, int64_t n) {
    if (n == static_cast<int64_t>(kRest)) n += in_.signed_varint();
    std::vector<Position>& frames = state_.frames;
    if (n < -kMaxDistance || n > kMaxDistance || frames.empty()) return in_.fail();
    bool goes_on = true;
    if (form == FrameForm::kSibling) {
      frames.pop_back();
    } else if (form == FrameForm::kGeneral) {
      const uint64_t kept = in_.varint(2 * frames.size());
      goes_on = kept % 2 != 0;
      frames.resize(kept / 2 + kept % 2);
    }
    if (in_.failed || (goes_on && frames.empty())) return in_.fail();
    if (goes_on) frames.back().pc += form == FrameForm::kSame ? n : in_.slot();
    const size_t first_new = frames.size();
    if (form == FrameForm::kGeneral) {
      for (int64_t i = 0; i < n && !in_.failed; ++i) {
        Code* code = read_code();
        const uint64_t offset = in_.varint(kMaxDistance);
        if (code != nullptr) frames.push_back({code, code->start + offset});
      }
    } else if (form != FrameForm::kSame) {
      Code* code = read_code();
      if (code != nullptr) frames.push_back({code, code->start + n});
    }
    if (!in_.failed && checker_ != nullptr) check_frames();
    return first_new;
  }

  void check_frames() {
    const std::vector<Position>& frames = state_.frames;
    if (frames.empty()) in_.fail();
    int64_t base = 0;
    for (size_t i = 0; i < frames.size() && !in_.failed; ++i) {
      const bool behind_call = is_return_ || i + 1 < frames.size();
      if (!checker_->is_position(frames[i], behind_call)) {
        in_.fail();
      } else if (behind_call) {
        base += frames[i].pc[-1];
        if (base > ByteReader::kMaxSlot) in_.fail();
      }
    }
  }

  Code* read_code() {
    Code* code = code_of_number(in_.varint());
    if (!in_.failed && (checker_ == nullptr ? code != nullptr : checker_->is_code(code))) return code;
    in_.fail();
    return nullptr;
  }

  /// Several places in memory, from the i-th changed one on; how many.
  size_t read_run(uint8_t code, size_t i) {
    uint64_t run = code - kRunCode;
    if (run == kRest) run += in_.varint(changed_.size());
    run += kShortestRun;
    if (run > changed_.size() - i) return in_.fail();
    unsigned byte = 0;
    for (size_t k = 0; k < run; ++k) {
      byte = k % 4 == 0 ? in_.byte() : byte >> 2;
      const int32_t place = state_.places[changed_[i + k]].slot;
      state_.set_value(place, {in_memory(place).location, kRunFacts[byte & 3]});
    }
    return run;
  }

  /// `virtuals` becomes at least the number of virtuals that are needed.
  Value read_value(uint8_t code, int32_t place, uint64_t& virtuals) {
    if (code < kInMemoryCode) {
      return {{LocationKind::kRegister, code & 15, 0}, static_cast<uint8_t>(code >> 4)};
    }
    if (code < kSpillCode) {
      if (place == kNoPlace) in_.fail();
      return {{LocationKind::kSlot, place, 0}, static_cast<uint8_t>(code - kInMemoryCode)};
    }
    if (code < kSmallWordCode) {
      const int32_t index = static_cast<int32_t>(in_.varint(ByteReader::kMaxSlot));
      return {{LocationKind::kSpill, index, 0}, static_cast<uint8_t>(code - kSpillCode)};
    }
    if (code < kRunCode) return {{LocationKind::kConstant, 0, 2 * Word{code} - 2 * kSmallWordCode + 3}, 0};
    if (code < kVirtualCode) in_.fail();
    if (code < kPackedWordCode) {
      uint64_t number = code - kVirtualCode;
      if (number == kLastVirtual) number += in_.varint(std::numeric_limits<int32_t>::max() / 2);
      virtuals = std::max(virtuals, number + 1);
      // Each description that is still to come takes at least a byte.
      if (virtuals - std::min<uint64_t>(virtuals, state_.virtuals.size()) > in_.left()) in_.fail();
      return {{LocationKind::kVirtual, static_cast<int32_t>(number), 0}, 0};
    }
    if (code == kPackedWordCode) {
      return {{LocationKind::kConstant, 0, 2 * (in_.varint(kLargestContent) + kSmallWords) + 3}, 0};
    }
    if (code == kFunctionCode) {
      const Code* function = read_code();
      return {{LocationKind::kConstant, 0, function == nullptr ? 0 : function->function_value()}, 0};
    }
    if (code == kWordCode) {
      return {{LocationKind::kConstant, 0, anchor() + static_cast<Word>(in_.signed_varint())}, 0};
    }
    if (code >= kCodesEnd) in_.fail();
    return {{LocationKind::kSlot, in_.slot(), 0}, static_cast<uint8_t>(code - kOtherSlotCode)};
  }

  void read_virtual(uint64_t& virtuals) {
    const uint8_t head = in_.byte();
    VirtualValue& value = state_.virtuals.emplace_back();
    uint64_t count = 1;
    auto read_count = [&] {
      count = head & 15;
      if (count == kRest) count += in_.varint(in_.left());
    };
    if (head >= kPackedUnionCode + 64) {
      in_.fail();
    } else if (head >= kPackedUnionCode) {
      value.kind = VirtualValue::Kind::kPackedUnion;
      value.width = head - kPackedUnionCode;
      value.tag = static_cast<uint32_t>(in_.varint(std::numeric_limits<uint32_t>::max()));
    } else if (head >= kPackedStructCode) {
      value.kind = VirtualValue::Kind::kPackedStruct;
      read_count();
    } else if (head >= kClosureCode) {
      read_count();
      value.header = Object::make_header(ObjectKind::kClosure, static_cast<uint32_t>(count + 1));
      value.code = read_code();
    } else if (head >= kUnionCode) {
      if (head != kUnionCode) in_.fail();
      value.header = Object::make_header(ObjectKind::kUnion, 1, static_cast<uint32_t>(in_.varint(Object::kMaxTag)));
    } else {
      read_count();
      const uint32_t tag = static_cast<uint32_t>(in_.varint(Object::kMaxTag));
      value.header = Object::make_header(ObjectKind::kStruct, static_cast<uint32_t>(count), tag);
    }
    if (count > in_.left()) in_.fail();
    if (in_.failed) return;
    value.fields.reserve(count);
    for (; count > 0; --count) {
      const Value field = read_value(in_.byte(), kNoPlace, virtuals);
      if (field.facts != 0) in_.fail();
      value.fields.push_back(field.location);
    }
  }

  void note_virtual(const Location& location) {
    if (location.kind != LocationKind::kVirtual) return;
    uint32_t& number = numbers_[static_cast<size_t>(location.index)];
    if (number == kNotNeeded) to_follow_.push_back(location.index);
    number = 0;
  }

  /// Those that are needed, in the order of the group.
  void get_virtuals(ExitEntry& entry) {
    while (!to_follow_.empty()) {
      const VirtualValue& value = state_.virtuals[static_cast<size_t>(to_follow_.back())];
      to_follow_.pop_back();
      for (const Location& field : value.fields) note_virtual(field);
    }
    uint32_t count = 0;
    for (uint32_t& number : numbers_) {
      if (number != kNotNeeded) number = count++;
    }
    entry.virtuals.resize(count);
    auto renumber = [&](Location& location) {
      if (location.kind == LocationKind::kVirtual) {
        location.index = static_cast<int32_t>(numbers_[static_cast<size_t>(location.index)]);
      }
    };
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (numbers_[i] == kNotNeeded) continue;
      VirtualValue& value = entry.virtuals[numbers_[i]];
      value = state_.virtuals[i];
      for (Location& field : value.fields) renumber(field);
    }
    for (ExitFrame& frame : entry.frames) renumber(frame.closure);
    for (ExitSlot& slot : entry.slots) renumber(slot.location);
  }

  static constexpr int64_t kMaxDistance = 1 << 30;
  static constexpr uint32_t kNotNeeded = 0xffffffff;

  ByteReader in_{nullptr, nullptr};
  PositionChecker* checker_ = nullptr;
  uint32_t count_ = 0;
  Code* first_ = nullptr;
  GroupState state_;
  bool is_return_ = false;
  std::vector<size_t> changed_;
  // Of the entry that `get` fills: its number of each virtual of the group.
  std::vector<uint32_t> numbers_;
  std::vector<int32_t> to_follow_;
};

}  // namespace

SideTable::SideTable(std::span<const uint8_t> bytes) {
  ByteWriter size;
  size.varint(bytes.size());
  block_ = std::make_unique_for_overwrite<uint8_t[]>(size.bytes.size() + bytes.size());
  std::copy(size.bytes.begin(), size.bytes.end(), block_.get());
  std::copy(bytes.begin(), bytes.end(), block_.get() + size.bytes.size());
}

std::span<const uint8_t> SideTable::bytes() const {
  if (block_ == nullptr) return {};
  ByteReader size{block_.get(), block_.get() + kMaxVarintBytes};
  const size_t count = size.varint();
  return {size.at, count};
}

size_t SideTable::byte_size() const {
  if (block_ == nullptr) return 0;
  const std::span<const uint8_t> all = bytes();
  return static_cast<size_t>(all.data() + all.size() - block_.get());
}

uint32_t SideTable::count() const {
  TableReader reader;
  reader.open(*this, nullptr);
  return reader.count();
}

uint8_t facts_of_word(Word word) {
  if (is_packed(word)) return (word & 2) != 0 ? kFactPacked | kFactNatural : kFactPacked;
  return is_pointer(word) ? kFactPointer : 0;
}

SideTable SideTableBuilder::finish() {
  SideTable table = TableWriter(true).write(entries_);
  entries_.clear();
  return table;
}

void decode_exit(const SideTable& table, uint32_t index, ExitEntry& entry) {
  thread_local TableReader reader;  // for its memory
  reader.open(table, nullptr);
  reader.go_to_group(index / kExitsPerGroup);
  for (uint32_t i = index / kExitsPerGroup * kExitsPerGroup; i <= index; ++i) reader.read_entry();
  if (reader.failed()) FBLE_BUG("corrupt side table");
  reader.get(entry);
}

ExitEntry decode_exit(const SideTable& table, uint32_t index) {
  ExitEntry entry;
  decode_exit(table, index, entry);
  return entry;
}

bool decode_side_table(const SideTable& table, std::span<Code* const> codes, std::vector<ExitEntry>* entries,
                       std::string* message) {
  PositionChecker checker(codes);
  TableReader reader;
  reader.open(table, &checker);
  reader.go_to_group(0);
  std::vector<ExitEntry> read;
  for (uint32_t i = 0; i < reader.count(); ++i) {
    if (i % kExitsPerGroup == 0) reader.start_group();
    reader.read_entry();
    if (reader.failed()) {
      *message = fmt::format("exit {}: bytes that mean nothing", i);
      return false;
    }
    reader.get(read.emplace_back());
  }
  if (reader.failed() || !reader.at_end()) {
    *message = "bytes that mean nothing";
    return false;
  }
  const SideTable again = TableWriter(false).write(read);
  const std::span<const uint8_t> given = table.bytes();
  const std::span<const uint8_t> expected = again.bytes();
  if (!std::equal(given.begin(), given.end(), expected.begin(), expected.end())) {
    *message = "not what is written for these exits";
    return false;
  }
  if (entries != nullptr) *entries = std::move(read);
  return true;
}

bool verify_side_table(const SideTable& table, std::string* message, std::span<Code* const> codes) {
  std::vector<ExitEntry> entries;
  if (!decode_side_table(table, codes, &entries, message)) return false;
  for (size_t i = 0; i < entries.size(); ++i) {
    *message = verify_exit(entries[i]);
    if (message->empty()) continue;
    *message = fmt::format("exit {}: {}", i, *message);
    return false;
  }
  return true;
}

}  // namespace fble
