#include "deopt/rebuild.h"

#include <algorithm>
#include <bitset>

#include "interp/interpreter.h"

namespace fble {

void rebuild_frames(Thread& thread, const ExitEntry& entry, Word* root) {
  const ExitState& state = thread.exit_state;
  // The words to write: slots first, then frames, in their order.
  thread_local std::vector<Word> words;
  words.clear();
  for (const ExitSlot& slot : entry.slots) {
    const bool is_virtual = slot.location.kind == LocationKind::kVirtual;
    words.push_back(is_virtual ? kUnitWord : read_location(state, root, slot.location));
  }
  for (const ExitFrame& frame : entry.frames) {
    if (frame.in_memory) continue;
    const bool is_virtual = frame.closure.kind == LocationKind::kVirtual;
    words.push_back(is_virtual ? frame.code->function_value() : read_location(state, root, frame.closure));
  }

  const Word* word = words.data();
  for (const ExitSlot& slot : entry.slots) root[slot.slot] = *word++;
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    if (entry.frames[i].in_memory) continue;
    Word* frame = root + entry.frames[i].base;
    frame[kClosureSlot] = *word++;
    // The return address of the root frame was written by its call. It is kept, even if the watermark has replaced it.
    if (i == 0) continue;
    frame[kReturnPositionSlot] = reinterpret_cast<Word>(entry.frames[i - 1].pc);
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }
  thread.pc = entry.frames.back().pc;
  thread.fp = root + entry.frames.back().base;
  thread.ap = state.ap();
}

void visit_exit_roots(Collector& collector, ExitState& state, Word* root, const ExitEntry& entry) {
  std::bitset<kRegisterCount> registers;
  std::bitset<kSpillSlots> spills;
  std::vector<int32_t> slots;
  auto note = [&](const Location& location) {
    if (location.kind == LocationKind::kRegister) registers.set(static_cast<size_t>(location.index));
    if (location.kind == LocationKind::kSpill) spills.set(static_cast<size_t>(location.index));
    if (location.kind == LocationKind::kSlot) slots.push_back(location.index);
  };
  auto listed = entry.slots.begin();
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    const ExitFrame& frame = entry.frames[i];
    note(frame.in_memory ? Location{LocationKind::kSlot, frame.base + kClosureSlot} : frame.closure);
    const bool awaits_result = entry.is_return || i + 1 < entry.frames.size();
    for_each_live_slot(*frame.code, frame.pc, awaits_result, [&](int32_t slot) {
      while (listed != entry.slots.end() && listed->slot < frame.base + slot) ++listed;
      const bool in_memory = listed == entry.slots.end() || listed->slot != frame.base + slot;
      note(in_memory ? Location{LocationKind::kSlot, frame.base + slot} : listed->location);
    });
  }
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) note(field);
  }

  for (size_t i = 0; i < registers.size(); ++i) {
    if (registers[i]) collector.visit(state.registers[i]);
  }
  for (size_t i = 0; i < spills.size(); ++i) {
    if (spills[i]) collector.visit(state.spill[i]);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  for (int32_t slot : slots) collector.visit(root[slot]);
}

}  // namespace fble
