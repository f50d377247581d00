// The interface from the interpreter up to the compiler.
//
// The interpreter counts calls of functions that have no machine code yet
// (`counted_entry`) and calls the engine when one is hot. The compiler may then install
// the table of recording handlers, which shows it every instruction before it runs. All
// other transfers between the two use Code::entry and the return addresses of call
// frames.
#pragma once

namespace fble {

struct Code;
struct Carrier;

class EngineHooks {
 public:
  virtual ~EngineHooks() = default;

  /// Called when the code's counter has reached zero at a call: pc is at its
  /// start, its frame is complete. A yield point: may collect. Sets the counter
  /// anew, or the entry.
  virtual void on_hot_function(Carrier& carrier, Code& code) = 0;

  /// Called before each instruction while recording_handlers are in use: carrier.pc is about to run.
  virtual void on_step(Carrier& carrier) = 0;

  /// Called when the run has ended, by a result or an error.
  virtual void on_run_end(Carrier& carrier) = 0;
};

}  // namespace fble
