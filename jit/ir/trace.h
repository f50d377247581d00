// A trace: where it starts, its instructions, and what to restore where it can be left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deopt/side_table.h"
#include "jit/ir/ir.h"

namespace fble {

/// How a trace is entered.
///
///   kFunction      by a call: fp is the new frame, arguments and closure are in their slots.
///                  The entry compares fp + extent with Thread::machine_stack_limit.
///   kBridge        from a failed guard of its parent, with the registers, spill
///                  slots and frame slots that the guard left behind
///   kContinuation  from a call's return: fp is the callee's frame, `value` the result;
///                  all else is in frame slots. The root frame is `callee_base` slots below.
enum class TraceKind : uint8_t { kFunction, kBridge, kContinuation };

/// A call frame as the interpreter would have it.
struct SnapshotFrame {
  Code* code = nullptr;
  /// Innermost frame: the instruction to go on with. Others: the return position,
  /// behind their call.
  const uint32_t* pc = nullptr;
  int32_t base = 0;        ///< first slot, counted from the root frame; 0 for that itself
  bool in_memory = false;  ///< its header is as it should be
  /// If not in_memory. The root frame is not when an inlined tail call has replaced
  /// it: then its closure is to be written, but never its return words.
  IrRef closure = kNoRef;
};

struct SnapshotSlot {
  int32_t slot;
  IrRef ref;
  uint8_t facts = 0;  ///< ValueFact bits that hold at the guard
};

/// The interpreter's state at a guard. Slots that are live (interp/liveness.cc)
/// in one of the frames and not listed are in memory as they should be. Slots
/// that are in memory may be listed all the same, with the `slot` instruction that
/// read them: for the sake of what is known of them, and of the register that
/// may still hold them. At a call, the innermost frame's pc is the return
/// position, and nothing but such slots is listed: the stores before the call
/// have written all that is live; the slot of the result is not listed.
struct Snapshot {
  std::vector<SnapshotFrame> frames;  ///< outermost (the root) first
  std::vector<SnapshotSlot> slots;    ///< ascending
  /// It tells what follows from the guard's failing (jit/opt/fold.cc), so the guard
  /// must not be made to fail where it holds (--deopt-every).
  bool settled = false;
  /// Bytecode instructions that the interpreter runs from the trace's start to here.
  uint32_t steps = 0;
};

/// A value that a bridge starts with.
struct Inherited {
  Location location;  ///< register, spill slot or constant
};

/// What is known of a value for reasons that the instructions do not show: what a
/// bridge's parent has checked, what holds in every turn of a loop.
struct Assumption {
  IrRef ref;  ///< a slot, inherit, result or phi
  Facts facts;
};

struct Trace {
  uint32_t id = 0;
  TraceKind kind = TraceKind::kFunction;
  /// Code of the root frame (of the function, for kFunction).
  Code* code = nullptr;
  uint32_t parent = 0;  ///< bridges, continuations: id of the trace left
  uint32_t parent_exit = 0;
  /// Slots that the entry must make sure of: of all frames, outgoing arguments included.
  /// Bridges and continuations have a stack_check if they need more than their tree's root.
  uint32_t extent = 0;
  uint32_t callee_base = 0;  ///< kContinuation
  std::vector<Inherited> inherited;
  std::vector<IrIns> ins;
  std::vector<Snapshot> snapshots;
  std::vector<Assumption> assumptions;
  uint32_t steps = 0;  ///< bytecode instructions of the recording; of a loop: of one turn

  IrIns& at(IrRef ref) { return ins[index_of(ref)]; }
  const IrIns& at(IrRef ref) const { return ins[index_of(ref)]; }
};

/// Whether the instruction may leave because the program fails there: a division by zero, say. Then it
/// has to leave even if nobody needs its result. (Others leave where the result is made in another way.)
bool may_be_error(const Trace& trace, const IrIns& ins);

}  // namespace fble
