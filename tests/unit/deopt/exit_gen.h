// Random exits over real bytecode, for the tests of deopt/.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string_view>

#include "deopt/side_table.h"
#include "interp/bytecode_text.h"

namespace fble {

/// A program of a few functions with calls of all sizes, branches and wide frames.
inline constexpr std::string_view kExitProgram = R"(
globals 3
code 0 "/A%" arity 2 slots 24 captures 0
  functions 1 2
{
  struct s2 (s0 s1)
  call s0 (s1 s2) s3 b12
  select_arg s4 s3 w1 [L1 L2]
L1:
  call1 s4 s2 s5 b10
  call_global2 g1 s5 s4 s6 b11
  union_struct s7 0 w1 (s5 s6)
  jump L3
L2:
  closure s7 f1 (s1 s4)
L3:
  field s8 s7 0 2
  call2 s7 s8 s1 s9 b14
  return s9
}
code 1 "/A%.f" arity 1 slots 14 captures 2
{
  capture s1 c0
  select s0 w2 [L1 L2 L1 L1]
L1:
  arg s2 s0 1 w2
  call1 s1 s2 s3 b8
  tail_call1 s1 s3
L2:
  known_arg s2 s0 w2
  call_global1 g0 s2 s0 b7
  struct s3 (s0 s2 s2 s0)
  return s3
}
code 2 "/A%.wide" arity 12 slots 40 captures 0
{
  struct s12 (s0 s1 s2 s3)
  struct s13 (s4 s5 s6 s7)
  call3 s12 s13 s8 s9 s14 b30
  struct s15 (s10 s11 s12 s13 s14 s0 s1 s2 s3 s4 s5)
  call s15 (s0 s1 s2 s3) s16 b25
  list s17 (s15 s16 s14 s0 s6 s7 s8)
  return s17
}
)";

inline std::unique_ptr<ProgramCode> parse_exit_program(std::string_view text = kExitProgram) {
  BytecodeParse parsed = parse_bytecode(text, "test");
  EXPECT_NE(parsed.program, nullptr) << parsed.error;
  return std::move(parsed.program);
}

inline std::vector<Code*> all_codes(ProgramCode& program) {
  std::vector<Code*> codes;
  for (Code& code : program.codes) codes.push_back(&code);
  return codes;
}

/// Returns the positions of a code object where an activation may be, or wait for a call.
inline std::vector<const uint32_t*> positions_of(const Code& code, bool behind_call) {
  std::vector<const uint32_t*> positions;
  for (size_t at = 0; at < code.words.size();) {
    if (!behind_call) positions.push_back(code.start + at);
    const bool is_call = std::string_view(op_info(static_cast<Op>(code.words[at])).operands).ends_with("DB");
    at += instruction_length(&code.words[at]);
    if (behind_call && is_call) positions.push_back(code.start + at);
  }
  return positions;
}

class ExitGenerator {
 public:
  ExitGenerator(ProgramCode& program, uint32_t seed) : codes_(all_codes(program)), random_(seed) {}

  /// Makes the exits of a table, at most `most`: a return is the last one.
  std::vector<ExitEntry> table(uint32_t most) {
    std::vector<ExitEntry> entries;
    while (entries.size() < most && (entries.empty() || !entries.back().is_return)) entries.push_back(next());
    return entries;
  }

  /// Makes the next exit: often similar to the last one, or the same.
  ExitEntry next() {
    if (!entry_.frames.empty() && !entry_.is_return && chance(20)) return entry_;
    if (!entry_.frames.empty() && chance(70)) {
      change_some();
    } else {
      start_anew();
    }
    return entry_;
  }

  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_()) % limit; }
  bool chance(uint32_t percent) { return below(100) < percent; }

 private:
  void start_anew() {
    entry_ = ExitEntry{};
    entry_.is_return = chance(15);
    // Some circles and sharing; packed values come first.
    if (!entry_.is_return && chance(50)) add_virtuals(chance(10) ? 60 : 1 + below(6));
    const uint32_t frames = chance(5) ? 20 : 1 + below(3);
    for (uint32_t i = 0; i < frames; ++i) push_frame();
    place_frames();
    give_slots();
  }

  void change_some() {
    if (!entry_.is_return && chance(20)) add_virtuals(1 + below(2));
    if (entry_.is_return) {
      // Makes it an exit that is no return.
      entry_.is_return = false;
      entry_.frames.back().pc = any(positions_of(*entry_.frames.back().code, false));
    }
    const uint32_t what = below(10);
    if (what < 5) {
      entry_.frames.back().pc = any(positions_of(*entry_.frames.back().code, false));
    } else if (what < 7 && entry_.frames.size() < 30) {
      entry_.frames.back().pc = any(positions_of(*entry_.frames.back().code, true));
      push_frame();
    } else if (what < 9 && entry_.frames.size() > 1) {
      entry_.frames.pop_back();
      entry_.frames.back().pc = any(positions_of(*entry_.frames.back().code, false));
    }
    place_frames();
    give_slots();
  }

  void push_frame() {
    ExitFrame frame;
    frame.code = any(codes_);
    frame.in_memory = entry_.is_return || chance(50);
    if (!frame.in_memory) frame.closure = any_location();
    entry_.frames.push_back(frame);
  }

  /// Corrects positions and bases that do not fit.
  void place_frames() {
    int32_t base = 0;
    for (size_t i = 0; i < entry_.frames.size(); ++i) {
      ExitFrame& frame = entry_.frames[i];
      const bool behind_call = entry_.is_return || i + 1 < entry_.frames.size();
      const std::vector<const uint32_t*> fitting = positions_of(*frame.code, behind_call);
      if (std::find(fitting.begin(), fitting.end(), frame.pc) == fitting.end()) frame.pc = any(fitting);
      frame.base = base;
      // The frame before may have left the same closure in the same place.
      if (!frame.in_memory && chance(15)) frame.closure = {LocationKind::kSlot, base + kClosureSlot, 0};
      if (behind_call) base += static_cast<int32_t>(frame.pc[-1]);
    }
  }

  void give_slots() {
    std::map<int32_t, ExitSlot> old;
    for (const ExitSlot& slot : entry_.slots) old[slot.slot] = slot;
    entry_.slots.clear();
    for (size_t i = 0; i < entry_.frames.size(); ++i) {
      const ExitFrame& frame = entry_.frames[i];
      const bool awaits = entry_.is_return || i + 1 < entry_.frames.size();
      for_each_live_slot(*frame.code, frame.pc, awaits, [&](int32_t number) {
        const int32_t slot = frame.base + number;
        const auto was = old.find(slot);
        if (was != old.end() && chance(70) && !entry_.is_return) {
          entry_.slots.push_back(was->second);
          if (chance(20)) entry_.slots.back().facts |= kFactPacked;
          fix_facts(entry_.slots.back());
          return;
        }
        if (chance(20)) return;
        ExitSlot listed{slot, entry_.is_return ? Location{LocationKind::kSlot, slot, 0} : any_location(), 0};
        static constexpr uint8_t kFacts[] = {0, 1, 2, 5};
        listed.facts = kFacts[below(4)];
        fix_facts(listed);
        entry_.slots.push_back(listed);
      });
    }
  }

  void fix_facts(ExitSlot& slot) const {
    if (slot.location.kind == LocationKind::kConstant) slot.facts &= facts_of_word(slot.location.word);
    if (slot.location.kind == LocationKind::kVirtual) {
      const VirtualValue& value = entry_.virtuals[static_cast<size_t>(slot.location.index)];
      slot.facts &= value.kind == VirtualValue::Kind::kObject ? kFactPointer : kFactPacked;
    }
    if ((slot.facts & kFactPointer) != 0) slot.facts = kFactPointer;
  }

  void add_virtuals(uint32_t count) {
    const size_t first = entry_.virtuals.size();
    std::vector<bool> is_packed_value;
    for (uint32_t i = 0; i < count; ++i) {
      VirtualValue value;
      const uint32_t kind = below(10);
      if (kind < 2) {
        value.kind = VirtualValue::Kind::kPackedUnion;
        value.width = 1 + below(3);
        value.tag = below(1u << value.width);
        value.fields.resize(1);
      } else if (kind < 4) {
        value.kind = VirtualValue::Kind::kPackedStruct;
        value.fields.resize(chance(5) ? 17 : below(5));
      } else if (kind < 7) {
        value.fields.resize(chance(5) ? 40 : 1 + below(5));
        const uint32_t tag = chance(50) ? 0 : below(chance(10) ? 100000 : 5);
        value.header = Object::make_header(ObjectKind::kStruct, static_cast<uint32_t>(value.fields.size()), tag);
      } else if (kind < 8) {
        value.fields.resize(1);
        value.header = Object::make_header(ObjectKind::kUnion, 1, below(5));
      } else {
        value.code = any(codes_);
        value.fields.resize(value.code->capture_count);
        value.header = Object::make_header(ObjectKind::kClosure, 1 + value.code->capture_count);
      }
      entry_.virtuals.push_back(value);
    }
    for (size_t i = first; i < entry_.virtuals.size(); ++i) {
      VirtualValue& value = entry_.virtuals[i];
      for (Location& field : value.fields) {
        field = any_location();
        if (value.kind == VirtualValue::Kind::kObject) continue;
        // The parts of a packed value are packed and do not name it.
        const bool fits =
            field.kind == LocationKind::kVirtual
                ? static_cast<size_t>(field.index) < i &&
                      entry_.virtuals[static_cast<size_t>(field.index)].kind != VirtualValue::Kind::kObject
                : field.kind != LocationKind::kConstant || is_packed(field.word);
        if (!fits) field = {LocationKind::kConstant, 0, 2 * Word{below(200)} + 3};
      }
    }
  }

  Location any_location() {
    static constexpr int32_t kRegisters[] = {0, 1, 2, 3, 6, 8, 9, 10, 11, 12};
    const uint32_t kind = below(100);
    if (kind < 30 && !entry_.virtuals.empty()) {
      return {LocationKind::kVirtual, static_cast<int32_t>(below(static_cast<uint32_t>(entry_.virtuals.size())))};
    }
    if (kind < 65) return {LocationKind::kRegister, kRegisters[below(10)]};
    if (kind < 75) return {LocationKind::kSpill, static_cast<int32_t>(below(chance(10) ? kSpillSlots : 8))};
    // Slots below all headers of called frames.
    if (kind < 80) return {LocationKind::kSlot, static_cast<int32_t>(below(4))};
    const uint32_t word = below(10);
    if (word < 5) return {LocationKind::kConstant, 0, 2 * Word{below(40)} + 3};
    if (word < 7) return {LocationKind::kConstant, 0, 2 * Word{below(40000)} + 3};
    if (word < 8) return {LocationKind::kConstant, 0, (Word{random_()} << 20) | 1 | 2};
    return {LocationKind::kConstant, 0, any(codes_)->function_value()};
  }

  template <typename T>
  const T& any(const std::vector<T>& list) {
    return list[below(static_cast<uint32_t>(list.size()))];
  }

  std::vector<Code*> codes_;
  std::mt19937 random_;
  ExitEntry entry_;
};

/// Compares two entries by meaning: virtuals may be numbered, shared and listed differently.
class SameExits {
 public:
  SameExits(const ExitEntry& a, const ExitEntry& b) : a_(a), b_(b) {}

  std::string difference() {
    if (a_.is_return != b_.is_return || a_.frames.size() != b_.frames.size()) return "kind or number of frames";
    for (size_t i = 0; i < a_.frames.size(); ++i) {
      const ExitFrame& x = a_.frames[i];
      const ExitFrame& y = b_.frames[i];
      if (x.code != y.code || x.pc != y.pc || x.base != y.base || x.in_memory != y.in_memory) return "frame";
      if (!x.in_memory && !same(x.closure, y.closure)) return "closure";
      const bool awaits = a_.is_return || i + 1 < a_.frames.size();
      std::string problem;
      for_each_live_slot(*x.code, x.pc, awaits, [&](int32_t slot) {
        const ExitSlot in_a = find(a_, x.base + slot);
        const ExitSlot in_b = find(b_, x.base + slot);
        if (!same(in_a.location, in_b.location)) problem = "location of slot " + std::to_string(x.base + slot);
        const bool implied =
            in_a.location.kind == LocationKind::kConstant || in_a.location.kind == LocationKind::kVirtual;
        if (implied ? (in_a.facts & ~in_b.facts) != 0 : in_a.facts != in_b.facts) problem = "facts";
      });
      if (!problem.empty()) return problem;
    }
    while (!to_compare_.empty()) {
      const auto [x, y] = to_compare_.back();
      to_compare_.pop_back();
      const VirtualValue& v = a_.virtuals[static_cast<size_t>(x)];
      const VirtualValue& w = b_.virtuals[static_cast<size_t>(y)];
      if (v.kind != w.kind || v.header != w.header || v.code != w.code || v.tag != w.tag || v.width != w.width ||
          v.fields.size() != w.fields.size()) {
        return "virtual";
      }
      for (size_t i = 0; i < v.fields.size(); ++i) {
        if (!same(v.fields[i], w.fields[i])) return "field";
      }
    }
    return "";
  }

 private:
  bool same(const Location& x, const Location& y) {
    if (x.kind != y.kind) return false;
    if (x.kind != LocationKind::kVirtual) return x == y;
    if (compared_.insert({x.index, y.index}).second) to_compare_.push_back({x.index, y.index});
    return true;
  }
  static ExitSlot find(const ExitEntry& entry, int32_t number) {
    for (const ExitSlot& slot : entry.slots) {
      if (slot.slot == number) return slot;
    }
    return {number, {LocationKind::kSlot, number, 0}, 0};
  }

  const ExitEntry& a_;
  const ExitEntry& b_;
  std::set<std::pair<int32_t, int32_t>> compared_;
  std::vector<std::pair<int32_t, int32_t>> to_compare_;
};

}  // namespace fble
