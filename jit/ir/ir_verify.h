// Checks that a trace has the properties that ir_ops.def and trace.h state.
//
// Tested by tests/unit/jit/ir/ir_verify_test.cc.
#pragma once

#include <string>

#include "jit/ir/trace.h"

namespace fble {

/// Returns an empty text if the trace is correct; else the problem, with the instruction and
/// its neighbours. `complete`: the optimiser is done, so allocations are covered by
/// alloc_checks.
std::string verify_trace(const Trace& trace, bool complete = false);

/// Returns a problem if an exit loses an argument that came in a register: it is live there, and neither listed nor
/// stored. Traces of the recorder have no such exit. (Traces of tests may have some if no call from machine code enters
/// them.)
std::string verify_arguments(const Trace& trace);

}  // namespace fble
