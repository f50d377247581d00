// Writing handlers: the macros that interpreter.cc, which has those of
// bytecodes, and intrinsics.cc, which has those of natives, share.
//
// The six parameters of a handler are machine registers that stay pinned from
// handler to handler; machine code uses the same ones, so changing tiers is a
// jump. `value` carries a result to a return address and is otherwise free.
// Every handler ends in a tail call.
#pragma once

#include "interp/call_frame.h"
#include "interp/carrier.h"
#include "interp/interpreter.h"

#define HANDLER                                                                                      \
  [[maybe_unused]] const uint32_t *pc, [[maybe_unused]] Word *fp, [[maybe_unused]] Carrier *carrier, \
      [[maybe_unused]] Word *ap, [[maybe_unused]] const HandlerTable *table, [[maybe_unused]] Word value
#define REGISTERS pc, fp, carrier, ap, table, value
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

/// Second half of Call1 to Call3, after the arity check: pushes a frame for the function in `value` and enters it.
/// `arity` is the number of arguments.
Handler exact_call(uint32_t arity);

}  // namespace fble
