// How handlers are written: what interpreter.cc, where the bytecodes are, and
// intrinsics.cc, where natives start, have in common.
//
// The six parameters of a handler are machine registers that stay pinned from
// handler to handler; machine code uses the same ones, so changing tiers is a
// jump. `value` carries a result to a return address and is otherwise free.
// A handler ends in a tail call, whatever it does.
#pragma once

#include "interp/code.h"
#include "interp/thread.h"

#define HANDLER                                                                                \
  [[maybe_unused]] const uint32_t *pc, [[maybe_unused]] Word *fp, [[maybe_unused]] Thread *th, \
      [[maybe_unused]] Word *ap, [[maybe_unused]] const HandlerTable *table, [[maybe_unused]] Word value
#define REGISTERS pc, fp, th, ap, table, value
#define TAIL [[clang::musttail]] return
#define DISPATCH() TAIL table->handlers[*pc](REGISTERS)
#define NEXT(count) \
  do {              \
    pc += (count);  \
    DISPATCH();     \
  } while (0)
/// Ends the activation with the result in `value`.
#define RETURN_VALUE() TAIL reinterpret_cast<Handler>(fp[kReturnAddressSlot])(REGISTERS)
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

namespace fble {

/// The rest of Call1, Call2 or Call3, by its number of arguments: pushes a frame for
/// the function in `value`, which takes as many, and enters it.
Handler exact_call(uint32_t arity);

struct HandlerTable {
  Handler handlers[static_cast<size_t>(Op::kCount)];
};

// The native stack. Handlers tail-call each other, so the stack pointer is the same in all of them.
// Machine code moves it: its calls push their return addresses there too, besides writing them
// into frames, because the processor predicts a return from its pairing with a call and from nothing
// else. What is there is never needed. Whoever leaves machine code cuts it off, and a return whose
// address is not on top (its frame is older than that, or a collection replaced the address) cuts it off
// and jumps.

/// How C++ functions call a handler: with what the thread says, and with th->native_stack set until the
/// run ends. A run within a run has its native stack below that of the other.
void enter_handler(Handler handler, const uint32_t* pc, Word* fp, Thread& thread, Word* ap, Word value);

/// Code::native_entry of code that is not compiled: cuts the native stack off and goes on at Code::entry.
void leave_by_call();

}  // namespace fble
