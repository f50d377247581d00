// Register allocation: decides where each value of a trace is, at each instruction.
//
// A trace is a straight line, so one forward walk with perfect knowledge of the future
// is enough: when registers run out, the value whose next use is farthest away loses
// its register (Belady). Three properties of our traces make this work better than the
// general case:
//
//  * Most values have a home: constants, and frame slots, which stay valid until
//    something is stored there. Such a value is loaded when an instruction needs it in
//    a register and dropped without a store. Other values are stored to a spill slot
//    once, when they lose their register: values do not change. An argument that came
//    in a register is stored to its own slot instead.
//  * No value lives across a call: a call ends the trace.
//  * Exits need values *somewhere*, not in registers. A snapshot loads no value,
//    and a value that only snapshots mention is the first to lose its register.
//    Sunk instructions are not computed; a mention of one counts as a mention of
//    its operands.
//
// The result is a plan, plain data that lowering translates to instructions
// without decisions. regalloc_check.h checks a plan.
//
// Loops. loop_back must restore the state of loop_start: variables in the places of
// their `phi`, invariants where they were. Its exit reads the state after these moves if they
// keep all values that it needs. Invariants that lose their register inside
// are found by trying: the walk is repeated with those values in memory when the loop
// is entered.
//
// Tested by tests/unit/jit/x64/regalloc_test.cc.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "jit/abort_reasons.h"
#include "jit/ir/trace.h"
#include "jit/x64/regs.h"

namespace fble::x64 {

struct Move {
  enum class Kind : uint8_t {
    kCopy,  ///< to: register, spill or slot; from: these, or a constant
    kSwap,  ///< two registers
  };
  Kind kind = Kind::kCopy;
  Location to;
  Location from;
};

/// The plan of one instruction. Operands are registers, or constants that are
/// immediate operands; elements of lists may also be in memory.
struct InsPlan {
  /// The moves before the instruction, one after the other. At call, tail_call
  /// and loop_back they include the moves of the instruction itself. They are made
  /// before the exit's state is read, but not at a loop_back without `leaves_late`.
  uint32_t moves_begin = 0;
  uint32_t moves_end = 0;
  Location a;
  Location b;
  uint32_t list_begin = 0;  ///< into Allocation::operands. An object of the same group that
  uint32_t list_end = 0;    ///< is made later is kVirtual, with the number of its instruction
  Register result = kNoRegister;
  Register scratch[3] = {kNoRegister, kNoRegister, kNoRegister};
  int32_t exit = -1;      ///< into Allocation::exits
  Location exit_operand;  ///< the place of `a` at that exit
  /// If true, there is nothing to do: the result is not needed, or is already in place.
  bool skip = false;
  /// Of a loop_back: its moves keep all that its exit needs, and the exit finds that where they
  /// have put it. So the test for leaving can be the jump to the loop's head.
  bool leaves_late = false;
};

struct Allocation {
  std::vector<InsPlan> plans;  ///< by instruction
  std::vector<Location> operands;
  std::vector<Move> moves;
  std::vector<ExitEntry> exits;  ///< in the order of their instructions
  uint32_t spill_slots = 0;      ///< used, counted from 0
  /// By instruction: of a packed_field, the layout of its struct if a layout_is before has found it; else 0.
  std::vector<Word> layouts;
  std::optional<AbortReason> failure;  ///< why there is no plan, if there is none
};

/// Chooses for tests (--chaos) a register, out of those in the mask, that is taken from its
/// value before an instruction; none if the result is negative.
using SpillChoice = std::function<int(uint32_t occupied)>;

Allocation allocate_registers(const Trace& trace, const SpillChoice& spill = {});

/// Returns false for guards that obviously always hold.
bool can_leave(const IrIns& ins);

/// Returns whether the instruction writes its result after its last chance to leave: then
/// the result may be in the register of an operand that only the exit still needs.
bool writes_result_last(IrOp op);

/// Returns whether the value exists when the trace begins, wherever it is mentioned first.
inline bool is_start_value(IrOp op) {
  return op == IrOp::kConstant || op == IrOp::kSlot || op == IrOp::kInherit || op == IrOp::kResult;
}

/// Returns the number of arguments that a call or tail call passes in registers.
inline size_t arguments_in_registers(const IrIns& call) {
  return std::min(call.list.size(), kArgumentRegisters.size());
}

/// Returns the code of the closure that the instruction calls, if it is known; else null.
Code* called_code(const Trace& trace, const IrIns& ins);

/// Changes the exit's locations to where their values are after the parallel moves. Returns false,
/// and changes nothing, if the moves overwrite one of the values.
bool move_exit(ExitEntry& exit, const std::vector<Move>& moves);

/// Returns the registers, a bit for each, that the instructions from `first` on use or that their exits read. Calls are
/// not looked at: they end the trace.
uint32_t used_registers(const Trace& trace, const Allocation& allocation, size_t first);

/// Orders parallel moves. `spare` is a free place, a register or spill slot, that opens
/// circles.
void order_moves(std::vector<Move>& moves, const Location& spare, std::vector<Move>& ordered);

inline Location in_register(int reg) { return {LocationKind::kRegister, reg, 0}; }
inline Location in_spill(int32_t index) { return {LocationKind::kSpill, index, 0}; }
inline Location in_slot(int32_t slot) { return {LocationKind::kSlot, slot, 0}; }
inline Location constant_location(Word word) { return {LocationKind::kConstant, 0, word}; }
inline bool is_register(const Location& location) { return location.kind == LocationKind::kRegister; }
inline bool is_constant(const Location& location) { return location.kind == LocationKind::kConstant; }
inline bool fits_imm32(Word word) {
  return static_cast<int64_t>(word) == static_cast<int32_t>(static_cast<int64_t>(word));
}

}  // namespace fble::x64
