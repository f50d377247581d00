// An independent check of register allocation.
//
// Walks a plan with the set of values that each register, spill slot and frame slot holds,
// without knowledge of how the plan was made, and verifies that each instruction finds its
// operands, and each exit the values of its snapshot. On in debug builds and with
// AssembleOptions::check_registers; random traces use it as their oracle.
//
// Tested by tests/unit/jit/x64/regalloc_test.cc.
#pragma once

#include <string>

#include "jit/x64/regalloc.h"

namespace fble::x64 {

/// Returns an empty text if the plan is right, else the fault.
std::string check_allocation(const Trace& trace, const Allocation& allocation);

}  // namespace fble::x64
