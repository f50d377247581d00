// A thread of execution: its call stack, its heap, and what stops it.
//
// The call stack is one contiguous, growing area. Interpreter and machine code
// share its frame layout, slot for slot:
//
//            caller's slots ...
//   fp[-3]   closure that runs            (fp[-3] -> Code: who runs here)
//   fp[-2]   bytecode return position     the truth for collection, deopt and traces
//   fp[-1]   native return address        where to jump on return, a Handler
//   fp[0]..  arguments, then locals, then the callee's header and arguments
//
// The instruction before the return position is the call; its last two words
// are the slot for the result and the distance between the two frames. So no
// slot holds a stack address, and the caller's frame is `fp - pc[-1]`.
//
// Watermark. After a collection all frames hold old pointers only, and frames
// that do not run do not change. The native return address of one frame is
// replaced by a barrier: frames below it are clean and a minor collection does
// not look at them. When the barrier is returned through, it moves down.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "gc/heap.h"
#include "interp/code.h"
#include "interp/exit_state.h"
#include "interp/foreign.h"
#include "interp/machine.h"

namespace fble {

inline constexpr int kHeaderSlots = 3;
inline constexpr int kClosureSlot = -3;
inline constexpr int kReturnPositionSlot = -2;
inline constexpr int kReturnAddressSlot = -1;

/// Why a thread should look up at its next yield point.
enum class Attention : int { kNone = 0, kInterrupt = 1, kYield = 2 };

/// An object or global that holds placeholders of recursive values (gc/object.h).
struct Pending {
  Object* object;  ///< null for a global
  uint32_t global;
};

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
  /// The stack pointer of handlers during a run (interp/handler.h).
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
  std::vector<Word> global_words;
  std::vector<uint32_t> dirty_globals;
  std::vector<Word> kept;
  std::vector<uint64_t> mark_passes;  ///< by number of the mark: how often it was interpreted
  /// What virtual values are made of while a collection makes room for them (deopt/materialize.h).
  std::vector<Word> exit_roots;

  std::vector<Pending> pending;
  std::vector<size_t> group_marks;  ///< size of `pending` at each open Declare
  uint64_t next_placeholder = 1;

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
    machine_stack_limit = group_marks.empty() ? stack_limit : nullptr;
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

  void note_pending(Object* object) { pending.push_back({object, 0}); }
  void set_global(uint32_t index, Word word);

  /// Ends a group of recursive values: see Op::kDefine. Index of a vacuous
  /// variable, or -1.
  int define_group(uint32_t count, Word* slots, const uint32_t* value_slots, Word* frame);

  /// Code that calls with `held` arguments of a partial application and `rest` new ones.
  Code* apply_held_code(uint32_t held, uint32_t rest) {
    if (held < kGlueSizes && rest < kGlueSizes && apply_held_[held][rest] != nullptr) return apply_held_[held][rest];
    return make_apply_held_code(held, rest);
  }
  /// Code that waits for a function and then applies it to `count` left over arguments.
  Code* apply_rest_code(uint32_t count) {
    Code* known = known_apply_rest_code(count);
    return known != nullptr ? known : make_apply_rest_code(count);
  }
  /// The same if it has been made and is for few arguments, else null.
  Code* known_apply_rest_code(uint32_t count) const { return count < kGlueSizes ? apply_rest_[count] : nullptr; }
  /// Where that goes on once it has the function, in words from its start.
  static constexpr uint32_t kApplyRestPosition = 5;
  Code* run_code(uint32_t count);
  /// All code that there is: the program's, glue, natives and those of io_functions.
  template <typename Visit>
  void for_each_code(Visit&& visit) {
    for (Code& code : program.codes) visit(code);
    for (Code& code : glue_) visit(code);
    const IoFunctions io = io_functions();
    for (const Word function : {io.return_function, io.do_function, io.run_function}) {
      visit(*closure_code(as_object(function)));
    }
  }
  /// The function value or computed value of a native; 0 if there is none.
  const Code* native_code(const ForeignRef& ref, const NativeRow& row);

 private:
  void raise_with(const Loc* loc, const std::string& message);
  const std::vector<int>& waiting_slots(Word* frame, const uint32_t* position);
  void visit_running_frame(Collector& collector);
  Word* visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count);
  void give_back_stack();
  void find_int_form();
  Code* make_apply_held_code(uint32_t held, uint32_t rest);
  Code* make_apply_rest_code(uint32_t count);
  /// What waiting_slots has found lately, by position.
  struct WaitingSlots {
    const uint32_t* position = nullptr;
    std::vector<int> slots;
  };
  std::array<WaitingSlots, 64> waiting_slots_;
  std::deque<Code> glue_;
  /// Glue for small numbers of arguments, once it has been made, to find it at
  /// once; all of it is in the maps.
  static constexpr uint32_t kGlueSizes = 8;
  Code* apply_held_[kGlueSizes][kGlueSizes] = {};
  Code* apply_rest_[kGlueSizes] = {};
  std::map<std::pair<uint32_t, uint32_t>, Code*> all_apply_held_;
  std::map<uint32_t, Code*> all_apply_rest_;
  std::vector<Code*> run_;
  std::unordered_map<std::string, Code*> native_codes_;
};

/// Slots whose values are needed when the instruction at the position is about to run.
const std::vector<uint32_t>& live_slots(Code& code, const uint32_t* position);

/// What is known of a code object's live slots (interp/liveness.cc).
struct Liveness {
  std::vector<uint32_t> index;             ///< by word offset: 1 + index into `live`, or 0
  std::deque<std::vector<uint32_t>> live;  ///< for each position asked for
  size_t set_words = 0;
  std::vector<uint32_t> kept;  ///< offsets whose sets are kept, descending
  std::vector<uint64_t> sets;  ///< `set_words` for each of `kept`

  /// The set that is kept for the offset; empty if none is.
  std::span<const uint64_t> set_at(uint32_t offset) const;
};

/// Sets `entry` and `start` of code whose words are complete.
void finish_code(Code& code);

/// The interpreter's entry for C++: runs from the position until Halt or an error.
void enter_interpreter(Thread& thread, const uint32_t* pc, Word* fp);

/// The native return addresses that the interpreter uses.
Handler interpreter_return();
Handler watermark_return();
Handler handler_of(Op op);
/// An entry for code that looks its first instruction up in the current table of handlers.
Handler entry_by_table();

}  // namespace fble
