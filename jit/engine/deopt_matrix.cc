#include "jit/engine/deopt_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "gc/log.h"

namespace fble {

namespace {

/// Returns the call that ends at the position.
Op call_before(const Code& code, const uint32_t* position) {
  const auto end = static_cast<size_t>(position - code.start);
  size_t at = 0;
  for (size_t next = 0; next < end; next += instruction_length(&code.words[next])) at = next;
  return static_cast<Op>(code.words[at]);
}

std::string position_of(const ExitFrame& frame, bool waits) {
  if (!waits) return fmt::format("at {}", op_info(static_cast<Op>(*frame.pc)).name);
  if (frame.code->is_glue) return "behind over-application";
  return fmt::format("behind {}", op_info(call_before(*frame.code, frame.pc)).name);
}

bool is_virtual(const Location& location) { return location.kind == LocationKind::kVirtual; }

size_t mentions(const ExitEntry& entry, int32_t index) {
  size_t count = 0;
  const auto look = [&](const Location& location) { count += is_virtual(location) && location.index == index ? 1 : 0; };
  for (const ExitSlot& slot : entry.slots) look(slot.location);
  for (const ExitFrame& frame : entry.frames) look(frame.closure);
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) look(field);
  }
  return count;
}

const char* virtual_kind(const VirtualValue& value) {
  switch (value.kind) {
    case VirtualValue::Kind::kPackedUnion: return "packed union";
    case VirtualValue::Kind::kPackedStruct: return "packed struct";
    case VirtualValue::Kind::kObject: break;
  }
  if (value.code != nullptr) return "virtual closure";
  return Object::kind_of(value.header) == ObjectKind::kUnion ? "virtual union" : "virtual struct";
}

}  // namespace

std::vector<const char*> location_kinds(const ExitEntry& entry, const Location& location, int32_t own_slot) {
  switch (location.kind) {
    case LocationKind::kNone: return {};
    case LocationKind::kRegister: return {"register"};
    case LocationKind::kSpill: return {"spill slot"};
    case LocationKind::kConstant: return {is_packed(location.word) ? "packed constant" : "constant object"};
    case LocationKind::kSlot: return {location.index == own_slot ? "memory" : "other slot"};
    case LocationKind::kVirtual: break;
  }
  const VirtualValue& value = entry.virtuals[static_cast<size_t>(location.index)];
  std::vector<const char*> kinds{virtual_kind(value)};
  // A location has each kind that one of its parts has.
  std::vector<int32_t> reached{location.index};
  bool is_shared = false;
  bool is_recursive = false;
  for (size_t i = 0; i < reached.size(); ++i) {
    is_shared |= mentions(entry, reached[i]) > 1;
    for (const Location& field : entry.virtuals[static_cast<size_t>(reached[i])].fields) {
      if (!is_virtual(field)) continue;
      is_recursive |= field.index >= reached[i];
      if (std::ranges::find(reached, field.index) == reached.end()) reached.push_back(field.index);
    }
  }
  if (std::ranges::any_of(value.fields, is_virtual)) kinds.push_back("nested");
  if (is_shared) kinds.push_back("shared");
  if (is_recursive) kinds.push_back("recursive");
  return kinds;
}

std::unique_ptr<DeoptMatrix> DeoptMatrix::if_wanted() {
  const char* file = std::getenv("FBLE_DEOPT_MATRIX");
  return file == nullptr ? nullptr : std::make_unique<DeoptMatrix>(file);
}

DeoptMatrix::~DeoptMatrix() {
  std::string text;
  for (const auto& [cell, count] : counts_) {
    text += fmt::format("{}\t{}\t{}\t{}\n", std::get<0>(cell), std::get<1>(cell), std::get<2>(cell), count);
  }
  append_to_file(file_, text);
}

void DeoptMatrix::note(const ExitEntry& entry, const char* reason) {
  last_.clear();
  taken_pc_ = nullptr;
  auto listed = entry.slots.begin();
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    const ExitFrame& frame = entry.frames[i];
    const bool waits = entry.is_return || i + 1 < entry.frames.size();
    const std::string position = position_of(frame, waits);
    const auto count = [&](const Location& location, int32_t own_slot) {
      for (const char* kind : location_kinds(entry, location, own_slot)) {
        ++counts_[{position, kind, reason}];
        last_.emplace_back(position, kind);
      }
    };
    const int32_t closure = frame.base + kClosureSlot;
    count(frame.in_memory ? Location{LocationKind::kSlot, closure} : frame.closure, closure);
    for_each_live_slot(*frame.code, frame.pc, waits, [&](int32_t slot) {
      const int32_t own = frame.base + slot;
      while (listed != entry.slots.end() && listed->slot < own) ++listed;
      const bool is_listed = listed != entry.slots.end() && listed->slot == own;
      count(is_listed ? listed->location : Location{LocationKind::kSlot, own}, own);
    });
  }
}

void DeoptMatrix::note_taken(const uint32_t* pc, const Word* fp) {
  taken_pc_ = pc;
  taken_fp_ = fp;
}

void DeoptMatrix::note_end(const uint32_t* pc, const Word* fp, const RunError& error) {
  // Without room, any instruction fails.
  if (error.lines.empty() || error.out_of_memory || taken_pc_ == nullptr || fp == nullptr) return;
  if (pc != taken_pc_ && code_of_frame(fp).native != nullptr) {
    // A native fails at its call. If that is a tail call, its frame is the caller's.
    const bool is_tail_call = op_ends_activation(static_cast<Op>(*taken_pc_));
    const uint32_t* next = taken_pc_ + instruction_length(taken_pc_);
    const bool is_behind = return_position(fp) == next;
    if (is_behind && !is_tail_call) fp -= next[-1];
    if (is_behind != is_tail_call) pc = taken_pc_;
  }
  if (pc != taken_pc_ || fp != taken_fp_) return;
  for (const auto& [position, kind] : last_) ++counts_[{position, kind, "error"}];
}

}  // namespace fble
