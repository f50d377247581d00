#include "deopt/exit.h"

#include "deopt/materialize.h"
#include "deopt/rebuild.h"

namespace fble {

namespace {

/// Does what the interpreter does when a call returns to it.
void leave_at_return(Carrier& carrier) {
  const ExitState& state = carrier.exit_state;
  Word* fp = state.fp();
  carrier.pc = return_position(fp);
  fp = caller_of(fp);
  fp[result_slot(carrier.pc)] = state.value();
  carrier.fp = fp;
  carrier.ap = state.ap();
}

}  // namespace

bool leave_at(Carrier& carrier, const ExitEntry& entry) {
  if (entry.is_return) {
    leave_at_return(carrier);
    return true;
  }
  Word* root = carrier.exit_state.fp();
  if (!entry.virtuals.empty()) read_virtual_roots(carrier, entry, root);
  rebuild_frames(carrier, entry, root);
  return entry.virtuals.empty() || materialize(carrier, entry, root);
}

}  // namespace fble
