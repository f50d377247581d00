#include "interp/machine.h"

#include "interp/thread.h"

namespace fble {

struct Machine::State {
  Thread thread;
  Word result = 0;
};

Machine::Machine(ProgramCode& program, const NativeTable& natives, const MachineOptions& options)
    : state_(new State{.thread{program, natives, options}}) {
  state_->thread.kept.push_back(kUnitWord);  // slot 0 is the result
}

Machine::~Machine() = default;

bool Machine::run_modules() {
  Thread& thread = state_->thread;
  for (ProgramCode::ModuleCode& module : thread.program.modules) {
    if (!thread.run(module.body->function_value(), {})) return false;
    thread.set_global(module.global, thread.value);
    set_result(thread.value);
  }
  return true;
}

bool Machine::call_result(std::span<const Word> args) {
  Thread& thread = state_->thread;
  if (!thread.run(result(), args)) return false;
  set_result(thread.value);
  return true;
}

Word Machine::result() const { return state_->thread.kept[0]; }
void Machine::set_result(Word value) { state_->thread.kept[0] = value; }

size_t Machine::keep(Word value) {
  state_->thread.kept.push_back(value);
  return state_->thread.kept.size() - 1;
}
Word Machine::kept(size_t index) const { return state_->thread.kept[index]; }
void Machine::drop_kept() { state_->thread.kept.resize(1); }

IntForm Machine::int_form() const { return state_->thread.int_form; }
const RunError& Machine::error() const { return state_->thread.error; }
Heap& Machine::heap() { return state_->thread.heap; }
Thread& Machine::thread() { return state_->thread; }
ProgramCode& Machine::program() { return state_->thread.program; }

void Machine::collect_all() {
  Thread& thread = state_->thread;
  thread.value = 0;
  thread.ap = thread.heap.collect_all(thread.ap, thread);
  thread.restore_limits();
}

NativeCall Machine::begin_build() { return NativeCall(state_->thread, nullptr, state_->thread.ap); }
void Machine::end_build(const NativeCall& call) { state_->thread.ap = call.allocation_pointer(); }

namespace {

/// A function written in bytecode, for the lifetime of the process.
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
