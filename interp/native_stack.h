// The native stack of handlers and machine code: the one that the processor's stack pointer is in.
//
// Handlers tail-call each other, so the stack pointer is the same in all of them. Machine code moves
// it: its calls push their return addresses there too, besides writing them into frames, because the
// processor predicts a return only from its pairing with a call. The addresses on it are never needed.
// An exit from machine code cuts the native stack off. So does a return whose address is not on top,
// because its frame is older or a collection has replaced the address; then it jumps.
//
// Tested by tests/unit/jit/x64/assemble_test.cc and tests/unit/interp/interpreter_test.cc.
#pragma once

#include "interp/code.h"

namespace fble {

/// Calls a handler from C++, with carrier.native_stack set until the run ends. A run within a run has its
/// native stack below that of the other.
void enter_handler(Handler handler, const uint32_t* pc, Word* fp, Carrier& carrier, Word* ap, Word value);

/// Code::native_entry of code that is not compiled: stores the arguments that are in registers in their slots, cuts the
/// native stack off and jumps to Code::entry.
void leave_by_call();

}  // namespace fble
