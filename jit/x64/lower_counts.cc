// What machine code counts if it is asked to: its entries, the turns of its loop and the arms of selects
// (jit/engine/trace_counts.h). The turns are counted in a register that the loop leaves alone, if there is one. Then
// the exits of the loop have *pads*: they add the register to the counter in memory before they leave.
//
// Tested by tests/unit/jit/engine/trace_counts_test.cc.
#include <algorithm>

#include "interp/offsets.h"
#include "jit/x64/lower.h"
#include "jit/x64/stubs.h"

namespace fble::x64 {

using namespace offsets;

using asmjit::imm;
namespace x86 = asmjit::x86;

/// Returns a register that the loop leaves alone, for the number of its turns; none if turns are not counted, or are
/// counted in memory.
int Lowering::register_for_turns() const {
  const auto start = std::ranges::find(trace_.ins, IrOp::kLoopStart, &IrIns::op);
  // Exits for tests have jumps of their own.
  if (options_.passes == nullptr || options_.count_guards || options_.exit_flags || start == trace_.ins.end() ||
      std::ranges::find(trace_.ins, IrOp::kDeoptPoint, &IrIns::op) != trace_.ins.end()) {
    return kNoRegister;
  }
  const uint32_t used = used_registers(trace_, allocation_, static_cast<size_t>(start - trace_.ins.begin()));
  const auto* const free = std::ranges::find_if(kAllocatable, [&](int reg) { return (used & bit(reg)) == 0; });
  return free == std::end(kAllocatable) ? kNoRegister : *free;
}

/// Emits the pads of exits: those of a loop whose turns are counted in a register.
void Lowering::exit_pads() {
  for (size_t i = 0; i < exits.size(); ++i) {
    Exit& exit = exits[i];
    if (!exit.pad.isValid()) continue;
    a_.bind(exit.pad);
    note_exit(CodeRowKind::kExit, i);
    const auto address = reinterpret_cast<uint64_t>(&options_.passes->turns);
    if (fits_imm32(address)) {
      a_.add(x86::ptr_abs(address, 8), q(turns_register_));
    } else {
      const int other = turns_register_ == kRax ? kRcx : kRax;
      a_.push(q(other));
      a_.mov(q(other), imm(address));
      a_.add(x86::qword_ptr(q(other)), q(turns_register_));
      a_.pop(q(other));
    }
    a_.long_().jmp(exit.stub);
    exit.jumps.push_back(a_.offset() - 4);
  }
}

/// Increments the counter. Changes no register, only flags.
void Lowering::count_pass(const uint64_t* counter) {
  const auto address = reinterpret_cast<uint64_t>(counter);
  if (fits_imm32(address)) {
    a_.inc(x86::ptr_abs(address, 8));
    return;
  }
  a_.push(q(kRax));
  a_.mov(q(kRax), imm(address));
  a_.inc(x86::qword_ptr(q(kRax)));
  a_.pop(q(kRax));
}

void Lowering::tally(const IrIns& ins, const InsPlan& plan) {
  FBLE_ASSERT(options_.tallies != nullptr);
  const auto group = reinterpret_cast<uint64_t>(options_.tallies + ins.n);
  const bool is_near = fits_imm32(group) && fits_imm32(group + sizeof(TallyGroup));
  if (!is_near) a_.mov(q(plan.scratch[0]), imm(group));
  const auto counter = [&](int index, unsigned shift, int64_t offset) {
    return is_near ? x86::ptr_abs(group + static_cast<uint64_t>(offset), q(index), shift, 8)
                   : x86::qword_ptr(q(plan.scratch[0]), q(index), shift, static_cast<int32_t>(offset));
  };
  // The words of bits, 5 and 7, are half as far from one another as two counters are bytes.
  constexpr unsigned kShift = 2;
  constexpr int64_t kNo = 5 << kShift;
  if (ins.op == IrOp::kTallyBits) {
    const int sum = plan.scratch[1];
    a_.lea(d(sum), x86::ptr(q(plan.a.index), q(plan.b.index), 1));
    a_.inc(counter(sum, kShift, -3 * kNo));
    return;
  }
  if (exact_bits(ins.a) == 1) {
    a_.inc(counter(plan.a.index, kShift, -kNo));
    return;
  }
  constexpr uint32_t kTagBit = 1;
  a_.bt(d(plan.a.index), kTagBit);
  const uint64_t ones = group + sizeof(uint64_t);
  a_.adc(is_near ? x86::ptr_abs(ones, 8) : x86::qword_ptr(q(plan.scratch[0]), sizeof(uint64_t)), 0);
}

}  // namespace fble::x64
