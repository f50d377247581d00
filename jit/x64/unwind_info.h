// How to unwind from machine code: the same rule for all of it, the shared stubs included.
//
// Machine code leaves rbp alone, so the frame of `enter` (interp/native_stack.cc) is found from it wherever the stack
// pointer is: the frames of machine code are in the call stack, and are no frames for a debugger of C++. The rule is
// written in the format of .eh_frame (DWARF call frame information).
//
// It is of no use to perf, whose samples have the memory above the stack pointer only: that frame is on another stack.
//
// Tested by tests/unit/jit/x64/unwind_info_test.cc and tests/gdb/gdb_test.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fble {

/// Returns a section .eh_frame for `bytes` bytes of code at the address.
std::string unwind_table(const uint8_t* start, size_t bytes);

}  // namespace fble
