// The writer of side tables.
// Tested by tests/unit/deopt/side_table_test.cc.
#include <algorithm>
#include <unordered_map>

#include "deopt/code_numbers.h"
#include "deopt/side_table_format.h"

namespace fble::side_table_format {

namespace {

/// The step from one entry's frames to the next one's.
struct FrameStep {
  FrameForm form;
  size_t kept;   ///< outer frames that remain as they are
  bool goes_on;  ///< the next one remains, too, at another position
};

FrameStep frame_step(const std::vector<Position>& from, const std::vector<Position>& to) {
  const auto differ = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  size_t kept = static_cast<size_t>(differ.first - from.begin());
  // The position of the innermost remaining frame moves, possibly by zero words.
  if (kept == to.size() || (kept > 0 && kept == from.size())) --kept;
  const bool goes_on = kept < from.size() && to[kept].code == from[kept].code;
  FrameForm form = FrameForm::kGeneral;
  if (goes_on && from.size() == to.size() && kept + 1 == to.size()) form = FrameForm::kSame;
  if (goes_on && from.size() + 1 == to.size() && kept + 2 == to.size()) form = FrameForm::kPush;
  if (goes_on && from.size() == to.size() && kept + 2 == to.size()) form = FrameForm::kSibling;
  return {form, kept, goes_on};
}

/// Finds the circles among the virtuals of an entry, and an order in which all others
/// come after those that they name (Tarjan's algorithm, without recursion: chains may
/// be long).
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

/// A writer may be used again: it keeps its memory.
class TableWriter {
 public:
  /// Writes a table. `trusted`: constants are valid words.
  SideTable write(std::span<const ExitEntry> entries, Code* code, bool trusted) {
    trusted_ = trusted;
    out_.bytes.clear();
    std::vector<size_t> group_sizes;
    constexpr size_t kNone = std::numeric_limits<size_t>::max();
    size_t previous_head = kNone;  // of the entry before, if it has one that is not marked
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i % kExitsPerGroup == 0) {
        group_sizes.push_back(0);
        state_.start(code);
        described_.clear();
        previous_head = kNone;
      }
      FBLE_ASSERT(!entries[i].is_return || i + 1 == entries.size());
      const size_t head = out_.bytes.size();
      write_entry(entries[i]);
      if (previous_head != kNone && out_.bytes.size() == head + 1 && out_.bytes[head] == kSameEntry) {
        out_.bytes.pop_back();
        out_.bytes[previous_head] |= kMarked;
        previous_head = kNone;
      } else {
        previous_head = head;
      }
      group_sizes.back() += out_.bytes.size() - head;
    }

    ByteWriter head;
    head.bytes.reserve(2 * group_sizes.size() + out_.bytes.size());
    for (size_t i = 0; i + 1 < group_sizes.size(); ++i) head.varint(group_sizes[i]);
    head.bytes.insert(head.bytes.end(), out_.bytes.begin(), out_.bytes.end());
    return {std::move(head.bytes), static_cast<uint32_t>(entries.size()), code};
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
    out_.byte((entry.is_return ? kMarked : 0u) | (bits != 0 ? kChanged : 0u) | static_cast<unsigned>(step.form) << 4 |
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

  /// Returns the index into kRunFacts, or -1 if the value cannot be part of a run.
  static int run_facts(const Value& value, int32_t place) {
    if (value.location != in_memory(place).location) return -1;
    const auto* found = std::find(std::begin(kRunFacts), std::end(kRunFacts), value.facts);
    return found == std::end(kRunFacts) ? -1 : static_cast<int>(found - kRunFacts);
  }

  /// Writes a code and a number in half a byte, or more.
  void write_head(uint8_t code, uint64_t number) {
    out_.byte(code + std::min(number, kRest));
    if (number >= kRest) out_.varint(number - kRest);
  }

  /// Lists the value of each place, with virtuals numbered as in the entry.
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
          // The frame before had the same closure in the same place: the closure is in memory, but the header is not.
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

  /// Finds or describes the virtuals that the values mention. Returns the number of each in the group.
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

  /// Writes a place's value, or with kNoPlace a field of a virtual.
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

  /// Returns the code whose function value is the word, or null.
  Code* function_of(Word word) const {
    // Words that are not trusted are not dereferenced. Function values in tables have numbers already.
    if (!trusted_) return code_of_function(word);
    if (!is_pointer(word) || word == 0 || as_object(word)->kind() != ObjectKind::kClosure) return nullptr;
    Code* code = closure_code(as_object(word));
    return code->function_value() == word ? code : nullptr;
  }

  void write_virtual(const VirtualValue& value) {
    const uint64_t field_count = value.fields.size();
    switch (value.kind) {
      case VirtualValue::Kind::kObject: {
        const ObjectKind kind = Object::kind_of(value.header);
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

  bool trusted_ = false;
  ByteWriter out_;
  GroupState state_;
  std::unordered_map<uint64_t, std::vector<Described>> described_;
  // The state of the current entry; kept to reuse the memory.
  std::vector<Position> previous_;
  std::vector<Value> values_;
  std::vector<char> changed_;
  std::vector<size_t> news_;
};

}  // namespace

SideTable write_table(std::span<const ExitEntry> entries, Code* code, bool trusted) {
  thread_local TableWriter writer;
  return writer.write(entries, code, trusted);
}

}  // namespace fble::side_table_format

namespace fble {

SideTable SideTableBuilder::finish() {
  if (code_ == nullptr && !entries_.empty()) code_ = entries_[0].frames.at(0).code;
  SideTable table = side_table_format::write_table(entries_, code_, true);
  entries_.clear();
  return table;
}

}  // namespace fble
