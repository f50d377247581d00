// The state that all threads and carriers of a machine share.
// Tested by tests/unit/interp/interpreter_test.cc and tests/unit/interp/scheduler_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gc/heap.h"
#include "interp/code.h"
#include "interp/glue.h"
#include "interp/instruction_counts.h"
#include "interp/io_driver.h"
#include "interp/machine.h"
#include "interp/recursive_group.h"
#include "interp/scheduler.h"
#include "interp/thread_store.h"

namespace fble {

class AllocationSampler;
class EngineHooks;
class FrameObserver;
class MachinePositions;
class StepObserver;

/// Nothing in it depends on the position of a thread. It lives as long as the machine and does not move, so carriers
/// keep its address and that of the globals. The objects that its pointers refer to outlive it, or set them to null.
struct MachineState {
  MachineState(ProgramCode& program, const NativeTable& natives, const MachineOptions& options);
  MachineState(const MachineState&) = delete;

  ProgramCode& program;
  const NativeTable& natives;
  IoDriver io;          ///< before the heap, whose resources use it
  ThreadStore threads;  ///< likewise
  Heap heap;
  Globals globals;  ///< always program.global_count words
  GlueCode glue;
  const std::unique_ptr<InstructionCounts> counts;  ///< null unless instructions are counted
  FrameVisitor frames;
  VirtualThread main;  ///< the thread that runs begin in
  Scheduler scheduler;
  uint32_t code_epoch = 0;      ///< counts how often machine code was forgotten that frames may return to
  uint32_t yield_distance = 0;  ///< limits are this far away at most, in words (--threads-yield); 0 for as usual
  bool has_boundaries = false;  ///< some glue has one: unwinding looks for frames of it
  IntForm int_form = IntForm::kUnions;
  StepObserver* const steps;                     ///< sees each instruction, if not null
  EngineHooks* engine = nullptr;                 ///< the compiler, if there is one
  const MachinePositions* positions = nullptr;   ///< of the machine code, if there is a compiler
  AllocationSampler* allocations = nullptr;      ///< samples them, if there is one
  FrameObserver* observer = nullptr;             ///< called at each `# deopt-here! force`, if there is one
  size_t unmarked_globals = 0;                   ///< the first globals, which a marking has not visited yet
  std::vector<Word> kept;                        ///< roots that Machine::keep has made; the first is the result
  std::vector<uint64_t> deopt_point_passes;      ///< for each of program.deopt_points, how often it was interpreted
  std::vector<std::vector<Word>*> rooted_words;  ///< one for each RootedWords that exists

  /// Visits kept words, and the globals that have been written since the last collection.
  void visit_roots(Collector& collector);
  /// A marking visits all globals in steps, since a large program has many. begin_globals comes first; mark_globals
  /// visits some more in proportion to `count` and returns whether none is left. Those that are written meanwhile are
  /// visited by collections.
  void begin_globals() { unmarked_globals = globals.words.size(); }
  bool mark_globals(Collector& collector, size_t count);

  /// Calls `visit(code)` for all code: the program's, glue, natives and that of io_functions.
  template <typename Visit>
  void for_each_code(Visit&& visit) {
    for (Code& code : program.codes) visit(code);
    glue.for_each(visit);
    const IoFunctions io = io_functions();
    for (const Word function : {io.return_function, io.do_function, io.run_function}) {
      visit(*closure_code(as_object(function)));
    }
  }
};

/// Keeps the words of a vector as roots for its own lifetime.
class RootedWords {
 public:
  RootedWords(MachineState& machine, std::vector<Word>& words) : machine_(machine), words_(words) {
    machine_.rooted_words.push_back(&words_);
  }
  ~RootedWords() { std::erase(machine_.rooted_words, &words_); }
  RootedWords(const RootedWords&) = delete;
  RootedWords& operator=(const RootedWords&) = delete;

 private:
  MachineState& machine_;
  std::vector<Word>& words_;
};

}  // namespace fble
