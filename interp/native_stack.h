// The native stack of handlers and machine code: the one that the processor's stack pointer is in.
//
// Handlers tail-call each other, so the stack pointer is the same in all of them. Machine code moves
// it: its calls push their return addresses there, and do not write them into frames. The processor predicts a
// return from its pairing with a call, and most frames have returned before anything looks at them.
//
//   native_stack    in the caller of the first handler
//              -8   return_by_frame: machine code was entered here, by the interpreter
//             -16   return address of the oldest call in machine code since then
//             ...
//   rsp             return address of the frame whose trace runs
//
// The return words of the frames from the second row on are missing in memory. All that leaves machine code writes
// them first (write_return_words) and then cuts the native stack off: exits, forced frames, calls of code that is not
// compiled, entries where the stack is too small. So C++ and handlers find complete frames and an empty native stack.
// The words of a frame are written once at most: afterwards it returns by the address in it.
//
// A return address in machine code is followed by what the frame's words are made of:
//
//   jmp continuation       5 bytes; the return address
//   mov r11, position      where the address in the frame leads to (kEntryByFrame)
//   mov eax, distance      between the two frames, in bytes
//   push return_by_frame   a return by the frame: the native stack is empty
//   jmp return address
//
// The two numbers are operands so that all of it is code, to processors and in listings.
//
// A memo (jit/x64/memo_code.h) that has called its function has kMemoWords words there: a return address that no `jmp`
// follows, and what it needs to remember the result. It has no frame, so those words are skipped, and lost when the
// native stack is cut off.
//
// An exit comes through the sled of its trace (jit/x64/exit_site.h), which pushes words that are the address above
// themselves, and calls code that the traces share. Each push is one byte, so their number says where the exit came in.
//
// Tested by tests/unit/jit/x64/assemble_test.cc and tests/unit/interp/interpreter_test.cc.
#pragma once

#include "interp/code.h"

namespace fble {

/// Calls a handler from C++, with carrier.native_stack set until the run ends. A run within a run has its
/// native stack below that of the other.
void enter_handler(Handler handler, const uint32_t* pc, Word* fp, Carrier& carrier, Word* ap, Word value);

/// The distances of what follows a return address in machine code, in bytes.
inline constexpr int kEntryByFrame = 5;
inline constexpr int kReturnPositionAt = kEntryByFrame + 2;
inline constexpr int kDistanceAt = kReturnPositionAt + 8 + 1;

/// The first byte after a return address of a trace: that of a `jmp` to 32 bits.
inline constexpr int kJumpByte = 0xe9;
/// The bytes of the call at the end of a sled: that of an address in memory, which a register points to.
inline constexpr uint32_t kSledCallBytes = 2;
/// Returns the number of words from there on, before the end of the native stack, that a sled has pushed.
inline size_t sled_pushes(const Word* native_stack, const Word* end) {
  const Word* at = native_stack;
  while (at < end && *at == reinterpret_cast<Word>(at + 1)) ++at;
  return static_cast<size_t>(at - native_stack);
}

/// The words of a memo that waits for its function: the return address and four others above it.
inline constexpr int kMemoWords = 5;

/// The outermost return address of machine code: returns from the frame by the address in it.
void return_by_frame();

/// Writes the return words of all frames whose return addresses are on the native stack from r9 on; r10 is the topmost
/// of these frames. Changes r9, r10, r11, rax and rcx.
void write_return_words();

/// HandlerTable::leave, which sleds call: jumps to Carrier::exit_common.
void leave_by_sled();

/// Code::native_entry of functions that are not compiled: stores the arguments that are in registers in their slots,
/// writes return words, cuts the native stack off and jumps to Code::entry.
void leave_by_call();

/// The same for natives: their calls from machine code are counted (native_call_entry).
void leave_by_native_call();

}  // namespace fble
