// Trace IR -> machine code and side table.
//
// Tested by tests/unit/jit/x64/assemble_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deopt/side_table.h"
#include "jit/abort_reasons.h"
#include "jit/ir/trace.h"
#include "jit/x64/code_cache.h"
#include "jit/x64/code_map.h"
#include "jit/x64/exit_site.h"

namespace fble {

/// The targets of jumps and calls from machine code to other code.
struct RuntimeEntries {
  /// The entry of code in the interpreter that checks the stack and requests for attention. It sets pc.
  Handler checked_entry = nullptr;
  /// The C++ side of an exit, which exit_number names: exit_state holds the registers; sets carrier.pc, fp and ap
  /// for the interpreter, which continues at carrier.table->handlers[*pc].
  void (*leave)(Carrier* carrier, const uint8_t* return_address, uint64_t pushes) = nullptr;
  /// Called with AssembleOptions::note_entry when the trace has been entered, with fp, value and the argument
  /// registers in exit_state.registers.
  void (*entered)(Carrier* carrier, uint32_t trace) = nullptr;
  /// Called at a deopt point that forces its frames, with the number of its exit, by code of its trace that
  /// continues at the return address. Registers are in exit_state, as at an exit. If the result is true, machine code
  /// continues with the registers in exit_state, else it leaves like an exit.
  bool (*force)(Carrier* carrier, const uint8_t* return_address, uint32_t exit) = nullptr;
  /// If true, C++ that machine code calls finds in machine_call (interp/whereabouts.h) where the call is.
  bool notes_calls = false;
  bool operator==(const RuntimeEntries&) const = default;
};

/// What a trace counts, if it is asked to.
struct PassCounters {
  uint64_t entries = 0;  ///< the times that it was entered
  uint64_t turns = 0;    ///< the times that the place after LoopStart was reached
};

struct AssembleOptions {
  /// If true, each guard first counts Carrier::exit_fuel down and leaves when it becomes 0.
  bool count_guards = false;
  /// If true, each exit gets a flag that makes its guard fail whatever the operands are.
  bool exit_flags = false;
  /// If true, the trace calls RuntimeEntries::entered.
  bool note_entry = false;
  /// By number of the deopt point: the remaining passes until it leaves. Null: deopt points count exit_fuel, like
  /// guards.
  uint32_t* deopt_point_countdowns = nullptr;
  /// By number of the deopt point: whether RuntimeEntries::force is called first when it leaves. Null: none.
  const uint8_t* forcing_deopt_points = nullptr;
  /// What the trace counts in, if not null.
  PassCounters* passes = nullptr;
  /// The counters of Trace::tallies. Null: the trace has none.
  TallyGroup* tallies = nullptr;
  /// Where the call at the end of the trace reads its target from, if not from its function (jit/x64/memo_code.h).
  /// Null: from the function.
  const void* const* call_target = nullptr;
  /// If true, AssembledTrace::origins is filled.
  bool keep_origins = false;
  /// If true, AssembledTrace::code_map is filled.
  bool keep_code_map = false;
  /// The choice of a register to spill; see SpillChoice in jit/x64/regalloc.h.
  std::function<int(uint32_t occupied)> spill;
  /// If true, the register allocator's result is checked (always on in debug builds).
  bool check_registers = false;
};

struct CodeOrigin {
  uint32_t offset;  ///< the offset of machine code from AssembledTrace::start
  uint32_t ins;     ///< index of the IR instruction
};

struct AssembledTrace {
  const uint8_t* start = nullptr;  ///< the entry of the trace, for machine code
  const uint8_t* door = nullptr;   ///< of a function: the entry for the interpreter; of others `start`
  const uint8_t* stubs = nullptr;  ///< the code that all traces of the cache share
  size_t code_bytes = 0;
  SideTableView side_table;  ///< behind the machine code, where its other readers find it (jit/x64/exit_site.h)
  size_t exit_bytes = 0;  ///< all that is there for the exits: side table, sites, and their stubs in the machine code
  std::vector<ExitSite> exits;  ///< in the order of the side table
  std::vector<CodeOrigin> origins;
  CodeMap code_map;                    ///< without rows unless it is asked for
  std::optional<AbortReason> failure;  ///< why there is no machine code, if there is none

  TraceCode code() const { return {start, code_bytes, side_table.exits, side_table.code}; }
};

/// Assembles a trace. Requires that the IR verifier accepts it, after jit/opt's passes.
AssembledTrace assemble(const Trace& trace, CodeCache& cache, const RuntimeEntries& runtime,
                        const AssembleOptions& options);

/// Returns the entry that runs machine code from C++: a Handler whose pc is the trace's first
/// instruction. It loads the registers without a role from Carrier::exit_state.
Handler trace_entry(const CodeCache& cache);

/// Returns what Carrier::exit_common must be.
const void* exit_common(const CodeCache& cache);

/// Sends a jump among ExitSite::jumps to the machine code at `target` instead of the exit's stub.
void redirect_jump(CodeCache& cache, const uint8_t* jump, const uint8_t* target);
/// Returns the present target of a jump among ExitSite::jumps.
const uint8_t* jump_target(const uint8_t* jump);

/// A dispatch table: an address for each tag of the packed union that is in a register.
struct DispatchNode {
  const uint8_t* start = nullptr;  ///< null: there was no room within reach
  const uint8_t* table = nullptr;
};
/// Installs a dispatch table. The width of the tag is at most 8. `scratch` is a free register. All tags lead to
/// `otherwise` at first.
DispatchNode install_dispatch(CodeCache& cache, int reg, int scratch, unsigned width, const uint8_t* otherwise);
void set_dispatch_target(CodeCache& cache, const uint8_t* table, uint32_t tag, const uint8_t* target);
/// Returns the memory of a dispatch table and its code, in bytes.
size_t dispatch_bytes(unsigned width);
/// Returns a register whose value the exit does not need, or -1.
int free_register(const ExitEntry& entry, int reg);

/// An instruction of machine code as text.
struct MachineRow {
  uint32_t offset;
  uint32_t bytes;
  std::string text;
  const uint8_t* target = nullptr;  ///< of a jump or call to a fixed address
};
/// Returns the instructions by Zydis. Every byte belongs to a row: those that are no instruction, and all of them
/// without Zydis, are rows too.
std::vector<MachineRow> list_machine_code(const uint8_t* start, size_t bytes);

/// Returns the name of the shared code (jit/x64/stubs.h) that a trace jumps to; "other code" if it is none.
std::string_view shared_code_name(const AssembledTrace& code, const uint8_t* target);

/// Returns a listing of machine code by Zydis, interleaved with its IR
/// instructions if origins are passed.
std::string disassemble(const uint8_t* start, size_t bytes, const Trace* trace, const std::vector<CodeOrigin>& origins);

}  // namespace fble
