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

}  // namespace fble
