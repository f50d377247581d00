#include "deopt/materialize.h"

#include "deopt/rebuild.h"

namespace fble {

namespace {

Word pack(const VirtualValue& value, const Word* fields) {
  const Word packed =
      value.kind == VirtualValue::Kind::kPackedUnion
          ? pack_union(fields[0], value.width, value.tag)
          : pack_struct(static_cast<uint32_t>(value.fields.size()), [&](uint32_t i) { return fields[i]; });
  if (packed == 0) FBLE_BUG("packed virtual does not fit");
  return packed;
}

}  // namespace

size_t words_needed(const ExitEntry& entry) {
  size_t words = 0;
  for (const VirtualValue& value : entry.virtuals) {
    if (value.kind != VirtualValue::Kind::kObject) continue;
    words += object_words(static_cast<uint32_t>(value.header >> 32));
  }
  return words;
}

void read_virtual_roots(Carrier& carrier, const ExitEntry& entry, const Word* root) {
  carrier.exit_roots.clear();
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) {
      const bool is_virtual = field.kind == LocationKind::kVirtual;
      carrier.exit_roots.push_back(is_virtual ? kUnitWord : read_location(carrier.exit_state, root, field));
    }
  }
}

bool materialize(Carrier& carrier, const ExitEntry& entry, Word* root) {
  const size_t words = words_needed(entry);
  // Not alloc_limit: that is 0 while attention is requested.
  const Word* limit = carrier.machine.heap.limit();
  if (words != 0 && (carrier.ap > limit || static_cast<size_t>(limit - carrier.ap) < words)) {
    if (!carrier.make_room(words)) {
      carrier.exit_roots.clear();
      return false;
    }
    // New objects are about to be written into frames from the root frame on.
    carrier.current->stack->lower_watermark(root);
  }
  if (words != 0) carrier.note_allocation(words);

  thread_local std::vector<Word> made;
  made.clear();
  Word* fields = carrier.exit_roots.data();
  for (const VirtualValue& value : entry.virtuals) {
    if (value.kind == VirtualValue::Kind::kObject) {
      made.push_back(reinterpret_cast<Word>(carrier.ap));
      carrier.ap += object_words(static_cast<uint32_t>(value.header >> 32));
    } else {
      for (size_t i = 0; i < value.fields.size(); ++i) {
        if (value.fields[i].kind == LocationKind::kVirtual)
          fields[i] = made[static_cast<size_t>(value.fields[i].index)];
      }
      made.push_back(pack(value, fields));
    }
    fields += value.fields.size();
  }

  fields = carrier.exit_roots.data();
  for (size_t i = 0; i < entry.virtuals.size(); ++i) {
    const VirtualValue& value = entry.virtuals[i];
    if (value.kind == VirtualValue::Kind::kObject) {
      Object* object = as_object(made[i]);
      object->header = value.header;
      Word* at = object->fields;
      if (value.code != nullptr) *at++ = Code::from_code(value.code);
      for (size_t k = 0; k < value.fields.size(); ++k) {
        const Location& field = value.fields[k];
        at[k] = field.kind == LocationKind::kVirtual ? made[static_cast<size_t>(field.index)] : fields[k];
      }
    }
    fields += value.fields.size();
  }
  carrier.exit_roots.clear();

  for (const ExitSlot& slot : entry.slots) {
    if (slot.location.kind == LocationKind::kVirtual) root[slot.slot] = made[static_cast<size_t>(slot.location.index)];
  }
  for (const ExitFrame& frame : entry.frames) {
    if (frame.in_memory || frame.closure.kind != LocationKind::kVirtual) continue;
    root[frame.base + kClosureSlot] = made[static_cast<size_t>(frame.closure.index)];
  }
  return true;
}

}  // namespace fble
