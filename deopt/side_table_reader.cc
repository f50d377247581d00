// The reader of side tables. It trusts a table of ours (decode_exit) or checks every byte (decode_side_table).
// Tested by tests/unit/deopt/side_table_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "deopt/code_numbers.h"
#include "deopt/side_table_format.h"

namespace fble::side_table_format {

namespace {

/// Knows the valid positions in code, for tables that may be corrupt.
class PositionChecker {
 public:
  explicit PositionChecker(std::span<Code* const> codes) : codes_(codes.begin(), codes.end()) {
    std::sort(codes_.begin(), codes_.end());
  }

  bool is_code(Code* code) const {
    return code != nullptr && (codes_.empty() || std::binary_search(codes_.begin(), codes_.end(), code));
  }

  /// Returns whether the position is the start of an instruction, or the one after a call.
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
  void open(SideTableView table, PositionChecker* checker) {
    checker_ = checker;
    in_ = {table.bytes.data(), table.bytes.data() + table.bytes.size()};
    count_ = table.exits;
    code_ = table.code;
    if (checker != nullptr && count_ != 0 && !checker->is_code(code_)) in_.fail();
  }

  /// Goes to the start of the group, starting where `open` stopped.
  void go_to_group(uint32_t group) {
    const uint32_t groups = (count_ + kExitsPerGroup - 1) / kExitsPerGroup;
    uint64_t distance = 0;
    for (uint32_t i = 0; i + 1 < groups && !in_.failed; ++i) {
      const uint64_t size = in_.varint(std::numeric_limits<uint32_t>::max());
      if (i < group) distance += size;
    }
    if (distance > in_.left()) in_.fail();
    if (in_.failed || count_ == 0) return;
    in_.at += distance;
    next_ = group * kExitsPerGroup;
    start_group();
  }
  void start_group() {
    if (!in_.failed) state_.start(code_);
    repeats_ = false;
  }

  bool failed() const { return in_.failed; }
  bool at_end() const { return in_.left() == 0; }

  /// Reads the next entry of the group; `get` returns its content.
  void read_entry() {
    const bool is_last = ++next_ == count_;
    if (std::exchange(repeats_, false)) return;
    const uint8_t head = in_.byte();
    const bool is_marked = (head & kMarked) != 0;
    is_return_ = is_marked && is_last;
    repeats_ = is_marked && !is_last;
    const size_t first_new = read_frames(static_cast<FrameForm>(head >> 4 & 3), head & 15);
    if (in_.failed) return;
    if (first_new < state_.frames.size()) state_.expect_new_frames(first_new);

    changed_.clear();
    if ((head & kChanged) != 0) {
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
  /// Sets the frames of an entry. Returns the index of the first new one.
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

  /// Reads a run of places in memory, from the i-th changed one on. Returns their number.
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

  /// Reads a value. `virtuals` becomes at least the number of virtuals that it needs.
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

  /// Adds the virtuals that the entry needs, in the order of the group.
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
  Code* code_ = nullptr;
  GroupState state_;
  uint32_t next_ = 0;     ///< the exit that is read next
  bool repeats_ = false;  ///< it is the same as the one before
  bool is_return_ = false;
  std::vector<size_t> changed_;
  // For each virtual of the group: its number in the entry that `get` fills.
  std::vector<uint32_t> numbers_;
  std::vector<int32_t> to_follow_;
};

}  // namespace
}  // namespace fble::side_table_format

namespace fble {

using namespace side_table_format;

uint8_t facts_of_word(Word word) {
  if (is_packed(word)) return (word & 2) != 0 ? kFactPacked | kFactNatural : kFactPacked;
  return is_pointer(word) ? kFactPointer : 0;
}

void decode_exit(SideTableView table, uint32_t index, ExitEntry& entry) {
  thread_local TableReader reader;  // kept to reuse its memory
  reader.open(table, nullptr);
  reader.go_to_group(index / kExitsPerGroup);
  for (uint32_t i = index / kExitsPerGroup * kExitsPerGroup; i <= index; ++i) reader.read_entry();
  if (reader.failed()) FBLE_BUG("corrupt side table");
  reader.get(entry);
}

ExitEntry decode_exit(SideTableView table, uint32_t index) {
  ExitEntry entry;
  decode_exit(table, index, entry);
  return entry;
}

bool decode_side_table(SideTableView table, std::span<Code* const> codes, std::vector<ExitEntry>* entries,
                       std::string* message) {
  PositionChecker checker(codes);
  TableReader reader;
  reader.open(table, &checker);
  reader.go_to_group(0);
  std::vector<ExitEntry> read;
  for (uint32_t i = 0; i < table.exits; ++i) {
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
  const SideTable again = write_table(read, table.code, false);
  if (!std::ranges::equal(table.bytes, again.bytes)) {
    *message = "not what is written for these exits";
    return false;
  }
  if (entries != nullptr) *entries = std::move(read);
  return true;
}

}  // namespace fble
