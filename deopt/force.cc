#include "deopt/force.h"

#include <algorithm>

#include "deopt/exit.h"
#include "deopt/materialize.h"
#include "deopt/rebuild.h"

namespace fble {

bool ForcedFrames::possible(const Carrier& carrier, const ExitEntry& entry) {
  const Word* ap = carrier.exit_state.ap();
  const Word* limit = carrier.machine.heap.limit();
  return !entry.is_return && ap <= limit && static_cast<size_t>(limit - ap) >= words_needed(entry);
}

ForcedFrames::ForcedFrames(Carrier& carrier, const ExitEntry& entry)
    : carrier_(carrier),
      start_(carrier.exit_state.fp() - kHeaderSlots),
      pc_(carrier.pc),
      fp_(carrier.fp),
      ap_(carrier.ap),
      value_(carrier.value),
      words_(start_, carrier.exit_state.fp() + entry.frames.back().base + entry.frames.back().code->frame_slots) {
  if (!leave_at(carrier, entry)) FBLE_BUG("forced frames did not fit");
}

void ForcedFrames::take_back() {
  std::copy(words_.begin(), words_.end(), start_);
  carrier_.pc = pc_;
  carrier_.fp = fp_;
  carrier_.ap = ap_;
  carrier_.value = value_;
}

}  // namespace fble
