// The interface of the interpreter: its entries, and the addresses that calls and returns jump to. The
// handlers are in interpreter.cc and intrinsics.cc; handler.h explains how to write one.
//
// Tested by tests/unit/interp/interpreter_test.cc and by all of tests/lang.
#pragma once

#include <cstddef>

#include "interp/code.h"
#include "interp/cpu.h"
#include "interp/native_stack.h"

namespace fble {

/// The table with a handler for each opcode.
struct HandlerTable {
  /// Called by machine code, which has the table in a register, to leave: the shortest call there is.
  void (*leave)() = &leave_by_sled;
  Handler handlers[static_cast<size_t>(Op::kCount)];
};

/// Returns the handlers of runs that are neither observed nor recorded nor counted.
const HandlerTable& plain_handlers();
/// Returns the handlers of the machine's runs while they are not recorded: plain, observing or counting.
const HandlerTable& usual_handlers(const MachineState& machine);
/// Makes plain_handlers those for a processor with these extensions. The start of the process does it for the one at
/// hand; tests also try others. Requires: no run is under way, and this processor has the extensions.
void choose_handlers(const CpuExtensions& present);
/// Returns handlers that show each instruction to the engine before it runs (interp/engine_hooks.h).
const HandlerTable& recording_handlers();
/// Returns handlers that run SteppedRun::steps_to_go instructions. Then they set the carrier's pc, fp and
/// ap, set steps_to_go to UINT32_MAX and return to the C++ function that entered the interpreter.
const HandlerTable& stepping_handlers();

/// Returns the plain handler of the opcode.
Handler handler_of(Op op);

/// Runs from the position until Halt or an error, with the usual handlers.
void enter_interpreter(Carrier& carrier, const uint32_t* pc, Word* fp);

/// Continues at carrier.pc and fp, after a switch or an unwinding: delivers carrier.value as the result of the running
/// native, or if that is 0 runs the instruction there.
void resume_interpreter(Carrier& carrier);

/// Runs carrier.stepped.steps_to_go instructions from carrier.pc, fewer after an error. Those of a whole step, which
/// carrier.stepped.whole_steps has, count as one.
void run_steps(Carrier& carrier);

/// Return the entries of code (Code::entry). By table: looks the first instruction up in the current
/// table of handlers. Checked: for callers in machine code, which leave the check of the stack to
/// the callee. Counted: checked, and counts Code::hotness down to the call of
/// EngineHooks::on_hot_function.
Handler entry_by_table();
Handler checked_entry();
Handler counted_entry();
/// The entry of natives for machine code (leave_by_native_call): counts Code::hotness down likewise. Calls of the
/// interpreter are not counted, since it needs no frame for most of them. Hidden, so that the assembler of
/// interp/native_stack.cc can jump to it.
FBLE_HANDLER_CC __attribute__((visibility("hidden"))) void native_call_entry(const uint32_t* pc, Word* fp,
                                                                             Carrier* carrier, Word* ap,
                                                                             const HandlerTable* table, Word value);
/// Returns the entry of intrinsics that counts their calls (interp/instruction_counts.h).
Handler counted_intrinsic_entry();

/// Return the native return addresses of the interpreter: to the caller's frame, and through the
/// watermark (interp/call_stack.h).
Handler interpreter_return();
Handler watermark_return();

/// Returns an instruction that ends the run, for errors that C++ raises where the
/// interpreter would resume at carrier.pc. Requires that carrier.fp is `stop_frame`
/// then.
const uint32_t* stop_position();
Word* stop_frame();

}  // namespace fble
