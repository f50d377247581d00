// A machine: one program ready to run. It is the interface to the interpreter
// for the command line, tests and embedders.
//
// Tested by tests/unit/interp/interpreter_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gc/heap.h"
#include "interp/code.h"
#include "interp/foreign.h"
#include "interp/io_driver.h"
#include "interp/run_error.h"
#include "interp/thread_options.h"

namespace fble {

struct MachineOptions {
  HeapOptions heap;
  /// The address space for the main call stack, in bytes; depth is bounded by memory.
  size_t stack_bytes = size_t{64} << 30;
  /// How natives wait while other threads could run.
  IoKind io = IoKind::kUring;
  /// What sees each instruction, such as a profile, if not null; it outlives the machine. Runs are interpreted then.
  class StepObserver* steps = nullptr;
  /// If true, instructions are counted: MachineState::counts. Not together with `steps`.
  bool counts_instructions = false;
  ThreadOptions threads;
};

class AllocationSampler;
class InstructionCounts;
class SentCounter;
struct TurnChoice;
struct ThreadStats;

class Machine {
 public:
  Machine(ProgramCode& program, const NativeTable& natives, const MachineOptions& options = {});
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Evaluates all modules in order. Returns false after a run-time error.
  [[nodiscard]] bool run_modules();

  /// Calls the value of the last module, or the result of the last call, with
  /// the arguments, and keeps the result as `result`. Returns false after an
  /// error.
  [[nodiscard]] bool call_result(std::span<const Word> args);

  /// Returns the value of the last module or call.
  Word result() const;
  void set_result(Word value);

  /// Runs `body` like the body of a native with no arguments, for making
  /// values (the program's arguments, say). The word is kept by `keep` below.
  template <typename Body>
  Word build(Body&& body) {
    NativeCall call = begin_build();
    const Word value = body(call);
    end_build(call);
    return value;
  }
  /// Keeps words alive across collections; read them back with `kept`.
  size_t keep(Word value);
  Word kept(size_t index) const;
  void drop_kept();

  /// Returns the form of the program's integers.
  IntForm int_form() const;

  const RunError& error() const;
  Heap& heap();
  /// Collects all garbage (for measuring memory).
  void collect_all();
  /// Asks the run to end with the error "interrupted" at its next yield point. Safe in signal handlers and in other
  /// OS threads.
  void request_interrupt();
  /// Asks for the threads to be printed on standard error at the next yield point; likewise.
  void request_dump();
  Carrier& carrier();
  bool is_observed() const;
  const ThreadStats& thread_stats() const;
  /// What was sent over channels, if it is counted (interp/thread_params.def).
  const SentCounter& sent() const;
  /// Returns the turns of the last run that were not the usual ones.
  const Schedule& schedule() const;
  /// Shows all choices of turns to `note`.
  void observe_turns(std::function<void(TurnChoice&&)> note);
  ProgramCode& program();
  /// Returns how often each instruction ran. Requires MachineOptions::counts_instructions.
  const InstructionCounts& counts() const;
  /// Shows allocations from now on to `sampler` instead of the one before; null for none. The machine does not run.
  void sample_allocations(AllocationSampler* sampler);
  /// Gives the machine an observer that outlives it; null for none.
  void set_observer(class FrameObserver* observer);

 private:
  NativeCall begin_build();
  void end_build(const NativeCall& call);

  struct State;
  std::unique_ptr<State> state_;
};

/// The two functions of the Io monad and the identity, as code to be called
/// from Fble: Monad@ fields `return` and `do`, Io@ field `run`.
struct IoFunctions {
  Word return_function;
  Word do_function;
  Word run_function;
};
IoFunctions io_functions();

}  // namespace fble
