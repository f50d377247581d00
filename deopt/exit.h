// Leaving machine code: the C++ side of an exit stub.
//
// The stub stores the registers in Carrier::exit_state and calls the engine as an ordinary
// function, which calls this. Then it loads the carrier's pc, fp and ap and jumps to
// the interpreter's handler. So no C++ frame remains on the native stack, however
// often machine code is left.
//
// Tested by tests/unit/deopt/exit_test.cc.
#pragma once

#include "deopt/side_table.h"

namespace fble {

/// Requires the state of the exit in carrier.exit_state. Sets pc, fp and ap so that the
/// interpreter can continue. Returns false, with an error raised, if memory ran out:
/// the run ends.
[[nodiscard]] bool leave_at(Carrier& carrier, const ExitEntry& entry);

}  // namespace fble
