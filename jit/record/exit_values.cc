#include "jit/record/exit_values.h"

#include <algorithm>

namespace fble {

ExitValues::ExitValues(Appender& appender, IrBuilder& builder, const ExitEntry& entry)
    : appender_(appender), builder_(builder), entry_(entry) {
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) {
      if (field.kind != LocationKind::kVirtual) plain(field);
    }
  }
  for (const ExitSlot& slot : entry.slots) {
    if (slot.location.kind != LocationKind::kVirtual) plain(slot.location);
  }
  for (const ExitFrame& frame : entry.frames) {
    if (!frame.in_memory && frame.closure.kind != LocationKind::kVirtual) plain(frame.closure);
  }
}

IrRef ExitValues::known(const Location& location) const {
  for (const auto& [other, ref] : known_) {
    if (other == location) return ref;
  }
  return kNoRef;
}

IrRef ExitValues::plain(const Location& location) {
  IrRef ref = known(location);
  if (ref != kNoRef) return ref;
  if (location.kind == LocationKind::kConstant) {
    ref = appender_.constant(location.word);
  } else if (location.kind == LocationKind::kSlot) {
    ref = appender_.append(IrOp::kSlot, kNoRef, kNoRef, location.index);
  } else {
    std::vector<Inherited>& inherited = builder_.trace().inherited;
    ref = appender_.append(IrOp::kInherit, kNoRef, kNoRef, static_cast<int32_t>(inherited.size()));
    inherited.push_back({location});
  }
  known_.emplace_back(location, ref);
  return ref;
}

ExitValues::Refs ExitValues::make_packed() {
  Refs refs(entry_.virtuals.size(), kNoRef);
  for (size_t i = 0; i < refs.size(); ++i) {
    const VirtualValue& value = entry_.virtuals[i];
    if (value.kind == VirtualValue::Kind::kObject) continue;
    const bool is_union = value.kind == VirtualValue::Kind::kPackedUnion;
    IrIns ins{.op = is_union ? IrOp::kPackUnion : IrOp::kPackStruct};
    ins.fits = true;  // or it would not be in the table
    for (const Location& field : value.fields) {
      ins.list.push_back(at(field, refs));
      builder_.assume(ins.list.back(), Facts{.packed = true});
    }
    if (is_union) {
      ins.a = ins.list[0];
      ins.list.clear();
      ins.n = static_cast<int32_t>(value.tag);
      ins.m = value.width;
    }
    refs[i] = builder_.append_raw(std::move(ins));
  }
  return refs;
}

void ExitValues::make_objects(Refs& refs, bool sunk, uint32_t snapshot) {
  auto object = [&](const VirtualValue& value) {
    IrIns ins{.op = IrOp::kNew};
    ins.x = value.header;
    ins.code = value.code;
    ins.sunk = sunk;
    ins.snapshot = snapshot;
    return ins;
  };
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < refs.size(); ++i) {
      if (refs[i] != kNoRef) continue;
      IrIns ins = object(entry_.virtuals[i]);
      for (const Location& field : entry_.virtuals[i].fields) ins.list.push_back(at(field, refs));
      if (std::find(ins.list.begin(), ins.list.end(), kNoRef) != ins.list.end()) continue;
      refs[i] = builder_.append(std::move(ins));
      progress = true;
    }
  }
  // The remaining objects refer to one another in circles: they are one group.
  uint32_t next = static_cast<uint32_t>(builder_.trace().ins.size());
  std::vector<size_t> circular;
  for (size_t i = 0; i < refs.size(); ++i) {
    if (refs[i] != kNoRef) continue;
    circular.push_back(i);
    refs[i] = IrRef{next++};
  }
  for (size_t i : circular) {
    IrIns ins = object(entry_.virtuals[i]);
    ins.recursive = true;
    for (const Location& field : entry_.virtuals[i].fields) ins.list.push_back(at(field, refs));
    builder_.append_raw(std::move(ins));
  }
}

}  // namespace fble
