// Checks that a trace is what the rows of ir_ops.def and trace.h promise.
//
// Tested by tests/unit/jit/ir/ir_verify_test.cc.
#pragma once

#include <string>

#include "jit/ir/trace.h"

namespace fble {

/// Empty if the trace is correct; else what is wrong, with the instruction and its
/// neighbours. `complete`: the optimiser is done, so allocations are covered by alloc_checks.
std::string verify_trace(const Trace& trace, bool complete = false);

}  // namespace fble
