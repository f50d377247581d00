// Code maps: from machine code to the source, with the calls that are inlined there.
//
// Machine code forgets where it comes from. A code map is kept for those who ask for it: a profiler that finds the
// processor in the middle of a trace, a debugger, a viewer. It has a row for each piece of machine code, in the order
// of addresses, so every byte of the trace belongs to one row:
//
//   offset   what               of           activation   bytecode          frame register
//        0   entry                           f            f+0               root frame
//       12   instruction        %3 is_less   f            f+5               root frame
//       25   instruction        %4 field     g in f       g+0, f+17         root frame
//       40   instruction        %9 call      f            f+23              root frame
//       58   instruction        %9 call      f            f+23              the callee's
//       64   return             %9 call      f            f+28              the callee's
//       69   exit 0             %3 is_less   f            f+5               root frame
//
// The register that holds fp is the root frame's except where a call has moved it already, and where the return from a
// call has not moved it back. With a row, the stack is complete at each byte of machine code: the activations of the
// row, then the frames below the root frame, whose return positions are in memory or beside the return addresses on the
// native stack (interp/native_stack.h).
//
// Tested by tests/unit/jit/x64/code_map_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "interp/machine_position.h"

namespace fble {

struct Trace;

enum class CodeRowKind : uint8_t {
  kEntry,        ///< the checks of an entry, before the first instruction
  kInstruction,  ///< of the IR
  kReturn,       ///< where a call returns to
  kDoor,         ///< the entry for the interpreter
  kExit,         ///< the stub of an exit
  kExitEnd,      ///< the end of a group of stubs
  kForce,        ///< the stub of a deopt point that forces its frames
  kFlags,        ///< no code: the flags of exits
};

struct CodeRow {
  uint32_t offset = 0;  ///< from the trace's start; the row extends to that of the next one
  CodeRowKind kind = CodeRowKind::kEntry;
  uint32_t index = 0;            ///< kInstruction, kReturn: of the IR instruction; kExit, kForce: of the exit
  uint32_t site = 0;             ///< into CodeMap::sites; kNoSite: one of several
  const uint32_t* pc = nullptr;  ///< bytecode position in the site's code; never null if there is a site
  int32_t fp_slots = 0;          ///< the slots that the register for fp is above the root frame
  const Code* native = nullptr;  ///< that the instruction calls, or null
};

/// The rows are ascending, none is empty, and the first begins at 0. There is a site.
struct CodeMap {
  const uint8_t* start = nullptr;
  uint32_t bytes = 0;
  uint32_t trace = 0;  ///< its number
  std::vector<CodeRow> rows;
  std::vector<InlineSite> sites;

  /// Returns the row of the byte. Requires: offset < bytes. Safe in signal handlers.
  const CodeRow& row_at(uint32_t offset) const;
  /// Returns the same as a place in bytecode.
  MachinePosition position_at(uint32_t offset) const;
};

/// Makes a map of rows that assembling has noted, ascending: leaves out the empty ones, and completes those without a
/// position.
CodeMap make_code_map(const Trace& trace, const uint8_t* start, size_t bytes, std::vector<CodeRow> rows);

/// Returns why the map breaks one of its rules, or empty.
std::string code_map_problem(const CodeMap& map);

/// Returns a line for each row, for tests and people.
std::string to_text(const CodeMap& map);

const char* code_row_kind_text(CodeRowKind kind);

}  // namespace fble
