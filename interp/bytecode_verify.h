// Checks of bytecode before it runs.
//
// What holds for code that passes:
//  * instructions are whole, the last one ends the activation, and no jump leads
//    anywhere but forward to the start of an instruction;
//  * every index is within its table, every slot within the frame, tags fit their
//    widths, and closures get as many captured values as their code has captures;
//  * every slot is written before it is read, on every path;
//  * the frame of a callee, its header included, lies above all slots that are in
//    use, and frame and argument room of a call are covered by `frame_slots`;
//  * groups of recursive values nest, no path enters or leaves one sideways, and
//    nothing else is written to their slots while they are open.
//
// So running it can go wrong only by the type of a value, which is the type
// checker's concern. Debug builds verify all that lowering produces. The checks
// cost about as much as one collection that meets each instruction.
//
// Tested by tests/unit/interp/bytecode_verify_test.cc.
#pragma once

#include <string>

#include "interp/code.h"

namespace fble {

/// Empty if all is well. Otherwise the first problem, with the instruction that
/// has it and its neighbours.
std::string verify_bytecode(const ProgramCode& program);

}  // namespace fble
