#include "deopt/rebuild.h"

#include "interp/interpreter.h"

namespace fble {

void rebuild_frames(Carrier& carrier, const ExitEntry& entry, Word* root) {
  const ExitState& state = carrier.exit_state;
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
    // The return address of the root frame is there already. It is kept, even if the watermark has replaced it.
    if (i == 0) continue;
    frame[kReturnPositionSlot] = reinterpret_cast<Word>(entry.frames[i - 1].pc);
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }
  carrier.pc = entry.frames.back().pc;
  carrier.fp = root + entry.frames.back().base;
  carrier.ap = state.ap();
}

}  // namespace fble
