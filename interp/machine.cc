#include "interp/machine.h"

#include <algorithm>

#include "interp/allocation_sampler.h"
#include "interp/carrier.h"

namespace fble {

namespace {

constexpr size_t kLeastStackBytes = size_t{64} << 10;

/// The memory of a call stack and of the native stack that goes with it.
struct StackMemory {
  Mapping call_stack;
  Mapping native;
};

/// Reserves the memory that the options ask for, or less if the system has less.
StackMemory reserve_stacks(const MachineOptions& options) {
  size_t bytes = options.stack_bytes;
  if (options.heap.max_bytes != 0) bytes = std::min(bytes, options.heap.max_bytes + kGuardSlots * sizeof(Word));
  // Each call takes three words of the call stack at least, and one of the native stack.
  constexpr size_t kNativeRoom = size_t{8} << 20;
  for (bytes = std::max(bytes, kLeastStackBytes); bytes >= kLeastStackBytes; bytes /= 2) {
    StackMemory memory{Mapping::not_zeroed(bytes), Mapping::not_zeroed((bytes / 3 + kNativeRoom) / 4096 * 4096)};
    if (memory.call_stack.begin() != nullptr && memory.native.begin() != nullptr) return memory;
  }
  system_out_of_memory();
}

}  // namespace

struct Machine::State {
  State(ProgramCode& program, const NativeTable& natives, const MachineOptions& options, StackMemory memory)
      : machine(program, natives, options),
        carrier(with_stack(machine, std::move(memory.call_stack)), std::move(memory.native)) {}

  /// The carrier needs the main thread's limits.
  static MachineState& with_stack(MachineState& machine, Mapping memory) {
    machine.scheduler.take_largest(std::move(memory));
    return machine;
  }

  MachineState machine;
  Carrier carrier;
};

Machine::Machine(ProgramCode& program, const NativeTable& natives, const MachineOptions& options)
    : state_(new State(program, natives, options, reserve_stacks(options))) {}

Machine::~Machine() = default;

bool Machine::run_modules() {
  Carrier& carrier = state_->carrier;
  for (ProgramCode::ModuleCode& module : carrier.machine.program.modules) {
    if (!carrier.run(module.body->function_value(), {})) return false;
    carrier.set_global(module.global, carrier.value);
    set_result(carrier.value);
  }
  return true;
}

bool Machine::call_result(std::span<const Word> args) {
  Carrier& carrier = state_->carrier;
  if (!carrier.run(result(), args)) return false;
  set_result(carrier.value);
  return true;
}

Word Machine::result() const { return state_->machine.kept[0]; }
void Machine::set_result(Word value) { state_->machine.kept[0] = value; }

size_t Machine::keep(Word value) {
  state_->machine.kept.push_back(value);
  return state_->machine.kept.size() - 1;
}
Word Machine::kept(size_t index) const { return state_->machine.kept[index]; }
void Machine::drop_kept() { state_->machine.kept.resize(1); }

IntForm Machine::int_form() const { return state_->machine.int_form; }
const RunError& Machine::error() const { return state_->carrier.error; }
Heap& Machine::heap() { return state_->machine.heap; }
void Machine::request_interrupt() { state_->carrier.request(Attention::kInterrupt); }
void Machine::request_dump() { state_->carrier.request(Attention::kDump); }
Carrier& Machine::carrier() { return state_->carrier; }
bool Machine::is_observed() const { return state_->machine.steps != nullptr; }
const ThreadStats& Machine::thread_stats() const { return state_->machine.scheduler.stats(); }
const SentCounter& Machine::sent() const { return state_->machine.scheduler.sent(); }
void Machine::observe_turns(std::function<void(TurnChoice&&)> note) {
  state_->machine.scheduler.turns().observe(std::move(note));
}
const Schedule& Machine::schedule() const { return state_->machine.scheduler.turns().departures(); }
const InstructionCounts& Machine::counts() const { return *state_->machine.counts; }
void Machine::sample_allocations(AllocationSampler* sampler) {
  Carrier& carrier = state_->carrier;
  AllocationSampler*& current = state_->machine.allocations;
  if (current != nullptr) current->leave_nursery(carrier.ap);
  current = sampler;
  if (current != nullptr) current->enter_nursery(carrier.ap);
  state_->machine.heap.set_survival_observer(current);
  carrier.restore_limits();
}
void Machine::set_observer(FrameObserver* observer) { state_->machine.observer = observer; }
ProgramCode& Machine::program() { return state_->machine.program; }

void Machine::collect_all() {
  Carrier& carrier = state_->carrier;
  carrier.value = 0;
  carrier.collect_all();
}

NativeCall Machine::begin_build() { return NativeCall(state_->carrier, nullptr, state_->carrier.ap); }
void Machine::end_build(const NativeCall& call) { state_->carrier.ap = call.allocation_pointer(); }

namespace {

/// Makes a function written in bytecode, for the lifetime of the process.
Word bytecode_function(const char* block, uint32_t arity, uint32_t frame_slots, std::vector<uint32_t> words) {
  Code* code = new Code;
  code->words = std::move(words);
  code->arity = arity;
  code->frame_slots = frame_slots;
  code->block = Symbol(block);
  code->is_glue = true;
  finish_code(*code);
  return code->function_value();
}

constexpr uint32_t word_of(Op op) { return static_cast<uint32_t>(op); }

}  // namespace

IoFunctions io_functions() {
  // return = (a, unit) { a; }   do = (m, f, unit) { f(m(unit), unit); }   run = (x) { x; }
  static const IoFunctions functions{
      bytecode_function("IoReturn!", 2, 2, {word_of(Op::kReturn), 0}),
      bytecode_function("IoDo!", 3, 4 + kHeaderSlots + 1,
                        {word_of(Op::kCall1), 0, 2, 3, 4 + kHeaderSlots, word_of(Op::kTailCall2), 1, 3, 2}),
      bytecode_function("IoRun!", 1, 1, {word_of(Op::kReturn), 0}),
  };
  return functions;
}

}  // namespace fble
