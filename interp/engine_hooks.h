// The door from the interpreter up to the compiler.
//
// The interpreter counts calls of functions that have no machine code yet
// (`counted_entry`) and tells when one is hot. The compiler may then put the table
// of recording handlers in place, which shows it every instruction before it
// runs. Everything else between the two goes through Code::entry and the
// return addresses of call frames.
#pragma once

#include "interp/thread.h"

namespace fble {

class EngineHooks {
 public:
  virtual ~EngineHooks() = default;

  /// The code's counter has run out at a call: pc is at its start, its frame is
  /// complete. A yield point: may collect. Sets the counter anew, or the entry.
  virtual void on_hot_function(Thread& thread, Code& code) = 0;

  /// While recording_handlers are in use: the instruction at thread.pc is about to run.
  virtual void on_step(Thread& thread) = 0;

  /// The run has ended, by a result or an error.
  virtual void on_run_end(Thread& thread) = 0;
};

const HandlerTable& plain_handlers();
const HandlerTable& recording_handlers();
/// They run Thread::steps_to_go instructions. Then the thread's pc, fp and ap are set, steps_to_go is
/// UINT32_MAX, and whoever entered the interpreter gets the control back.
const HandlerTable& stepping_handlers();

/// Runs thread.steps_to_go instructions from thread.pc, fewer after an error.
void run_steps(Thread& thread);

/// An instruction that ends the run, for when C++ has raised an error where the
/// interpreter goes on at thread.pc; `frame` is what thread.fp must be then.
const uint32_t* stop_position();
Word* stop_frame();

/// Entries of code that machine code may call: both check the stack.
Handler checked_entry();
Handler counted_entry();

}  // namespace fble
