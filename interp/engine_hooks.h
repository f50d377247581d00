// The door from the interpreter up to the compiler.
//
// The interpreter counts calls of functions that have no machine code yet
// (`counted_entry`) and calls the engine when one is hot. The compiler may then put the
// table of recording handlers in place, which shows it every instruction before it
// runs. Everything else between the two goes through Code::entry and the
// return addresses of call frames.
#pragma once

namespace fble {

struct Code;
struct Thread;

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

}  // namespace fble
