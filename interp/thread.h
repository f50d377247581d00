// A thread of execution: its call stack (interp/call_frame.h), its heap, and what stops it.
//
// Watermark. After a collection all frames hold old pointers only, and frames
// that do not run do not change. The native return address of one frame is
// replaced by a barrier: frames below it are clean and a minor collection does
// not look at them. When the barrier is returned through, it moves down.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "gc/heap.h"
#include "interp/call_frame.h"
#include "interp/exit_state.h"
#include "interp/glue.h"
#include "interp/machine.h"
#include "interp/recursive_group.h"
#include "interp/run_error.h"

namespace fble {

/// Why a thread should look up at its next yield point.
enum class Attention : int { kNone = 0, kInterrupt = 1, kYield = 2 };

class EngineHooks;
class FrameObserver;

struct Thread final : RootReporter {
  Thread(ProgramCode& program, const NativeTable& natives, const MachineOptions& options);
  ~Thread() override;
  Thread(const Thread&) = delete;

  // What machine code and handlers reach through the pinned thread register.
  Word* alloc_limit = nullptr;
  Word* stack_limit = nullptr;
  Word* globals = nullptr;
  /// What entries of machine code compare with: stack_limit, but 0 while a group of
  /// recursive values is being defined, since machine code expects defined values.
  Word* machine_stack_limit = nullptr;
  /// The handlers in use: plain, profiling or recording.
  const HandlerTable* table = nullptr;
  /// Guards to pass until one is made to fail (--deopt-every).
  uint32_t exit_fuel = 0;
  /// The stack pointer of handlers during a run (interp/native_stack.h).
  void* native_stack = nullptr;
  ExitState exit_state;

  // State at a yield point: valid while C++ helpers run, and between runs.
  const uint32_t* pc = nullptr;
  Word* fp = nullptr;
  Word* ap = nullptr;
  Word value = 0;  ///< result of a run; 0 after an error

  Heap heap;
  Profile* const profile;         ///< null when none is wanted
  EngineHooks* engine = nullptr;  ///< the compiler, if there is one
  FrameObserver* observer = nullptr;
  ProgramCode& program;
  const NativeTable& natives;
  IntForm int_form = IntForm::kUnions;
  Globals program_globals;
  GlueCode glue;
  std::vector<Word> kept;
  std::vector<uint64_t> mark_passes;  ///< by number of the mark: how often it was interpreted
  /// What virtual values are made of while a collection makes room for them (deopt/materialize.h).
  std::vector<Word> exit_roots;

  RecursiveGroups groups;

  Word* stack_base = nullptr;
  void* native_stack_begin = nullptr;
  void* stacks = nullptr;  ///< the mapping of both
  size_t stacks_bytes = 0;
  Word* real_stack_limit = nullptr;
  Word* soft_stack_limit = nullptr;      ///< where to collect next for the sake of the watermark
  Word* stack_high_water = nullptr;      ///< pages of the stack from here on hold no memory, or were never used
  Word* stack_given_back_end = nullptr;  ///< of all that was ever given back
  size_t wanted_stack_slots = 0;         ///< so much was used again after it had been given back: it is kept
  Word* watermark_fp = nullptr;
  Word* unmarked_fp = nullptr;  ///< during marking: the topmost frame whose callers are not marked yet
  Handler watermark_return_address = nullptr;

  // For trying things out (deopt/shadow_check.h).
  bool no_collections = false;  ///< make_room fails instead, without an error
  uint32_t steps_to_go = 0;     ///< of stepping_handlers

  /// Words that somebody else keeps, to be visited by collections.
  std::vector<std::vector<Word>*> more_roots;

  std::atomic<int> attention{0};
  RunError error;

  /// Runs `func` on the arguments to the end. False after an error.
  bool run(Word func, std::span<const Word> args);

  /// Called from any thread or a signal handler.
  void request(Attention reason);

  /// Sets the limits that handlers compare with to what they are when nothing
  /// asks for attention.
  void restore_limits() {
    alloc_limit = heap.limit();
    stack_limit = soft_stack_limit;
    machine_stack_limit = groups.any_open() ? nullptr : stack_limit;
    // A request that came before this is not lost: either it sees the limits
    // above and clears them, or it is seen here.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (attention.load() != 0) alloc_limit = stack_limit = machine_stack_limit = nullptr;
  }
  /// Lets the stack grow by a step beyond `top`.
  void raise_soft_stack_limit(const Word* top);

  void report_roots(Collector& collector, bool minor) override;
  void roots_are_old() override;
  size_t stack_bytes() const override;
  void begin_frames(Collector& collector) override;
  bool report_frames(Collector& collector, size_t count) override;

  /// Fills `error` with the trace of the current position; pc and fp are set.
  void raise(const std::string& message);
  void raise_at(const Loc& loc, const std::string& message);
  void raise_out_of_memory(const char* what);
  void raise_interrupted();

  /// Collects so that `words` words fit at `ap`. False, with an error, if that fails.
  bool make_room(size_t words);

  void set_global(uint32_t index, Word word);

  /// All code that there is: the program's, glue, natives and those of io_functions.
  template <typename Visit>
  void for_each_code(Visit&& visit) {
    for (Code& code : program.codes) visit(code);
    glue.for_each(visit);
    const IoFunctions io = io_functions();
    for (const Word function : {io.return_function, io.do_function, io.run_function}) {
      visit(*closure_code(as_object(function)));
    }
  }

 private:
  void raise_with(const Loc* loc, const std::string& message);
  const std::vector<int>& waiting_slots(Word* frame, const uint32_t* position);
  void visit_running_frame(Collector& collector);
  Word* visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count);
  void give_back_stack();
  void find_int_form();
  /// What waiting_slots has found lately, by position.
  struct WaitingSlots {
    const uint32_t* position = nullptr;
    std::vector<int> slots;
  };
  std::array<WaitingSlots, 64> waiting_slots_;
};

}  // namespace fble
