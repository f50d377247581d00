#include "deopt/side_table_verify.h"

#include <fmt/format.h>

#include <algorithm>

namespace fble {

namespace {

/// Returns whether the position is the start of an instruction, or the one after a call.
bool is_position(const Code& code, const uint32_t* pc, bool behind_call) {
  const ptrdiff_t offset = pc - code.start;
  if (offset < 0 || static_cast<size_t>(offset) >= code.words.size()) return false;
  size_t at = 0;
  bool was_call = false;
  while (at < static_cast<size_t>(offset)) {
    was_call = std::string_view(op_info(static_cast<Op>(code.words[at])).operands).ends_with("DB");
    at += instruction_length(&code.words[at]);
  }
  return at == static_cast<size_t>(offset) && (was_call || !behind_call);
}

class ExitVerifier {
 public:
  explicit ExitVerifier(const ExitEntry& entry) : entry_(entry) {}

  std::string verify() {
    verify_frames();
    if (problem_.empty()) verify_slots();
    for (size_t i = 0; i < entry_.virtuals.size() && problem_.empty(); ++i) verify_virtual(i);
    return std::move(problem_);
  }

 private:
  template <typename... Args>
  void fail(fmt::format_string<Args...> format, Args&&... args) {
    if (problem_.empty()) problem_ = fmt::format(format, std::forward<Args>(args)...);
  }

  void verify_frames() {
    if (entry_.frames.empty()) return fail("no frame");
    int64_t base = 0;
    for (size_t i = 0; i < entry_.frames.size(); ++i) {
      const ExitFrame& frame = entry_.frames[i];
      const bool behind_call = entry_.is_return || i + 1 < entry_.frames.size();
      if (frame.code == nullptr || !is_position(*frame.code, frame.pc, behind_call)) {
        return fail("frame {}: no position {}", i, behind_call ? "behind a call" : "of an instruction");
      }
      if (frame.base != base) return fail("frame {}: base {} where its call has {}", i, frame.base, base);
      if (behind_call) base += frame.pc[-1];
      if (frame.in_memory) {
        if (frame.closure != Location{}) fail("frame {}: in memory, and has a closure", i);
        continue;
      }
      if (entry_.is_return) fail("frame {}: not in memory at a return", i);
      verify_location(frame.closure, fmt::format("closure of frame {}", i));
    }
  }

  void verify_slots() {
    std::vector<int32_t> live;
    for (size_t i = 0; i < entry_.frames.size(); ++i) {
      const ExitFrame& frame = entry_.frames[i];
      for_each_live_slot(*frame.code, frame.pc, entry_.is_return || i + 1 < entry_.frames.size(),
                         [&](int32_t slot) { live.push_back(frame.base + slot); });
    }
    int32_t previous = std::numeric_limits<int32_t>::min();
    for (const ExitSlot& slot : entry_.slots) {
      if (slot.slot <= previous) fail("slot {} is out of order", slot.slot);
      previous = slot.slot;
      if (!std::binary_search(live.begin(), live.end(), slot.slot)) fail("slot {} is not live", slot.slot);
      const std::string name = fmt::format("slot {}", slot.slot);
      verify_location(slot.location, name);
      if (entry_.is_return && slot.location != Location{LocationKind::kSlot, slot.slot, 0}) {
        fail("{}: not in memory at a return", name);
      }
      const bool packed = (slot.facts & kFactPacked) != 0;
      if (slot.facts > kAllFacts || (packed && (slot.facts & kFactPointer) != 0)) {
        fail("{}: facts {} contradict each other", name, slot.facts);
      }
      if (slot.location.kind == LocationKind::kConstant && (slot.facts & ~facts_of_word(slot.location.word)) != 0) {
        fail("{}: facts {} are not those of {:#x}", name, slot.facts, slot.location.word);
      }
      if (slot.location.kind == LocationKind::kVirtual && problem_.empty()) {
        const bool is_object = kind_of(slot.location.index) == VirtualValue::Kind::kObject;
        if ((slot.facts & (is_object ? kFactPacked | kFactNatural : kFactPointer)) != 0) {
          fail("{}: facts {} are not those of its virtual", name, slot.facts);
        }
      }
    }
  }

  void verify_virtual(size_t index) {
    const VirtualValue& value = entry_.virtuals[index];
    const std::string name = fmt::format("virtual {}", index);
    const bool is_object = value.kind == VirtualValue::Kind::kObject;
    if (is_object) {
      const ObjectKind kind = Object::kind_of(value.header);
      const uint32_t tag = static_cast<uint32_t>(value.header >> 8) & Object::kMaxTag;
      const uint32_t count = static_cast<uint32_t>(value.fields.size()) + (value.code != nullptr ? 1 : 0);
      const bool kind_fits = kind == ObjectKind::kClosure ? value.code != nullptr && tag == 0
                             : kind == ObjectKind::kUnion ? value.code == nullptr && count == 1
                                                          : kind == ObjectKind::kStruct && value.code == nullptr;
      if (count == 0) fail("{}: an object without fields", name);
      if (!kind_fits || value.header != Object::make_header(kind, count, tag)) {
        fail("{}: header {:#x} does not fit its fields", name, value.header);
      }
      if (value.code != nullptr && value.code->capture_count != value.fields.size()) {
        fail("{}: {} captured values where the code has {}", name, value.fields.size(), value.code->capture_count);
      }
    } else if (value.kind == VirtualValue::Kind::kPackedUnion) {
      if (value.fields.size() != 1) fail("{}: a union has one field", name);
      if (value.width > 24 || value.tag >> value.width != 0)
        fail("{}: tag {} of width {}", name, value.tag, value.width);
    }
    for (size_t i = 0; i < value.fields.size(); ++i) {
      const Location& field = value.fields[i];
      verify_location(field, fmt::format("{}, field {}", name, i));
      if (!problem_.empty()) return;
      if (field.kind == LocationKind::kConstant && !is_object && !is_packed(field.word)) {
        fail("{}, field {}: not packed", name, i);
      }
      if (field.kind != LocationKind::kVirtual) continue;
      const bool field_is_object = kind_of(field.index) == VirtualValue::Kind::kObject;
      if (field_is_object && !is_object) fail("{}, field {}: not packed", name, i);
      if (static_cast<size_t>(field.index) >= index && !(field_is_object && is_object)) {
        fail("{}, field {}: names a virtual that comes later", name, i);
      }
    }
  }

  VirtualValue::Kind kind_of(int32_t index) const { return entry_.virtuals[static_cast<size_t>(index)].kind; }

  void verify_location(const Location& location, const std::string& name) {
    const uint64_t index = static_cast<uint64_t>(int64_t{location.index});
    switch (location.kind) {
      case LocationKind::kNone: return fail("{}: no location", name);
      case LocationKind::kRegister:
        if (index >= kRegisterCount || (kAllocatableRegisters >> index & 1) == 0)
          fail("{}: register {}", name, location.index);
        return;
      case LocationKind::kSpill:
        if (index >= kSpillSlots) fail("{}: spill slot {}", name, location.index);
        return;
      case LocationKind::kVirtual:
        if (index >= entry_.virtuals.size()) fail("{}: virtual {}", name, location.index);
        return;
      case LocationKind::kConstant:
        if (location.word < 3 || is_placeholder(location.word)) fail("{}: constant {:#x}", name, location.word);
        return;
      case LocationKind::kSlot: {
        const ExitFrame& last = entry_.frames.back();
        if (location.index < kClosureSlot ||
            location.index >= last.base + static_cast<int32_t>(last.code->frame_slots)) {
          fail("{}: in slot {}, outside of the frames", name, location.index);
        }
        return;
      }
    }
  }

  const ExitEntry& entry_;
  std::string problem_;
};

}  // namespace

std::string verify_exit(const ExitEntry& entry) { return ExitVerifier(entry).verify(); }

bool verify_side_table(SideTableView table, std::string* message, std::span<Code* const> codes) {
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
