// Ways out of machine code: the jumps of guards and where they lead, and what else is rarely used.
// Tested by tests/unit/jit/x64/assemble_test.cc.
#include <algorithm>

#include "interp/offsets.h"
#include "jit/x64/lower.h"
#include "jit/x64/stubs.h"

namespace fble::x64 {

using namespace offsets;

using asmjit::imm;
namespace x86 = asmjit::x86;

Lowering::Exit& Lowering::exit_of(const InsPlan& plan) { return exits[static_cast<size_t>(plan.exit)]; }

/// Notes the displacement that has just been emitted as one that leads to the exit.
void Lowering::note_jump(Exit& exit) {
  if (!exit.pad.isValid()) exit.jumps.push_back(a_.offset() - 4);
}

void Lowering::leave_if(const InsPlan& plan, Condition condition) {
  Exit& exit = exit_of(plan);
  a_.long_().j(condition, exit.pad.isValid() ? exit.pad : exit.stub);
  note_jump(exit);
}

void Lowering::leave(const InsPlan& plan) {
  Exit& exit = exit_of(plan);
  a_.long_().jmp(exit.pad.isValid() ? exit.pad : exit.stub);
  note_jump(exit);
}

void Lowering::count_guard(const InsPlan& plan) {
  a_.sub(x86::dword_ptr(kThread, kExitFuel), 1);
  a_.long_().jz(exit_of(plan).stub);
}

/// Tests the exit's flag. It is after the code, where it is read here and written through the cache's other mapping.
void Lowering::test_flag(const InsPlan& plan) {
  Exit& exit = exit_of(plan);
  exit.flag = a_.newLabel();
  exit.has_flag = true;
  a_.cmp(x86::dword_ptr(exit.flag), 0);
  a_.long_().jnz(exit.stub);
}

/// Counts the pass of a deopt point. It changes only its counter, not even which registers are free:
/// a trace with it must be like one without it.
void Lowering::count_deopt_point(const IrIns& ins, const InsPlan& plan) {
  if (options_.deopt_point_countdowns == nullptr) {
    if (!options_.count_guards) count_guard(plan);
    return;
  }
  a_.push(q(kRax));
  a_.mov(q(kRax), imm(reinterpret_cast<uint64_t>(options_.deopt_point_countdowns + ins.n)));
  a_.sub(x86::dword_ptr(q(kRax)), 1);
  a_.pop(q(kRax));
  Exit& exit = exit_of(plan);
  if (options_.forcing_deopt_points == nullptr || options_.forcing_deopt_points[ins.n] == 0) {
    a_.long_().jz(exit.stub);
    return;
  }
  exit.force = a_.newLabel();
  exit.resume = a_.newLabel();
  a_.long_().jz(exit.force);
  a_.bind(exit.resume);
}

/// Emits what is rarely used: the entry of a function for the interpreter, pads, the stubs of forced frames, flags.
void Lowering::rest() {
  if (trace_.kind == TraceKind::kFunction) {
    door_ = a_.newLabel();
    a_.bind(door_);
    note_row(CodeRowKind::kDoor);
    emit_push_return_by_frame(a_);
    for (uint32_t k = 0; k < arguments_in_registers(trace_); ++k) {
      a_.mov(q(kArgumentRegisters[k]), x86::qword_ptr(kFp, slot_offset(static_cast<int32_t>(k))));
    }
    a_.jmp(start_);
  }
  exit_pads();
  for (size_t i = 0; i < exits.size(); ++i) {
    if (!exits[i].force.isValid()) continue;
    a_.bind(exits[i].force);
    note_exit(CodeRowKind::kForce, i);
    a_.push(imm(static_cast<int32_t>(i)));
    a_.call(imm(reinterpret_cast<uint64_t>(stubs_ + kForceCommon)));
    a_.jmp(exits[i].resume);
  }
  note_row(CodeRowKind::kFlags);
  for (Exit& exit : exits) {
    if (!exit.has_flag) continue;
    a_.align(asmjit::AlignMode::kZero, 4);
    a_.bind(exit.flag);
    a_.embedUInt32(0);
  }
}

/// Emits the sled of the exits (jit/x64/exit_site.h), the last exit first.
void Lowering::exit_stubs() {
  stubs_at_ = a_.offset();
  for (size_t i = exits.size(); i-- > 0;) {
    Exit& exit = exits[i];
    const IrIns& ins = trace_.ins[exit.ins];
    a_.bind(exit.stub);
    if (ins.op == IrOp::kCall) {
      FBLE_ASSERT(i + 1 == exits.size());
      note_exit(CodeRowKind::kExit, i, ins.n);
      a_.sub(kFp, imm(slot_offset(ins.n)));
      FBLE_ASSERT(a_.offset() == stubs_at_ + return_stub_bytes(ins.n));
    }
    note_exit(CodeRowKind::kExit, i);
    a_.push(x86::rsp);
    if (i % kSledExits != 0) continue;
    note_row(CodeRowKind::kExitEnd);
    const size_t start = a_.offset();
    a_.call(x86::qword_ptr(q(kTableRegister), kLeave));
    FBLE_ASSERT(a_.offset() == start + kSledCallBytes);
  }
}

}  // namespace fble::x64
