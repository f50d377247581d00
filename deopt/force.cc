#include "deopt/force.h"

#include <algorithm>

#include "deopt/exit.h"
#include "deopt/materialize.h"
#include "deopt/rebuild.h"

namespace fble {

bool ForcedFrames::possible(const Thread& thread, const ExitEntry& entry) {
  const Word* ap = thread.exit_state.ap();
  const Word* limit = thread.machine.heap.limit();
  return !entry.is_return && ap <= limit && static_cast<size_t>(limit - ap) >= words_needed(entry);
}

ForcedFrames::ForcedFrames(Thread& thread, const ExitEntry& entry)
    : thread_(thread),
      start_(thread.exit_state.fp() - kHeaderSlots),
      pc_(thread.pc),
      fp_(thread.fp),
      ap_(thread.ap),
      value_(thread.value),
      words_(start_, thread.exit_state.fp() + entry.frames.back().base + entry.frames.back().code->frame_slots) {
  if (!leave_at(thread, entry)) FBLE_BUG("forced frames did not fit");
}

void ForcedFrames::take_back() {
  std::copy(words_.begin(), words_.end(), start_);
  thread_.pc = pc_;
  thread_.fp = fp_;
  thread_.ap = ap_;
  thread_.value = value_;
}

}  // namespace fble
