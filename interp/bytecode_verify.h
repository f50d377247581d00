// Checks of bytecode before it runs.
//
// Code that passes has these properties:
//  * instructions are whole, the last one ends the activation, and no jump leads
//    anywhere but forward to the start of an instruction;
//  * every index is within its table, every slot within the frame, tags fit their
//    widths, and closures get as many captured values as their code has captures;
//  * every slot is written before it is read, on every path;
//  * the frame of a callee, its header included, lies above all slots that are in
//    use, and frame and argument room of a call are covered by `frame_slots`;
//  * groups of recursive values nest, each path enters a group at its Declare
//    and leaves it at its Define, and no other instruction writes to their slots
//    while they are open.
//
// So a run can fail only by the type of a value, which the type checker checks.
// Debug builds verify all bytecode from lowering. The checks cost about as much
// as one collection that meets each instruction.
//
// Tested by tests/unit/interp/bytecode_verify_test.cc.
#pragma once

#include <string>

#include "interp/code.h"

namespace fble {

/// Returns the first problem, with its instruction and the neighbours; empty if
/// there is none.
std::string verify_bytecode(const ProgramCode& program);

/// Does the same for the codes from number `first` to the last, and not for modules and their globals. These codes
/// refer to no earlier ones.
std::string verify_codes(const ProgramCode& program, size_t first);

}  // namespace fble
