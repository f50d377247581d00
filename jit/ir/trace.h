// A trace: its start, its instructions, and the state to restore at each exit.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "deopt/side_table.h"
#include "interp/machine_position.h"
#include "interp/machine_registers.h"
#include "interp/stepped_run.h"
#include "jit/ir/ir.h"
#include "jit/ir/memo_table.h"

namespace fble {

/// The ways to enter a trace.
///
///   kFunction      by a call: fp is the new frame, the closure is in its slot. The first arguments are in registers
///                  (kArgumentRegisters) and not in their slots, the others are in their slots.
///                  The entry compares fp + extent with Carrier::machine_stack_limit.
///   kBridge        from a failed guard of its parent, with the registers, spill
///                  slots and frame slots at that guard
///   kContinuation  from a call's return: fp is the callee's frame, `value` the result;
///                  all other values are in frame slots. The root frame is `callee_base` slots below.
enum class TraceKind : uint8_t { kFunction, kBridge, kContinuation };

/// A call frame as in the interpreter.
struct SnapshotFrame {
  Code* code = nullptr;
  /// The position. Innermost frame: the next instruction. Others: the return
  /// position, after their call.
  const uint32_t* pc = nullptr;
  int32_t base = 0;        ///< first slot, counted from the root frame; 0 for that itself
  bool in_memory = false;  ///< its header is already right
  /// The closure, unless in_memory. The root frame is not in_memory if an inlined
  /// tail call has replaced it: then its closure is written at exits, but never its
  /// return words.
  IrRef closure = kNoRef;
};

struct SnapshotSlot {
  int32_t slot;
  IrRef ref;
  uint8_t facts = 0;  ///< ValueFact bits that hold at the guard
};

/// The interpreter's state at a guard. Slots that are live (interp/liveness.cc) in
/// one of the frames and not listed are already right in memory. Slots that are in
/// memory may be listed all the same, with the `slot` instruction that read them,
/// for their facts and for the register that may still hold them. The arguments that a function gets in registers are
/// always listed where they are live (jit/ir/ir_verify.h). At a call, the
/// innermost frame's pc is the return position, and only such slots are listed:
/// the stores before the call have written all live slots; the slot of the result
/// is not listed.
struct Snapshot {
  std::vector<SnapshotFrame> frames;  ///< outermost (the root) first
  std::vector<SnapshotSlot> slots;    ///< ascending
  /// If true, the snapshot has facts that follow from the guard's failure
  /// (jit/opt/fold.cc), so the guard must not be made to fail where it holds
  /// (--deopt-every).
  bool settled = false;
  /// The number of bytecode instructions that the interpreter runs from the trace's start to here.
  uint32_t steps = 0;
};

/// A value that a bridge starts with.
struct Inherited {
  Location location;  ///< register, spill slot or constant
};

/// Facts about a value that the instructions do not show: those that a bridge's
/// parent has checked, and those that hold in every turn of a loop.
struct Assumption {
  IrRef ref;  ///< a slot, inherit, result or phi
  Facts facts;
};

/// A bytecode instruction that the recording went through.
struct TraceStep {
  Code* code = nullptr;  ///< null if the instruction is not run by the trace: it leaves the native to a call
  const uint32_t* pc = nullptr;
  Code* native = nullptr;  ///< a native that the instruction calls, if its body is not a step of its own
};

/// The counters of an instruction `tally` or `tally_bits`: one for each value of bit a + 2 * bit b. `tally` counts in
/// the one for 1, and may do so in the one for 0.
using TallyGroup = std::array<uint64_t, 4>;

/// What a select runs of which both arms are computed (jit/record/straight_select.h), or a select inside of its arms.
/// For exact counts: an instruction counts how often the tag was 1 when the program came to the select.
struct ArmTally {
  struct Step {
    const Code* code = nullptr;
    const uint32_t* pc = nullptr;
    bool is_run = true;  ///< false: the trace has it as a step, but this arm runs another instruction in its place
    bool operator==(const Step&) const = default;
  };
  uint32_t step = 0;          ///< of the trace, which is the select
  uint32_t outer = 0;         ///< the tally of the select around it, an earlier one; itself if there is none
  uint32_t arm = 0;           ///< the arm of that
  uint32_t group = 0;         ///< of counters
  uint8_t ones = 1 << 1;      ///< a bit for each counter of the group that counts a tag of 1
  std::vector<Step> runs[2];  ///< by tag: what the arm runs, without the arms of selects inside of it
};

struct Trace {
  uint32_t id = 0;
  TraceKind kind = TraceKind::kFunction;
  /// The code of the root frame (of the function, for kFunction).
  Code* code = nullptr;
  uint32_t parent = 0;  ///< bridges, continuations: id of the trace left
  uint32_t parent_exit = 0;
  /// The number of slots that the entry must check for: those of all frames, outgoing
  /// arguments included. Bridges and continuations have a stack_check if they need more
  /// than their tree's root.
  uint32_t extent = 0;
  uint32_t callee_base = 0;  ///< kContinuation
  std::vector<Inherited> inherited;
  std::vector<IrIns> ins;
  std::vector<Snapshot> snapshots;
  std::vector<Assumption> assumptions;
  /// The activations that the recording went through, the root frame's first; none for traces made from text.
  std::vector<InlineSite> sites;
  uint32_t steps = 0;             ///< bytecode instructions of the recording; of a loop: of one turn
  std::vector<MemoTable*> memos;  ///< those in which the trace looks; they outlive its machine code
  /// The remembered calls, and the selects of which both arms are computed, ascending. Snapshot::steps counts each as
  /// one instruction.
  std::vector<WholeStep> whole_steps;
  /// The instructions of the recording; none for traces made from text.
  std::vector<TraceStep> path;
  /// What `tally` and `tally_bits` count; none for traces made from text.
  std::vector<ArmTally> tallies;
  uint32_t tally_groups = 0;  ///< groups of counters

  IrIns& at(IrRef ref) { return ins[index_of(ref)]; }
  const IrIns& at(IrRef ref) const { return ins[index_of(ref)]; }
};

/// Returns the number of arguments that are in registers when machine code calls the function.
inline uint32_t arguments_in_registers(const Code& function) {
  return std::min(function.arity, static_cast<uint32_t>(kArgumentRegisters.size()));
}
/// Returns the number of arguments that are in registers when the trace begins, and not in their slots.
inline uint32_t arguments_in_registers(const Trace& trace) {
  return trace.kind == TraceKind::kFunction ? arguments_in_registers(*trace.code) : 0;
}

/// Returns whether the instruction is the `slot` of such an argument.
inline bool is_register_argument(const Trace& trace, const IrIns& ins) {
  return ins.op == IrOp::kSlot && ins.n >= 0 && static_cast<uint32_t>(ins.n) < arguments_in_registers(trace);
}

/// Returns whether the instruction may leave because the program fails there: a division by zero, say.
/// Then it must leave even if its result is not needed. (Others leave because the result has to be
/// computed in another way.)
bool may_be_error(const Trace& trace, const IrIns& ins);

}  // namespace fble
