#include "deopt/exit.h"

#include "deopt/materialize.h"
#include "deopt/rebuild.h"

namespace fble {

namespace {

/// Does what the interpreter does when a call returns to it.
void leave_at_return(Thread& thread) {
  const ExitState& state = thread.exit_state;
  Word* fp = state.fp();
  thread.pc = return_position(fp);
  fp = caller_of(fp);
  fp[result_slot(thread.pc)] = state.value();
  thread.fp = fp;
  thread.ap = state.ap();
}

}  // namespace

bool leave_at(Thread& thread, const ExitEntry& entry) {
  if (entry.is_return) {
    leave_at_return(thread);
    return true;
  }
  Word* root = thread.exit_state.fp();
  if (!entry.virtuals.empty()) read_virtual_roots(thread, entry, root);
  rebuild_frames(thread, entry, root);
  return entry.virtuals.empty() || materialize(thread, entry, root);
}

}  // namespace fble
