#include "deopt/exit.h"

#include "deopt/materialize.h"
#include "deopt/rebuild.h"

namespace fble {

namespace {

/// Does what the interpreter does when a call returns to it. The callee's frame may have no return words.
void leave_at_return(Carrier& carrier, const ExitEntry& entry) {
  const ExitState& state = carrier.exit_state;
  const ExitFrame& caller = entry.frames.back();
  carrier.pc = caller.pc;
  carrier.fp = state.fp() + caller.base;
  carrier.fp[result_slot(carrier.pc)] = state.value();
  carrier.ap = state.ap();
}

}  // namespace

bool leave_at(Carrier& carrier, const ExitEntry& entry) {
  if (entry.is_return) {
    leave_at_return(carrier, entry);
    return true;
  }
  Word* root = carrier.exit_state.fp();
  if (!entry.virtuals.empty()) read_virtual_roots(carrier, entry, root);
  rebuild_frames(carrier, entry, root);
  return entry.virtuals.empty() || materialize(carrier, entry, root);
}

}  // namespace fble
