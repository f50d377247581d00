// Trace IR -> machine code and side table.
//
// Tested by tests/unit/jit/x64/assemble_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "deopt/side_table.h"
#include "jit/abort_reasons.h"
#include "jit/ir/trace.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// What machine code jumps to and calls outside of itself.
struct RuntimeEntries {
  /// A code's entry in the interpreter that checks the stack and looks at what asks for attention.
  Handler checked_entry = nullptr;
  /// C++ side of an exit: exit_state holds the registers; sets thread.pc, fp and ap for the
  /// interpreter, which goes on at thread.table->handlers[*pc].
  void (*leave)(Thread* thread, uint32_t exit_id) = nullptr;
  /// With AssembleOptions::note_entry: the trace has been entered, with fp and value in
  /// exit_state.registers.
  void (*entered)(Thread* thread, uint32_t trace) = nullptr;
  /// A mark whose frames somebody wants to see. Registers are in exit_state, as at an exit; machine code
  /// goes on at the result, with the registers as they are there, or leaves like an exit if it is null.
  const void* (*force)(Thread* thread, uint32_t exit_id) = nullptr;
};

struct AssembleOptions {
  uint32_t first_exit_id = 0;  ///< exit i of the trace gets id first_exit_id + i
  /// Each guard first counts Thread::exit_fuel down and leaves when it becomes 0.
  bool count_guards = false;
  /// Each exit gets a flag that makes its guard fail whatever the operands are.
  bool exit_flags = false;
  /// Tell RuntimeEntries::entered.
  bool note_entry = false;
  /// By number of the mark: passes to go until it leaves. Null: marks count exit_fuel, like guards.
  uint32_t* mark_countdowns = nullptr;
  /// By number of the mark: whether RuntimeEntries::force comes first when it is its turn. Null: none.
  const uint8_t* forcing_marks = nullptr;
  /// Fill AssembledTrace::origins.
  bool keep_origins = false;
  /// See SpillChoice in jit/x64/regalloc.h.
  std::function<int(uint32_t occupied)> spill;
  /// Check the register allocator's result (always on in debug builds).
  bool check_registers = false;
};

/// One way out of a trace, for the engine.
struct ExitSite {
  /// Addresses (where they are executed) of the 32-bit displacements that lead to the exit
  /// stub, to be redirected when a bridge is linked.
  std::vector<const uint8_t*> jumps;
  const uint8_t* stub = nullptr;
  bool is_return = false;  ///< of a call: `jumps` is the one in its return stub
  bool is_yield = false;   ///< the row has effect y: no bridge starts here
  // The guard and where its first operand is, if it has one: what is known to be
  // false at the start of a bridge.
  IrOp guard = IrOp::kExit;
  Location operand;
  int32_t n = 0;
  uint32_t m = 0;
  /// With AssembleOptions::exit_flags, where the flag is: a 32-bit word, 0 at first. Null for
  /// calls, and for exits that are always taken.
  const uint8_t* flag = nullptr;
  /// Of a mark: where machine code goes on if it does not leave.
  const uint8_t* resume = nullptr;
  bool settled = false;  ///< Snapshot::settled: where the guard holds its exit must not be believed
  uint32_t steps = 0;    ///< Snapshot::steps
};

struct CodeOrigin {
  uint32_t offset;  ///< of machine code from AssembledTrace::start
  uint32_t ins;     ///< index of the IR instruction
};

struct AssembledTrace {
  const uint8_t* start = nullptr;  ///< where the trace is entered
  size_t code_bytes = 0;
  SideTable side_table;
  std::vector<ExitSite> exits;  ///< in the order of the side table
  std::vector<CodeOrigin> origins;
  std::optional<AbortReason> failure;  ///< why nothing was made, if nothing was
};

/// Requires a trace that the IR verifier accepts, after jit/opt's passes.
AssembledTrace assemble(const Trace& trace, CodeCache& cache, const RuntimeEntries& runtime,
                        const AssembleOptions& options);

/// Runs machine code from C++: a Handler whose pc is the trace's first instruction. What the trace
/// starts from is in Thread::exit_state, and goes to the registers that have no role.
Handler trace_entry(const CodeCache& cache);

/// Sends a jump among ExitSite::jumps to the machine code at `target` instead of the exit's stub.
void redirect_jump(CodeCache& cache, const uint8_t* jump, const uint8_t* target);
/// Where a jump among ExitSite::jumps leads now.
const uint8_t* jump_target(const uint8_t* jump);

/// A node of many ways: a table with an address for each tag of the packed union that is in a register.
struct DispatchNode {
  const uint8_t* start = nullptr;  ///< null: there was no room, or none in reach
  const uint8_t* table = nullptr;
};
/// Width of the tag at most 8. `scratch` is a register that is free. All tags lead to `otherwise` at first.
DispatchNode install_dispatch(CodeCache& cache, int reg, int scratch, unsigned width, const uint8_t* otherwise);
void set_dispatch_target(CodeCache& cache, const uint8_t* table, uint32_t tag, const uint8_t* target);
/// A register that holds nothing that the exit needs, or -1.
int free_register(const ExitEntry& entry, int reg);

/// A listing of machine code by Zydis, with the IR instructions that it comes from
/// interleaved when origins are given.
std::string disassemble(const uint8_t* start, size_t bytes, const Trace* trace, const std::vector<CodeOrigin>& origins);

}  // namespace fble
