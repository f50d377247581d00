// /Std/Io/Thread%: threads and scopes. Channels are in channel.cc.
//
// Within, Attempt, Ensure and Shield run functions of the program, so they are bytecode: glue with a boundary
// (interp/boundary.h) that calls the natives here.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#include <initializer_list>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "interp/boundary.h"
#include "interp/machine.h"
#include "interp/machine_state.h"
#include "interp/scheduler.h"

namespace fble {
namespace {

constexpr const char* kThread = "/Std/Io/Thread%";

Scheduler& scheduler(NativeCall& call) { return call.machine().scheduler; }

// ---- what the glue calls ----------------------------------------------------

/// OpenScope : (Unit@) { Scope@; }
Word open_scope(NativeCall& call) {
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  auto scope = std::make_unique<Scope>();
  scheduler(call).open(call.carrier(), *scope);
  return call.make_native(std::move(scope));
}

/// CloseScope, AbandonScope : (Scope@) { Unit@; }
template <bool kIsAbandoned>
Word close_scope(NativeCall& call) {
  return scheduler(call).close(call.carrier(), *handle_resource<Scope>(call.arg(0)), kIsAbandoned).value_or(kUnitWord);
}

/// Unwind : (Scope@) { Unit@; }, or of any other word where the boundary has no scope. Never returns.
Word unwind(NativeCall& call) {
  return scheduler(call).unwind_again(call.carrier(), handle_resource<Scope>(call.arg(0)));
}

/// TakeError : (Unit@) { Result@<A@>; }
Word take_error(NativeCall& call) {
  const Unwinding unwinding = scheduler(call).take_pending(call.carrier());
  return make_error(call, unwinding.error.first_line());
}

constexpr NativeRow kOpenScope = {kThread, "OpenScope", 1, NativeEffect::kWritesWorld, open_scope};
constexpr NativeRow kCloseScope = {kThread, "CloseScope", 1, NativeEffect::kMayBlock, close_scope<false>};
constexpr NativeRow kAbandonScope = {kThread, "AbandonScope", 1, NativeEffect::kMayBlock, close_scope<true>};
constexpr NativeRow kUnwind = {kThread, "Unwind", 1, NativeEffect::kWritesWorld, unwind};
constexpr NativeRow kTakeError = {kThread, "TakeError", 1, NativeEffect::kWritesWorld, take_error};

// ---- glue -------------------------------------------------------------------

/// Writes the code of a function with a boundary, instruction by instruction.
class GlueWriter {
 public:
  GlueWriter(GlueCode& glue, Code& code, uint32_t arity, uint32_t slots) : glue_(glue), code_(code), slots_(slots) {
    code.arity = arity;
    constexpr uint32_t kMostArguments = 2;
    code.frame_slots = slots + kHeaderSlots + kMostArguments;
  }

  /// The offset of the next instruction.
  uint32_t here() const { return static_cast<uint32_t>(code_.words.size()); }
  /// Calls the function in a slot.
  void call(uint32_t func, uint32_t argument, uint32_t result) {
    append({static_cast<uint32_t>(Op::kCall1), func, argument, result, slots_ + kHeaderSlots});
  }
  /// Calls a native; `result` is a slot that is free.
  void call_native(const NativeRow& row, uint32_t argument, uint32_t result) {
    append({static_cast<uint32_t>(Op::kFunction), result, static_cast<uint32_t>(code_.functions.size())});
    code_.functions.push_back(glue_.native({row.module, row.name, {}}, row));
    call(result, argument, result);
  }
  void unit(uint32_t result) {
    append({static_cast<uint32_t>(Op::kConstant), result, static_cast<uint32_t>(code_.constants.size())});
    code_.constants.push_back(kUnitWord);
  }
  /// A union value of two tags.
  void make_union(uint32_t tag, uint32_t argument, uint32_t result) {
    append({static_cast<uint32_t>(Op::kUnion), result, tag, tag_width(2), argument});
  }
  void move(uint32_t from, uint32_t to) { append({static_cast<uint32_t>(Op::kMove), to, from}); }
  void give(uint32_t slot) { append({static_cast<uint32_t>(Op::kReturn), slot}); }

 private:
  void append(std::initializer_list<uint32_t> words) { code_.words.insert(code_.words.end(), words); }

  GlueCode& glue_;
  Code& code_;
  const uint32_t slots_;
};

/// The code of a function with a boundary; `write(writer)` writes it and returns the boundary.
template <typename Write>
Word boundary_function(NativeCall& call, const char* name, uint32_t arity, uint32_t slots, Write&& write) {
  MachineState& machine = call.machine();
  machine.has_boundaries = true;
  const Code* code = machine.glue.function(name, [&](Code& made) {
    GlueWriter writer(machine.glue, made, arity, slots);
    made.boundary = std::make_unique<const Boundary>(write(writer));
  });
  return code->function_value();
}

/// Within : <@ A@>((Scope@) { External@<A@>; } body) { External@<A@>; }
Word within(NativeCall& call) {
  enum : uint32_t { kBody, kUnit, kScope, kResult, kFree, kSlots };
  return boundary_function(call, "IoWithin!", 2, kSlots, [](GlueWriter& write) {
    Boundary boundary;
    write.call_native(kOpenScope, kUnit, kScope);
    boundary.guarded_from = write.here();
    write.call(kBody, kScope, kBody);
    write.call(kBody, kUnit, kResult);
    write.call_native(kCloseScope, kScope, kFree);
    boundary.guarded_to = write.here();
    // So the scope is live, for the landing pad, up to the end of the guarded part.
    write.move(kScope, kFree);
    write.give(kResult);
    boundary.landing_pad = boundary.shielded_from = write.here();
    write.call_native(kAbandonScope, kScope, kFree);
    boundary.shielded_to = write.here();
    write.call_native(kUnwind, kScope, kFree);
    write.give(kFree);
    return boundary;
  });
}

/// Attempt : <@ A@>(External@<A@> action) { External@<Result@<A@>>; }
Word attempt(NativeCall& call) {
  enum : uint32_t { kAction, kUnit, kResult, kSlots };
  return boundary_function(call, "IoAttempt!", 2, kSlots, [](GlueWriter& write) {
    Boundary boundary{.catches_errors_only = true};
    write.call(kAction, kUnit, kResult);
    boundary.guarded_to = write.here();
    write.make_union(0, kResult, kResult);
    write.give(kResult);
    boundary.landing_pad = write.here();
    write.unit(kUnit);
    write.call_native(kTakeError, kUnit, kResult);
    write.give(kResult);
    return boundary;
  });
}

/// Ensure : <@ A@>(External@<A@> action, External@<Unit@> cleanup) { External@<A@>; }
Word ensure(NativeCall& call) {
  enum : uint32_t { kAction, kCleanup, kUnit, kResult, kFree, kSlots };
  return boundary_function(call, "IoEnsure!", 3, kSlots, [](GlueWriter& write) {
    Boundary boundary;
    write.call(kAction, kUnit, kResult);
    boundary.guarded_to = boundary.shielded_from = write.here();
    write.call(kCleanup, kUnit, kFree);
    write.give(kResult);
    boundary.landing_pad = write.here();
    write.unit(kUnit);
    write.call(kCleanup, kUnit, kFree);
    boundary.shielded_to = write.here();
    write.call_native(kUnwind, kUnit, kFree);
    write.give(kFree);
    return boundary;
  });
}

/// Shield : <@ A@>(External@<A@> action) { External@<A@>; }
Word shield(NativeCall& call) {
  enum : uint32_t { kAction, kUnit, kSlots };
  return boundary_function(call, "IoShield!", 2, kSlots, [](GlueWriter& write) {
    write.call(kAction, kUnit, kAction);
    const uint32_t end = write.here();
    write.give(kAction);
    return Boundary{.shielded_to = end};
  });
}

// ---- values -----------------------------------------------------------------

/// External : Monad@<External@>
Word external(NativeCall& call) {
  if (!call.reserve(object_words(3))) return kOutOfMemory;
  const IoFunctions functions = io_functions();
  const Word monad[] = {kUnitWord, functions.return_function, functions.do_function};
  return call.make_struct(monad);
}

/// Io : Io@<External@>
Word io(NativeCall& call) {
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  const Word fields[] = {io_functions().run_function};
  return call.make_struct(fields);
}

// ---- threads ----------------------------------------------------------------

/// Fork : (Scope@ scope)<@ A@>(External@<A@> action) { External@<Task@<A@>>; }
Word fork_thread(NativeCall& call) {
  Scope* scope = handle_resource<Scope>(call.arg(0));
  if (scope == nullptr) return fail_handle(call, call.arg(0), "scope");
  if (scope->owner == nullptr) return call.fail("the scope has ended");
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  std::unique_ptr<Task> task(new (call.machine().threads) Task);
  task->thread = &scheduler(call).start(call.carrier(), *scope, call.arg(1));
  task->thread->task = task.get();
  return call.make_native(std::move(task));
}

/// Join : <@ A@>(Task@<A@> task) { External@<A@>; }
Word join(NativeCall& call) {
  Task* task = handle_resource<Task>(call.arg(0));
  if (task == nullptr) return fail_handle(call, call.arg(0), "task");
  switch (task->outcome) {
    case TaskOutcome::kDone: return task->value;
    case TaskOutcome::kFailed: return call.fail("the thread to join has failed: " + task->failure);
    case TaskOutcome::kStopped: return call.fail("the thread to join was stopped");
    case TaskOutcome::kNone: break;
  }
  return scheduler(call).park(call.carrier(), task->waiting, Wait::kJoin);
}

/// Stop : <@ A@>(Task@<A@> task) { External@<Unit@>; }
Word stop_thread(NativeCall& call) {
  Task* task = handle_resource<Task>(call.arg(0));
  if (task == nullptr) return fail_handle(call, call.arg(0), "task");
  if (task->thread == nullptr) return kUnitWord;
  scheduler(call).stop(*task->thread);
  return scheduler(call).park(call.carrier(), task->waiting, Wait::kJoin);
}

/// Yield : External@<Unit@>
Word yield_thread(NativeCall& call) { return scheduler(call).yield(call.carrier()); }

constexpr NativeRow kRows[] = {
    {kThread, "External", 0, NativeEffect::kPure, external},
    {kThread, "Io", 0, NativeEffect::kPure, io},
    {kThread, "Within", 0, NativeEffect::kPure, within},
    {kThread, "Attempt", 0, NativeEffect::kPure, attempt},
    {kThread, "Ensure", 0, NativeEffect::kPure, ensure},
    {kThread, "Shield", 0, NativeEffect::kPure, shield},
    {kThread, "Fork", 3, NativeEffect::kWritesWorld, fork_thread},
    {kThread, "Join", 2, NativeEffect::kMayBlock, join},
    {kThread, "Stop", 2, NativeEffect::kMayBlock, stop_thread},
    {kThread, "Yield", 1, NativeEffect::kMayBlock, yield_thread},
};

}  // namespace

std::span<const NativeRow> thread_natives() { return kRows; }

}  // namespace fble
