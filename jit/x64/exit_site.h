// Exits of a trace, as the engine sees them, and where their bytes are.
//
// The exits of a trace share one way to the engine, the *sled*: pushes of one byte, one after the other, that end in
// a call. An exit is a place in it. So the number of pushes says which exit it is, and the call's return address
// which trace. Each push stores the stack pointer itself, so its word is the address above it: no other word on the
// native stack (interp/native_stack.h) is, and the pushes can be counted.
//
//   of a call    sub fp, distance   (a return leaves in the caller's frame; its exit is the last)
//   exit 17      push rsp
//   exit 16      push rsp
//                call [rdi]         rdi has the table of handlers: HandlerTable::leave
//   exit 15      push rsp           kSledExits in each group but the first
//   ...
//   exit 0       push rsp
//                call [rdi]
//   the code's end
//                sites
//                side table (deopt/side_table.h)
//
// A site has what a link, a bridge or a log must know of an exit. Its first byte is the guard, with the register if its
// operand is kept and is in one; bit 7 is set unless the exit has exactly one jump. Then follow
//
//   IsPacked, TagIs,    the operand's place, if it is no register
//   TagFrom
//   TagIs, TagFrom      the tag n, in the upper half its width m (15: 15 or more, the rest follows)
//   deopt_point         n
//   all but yield       the jumps: their number unless it is one, then the distance of each from the one before, in
//   points              zigzag; of the first of all from the code's start
//
// (Operands and numbers of other guards are not kept, nor jumps that are never redirected. The n of a call is found at
// its jump: interp/native_stack.h.)
//
// Tested by tests/unit/jit/x64/exit_site_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "deopt/side_table.h"
#include "interp/native_stack.h"
#include "jit/ir/ir.h"

namespace fble {

/// An exit of a trace. The fields up to `m` are kept, with the exceptions above; the rest is known when the trace has
/// been assembled.
struct ExitSite {
  /// The addresses (where they are executed) of the 32-bit displacements that lead to the
  /// exit stub. They are redirected when a bridge is linked.
  std::vector<const uint8_t*> jumps;
  const uint8_t* stub = nullptr;
  // The guard and the place of its first operand, if it has one: the condition
  // that is false at the start of a bridge.
  IrOp guard = IrOp::kExit;
  Location operand;
  int32_t n = 0;
  uint32_t m = 0;
  uint32_t ins = 0;  ///< index of the IR instruction
  /// With AssembleOptions::exit_flags, the address of the flag: a 32-bit word, 0 at first.
  /// Null for calls, and for exits that are always taken.
  const uint8_t* flag = nullptr;
  bool settled = false;  ///< Snapshot::settled: where the guard holds, its exit is not valid
  uint32_t steps = 0;    ///< Snapshot::steps

  /// Returns whether it is that of a call: `jumps` is the one in its return stub.
  bool is_return() const { return guard == IrOp::kCall; }
  /// Returns whether the row has effect y: no bridge starts here.
  bool is_yield() const;
};

/// The machine code of a trace in the code cache, with what is behind it.
struct TraceCode {
  const uint8_t* start = nullptr;
  size_t bytes = 0;
  uint32_t exits = 0;
  Code* code = nullptr;  ///< Trace::code, from which its side table starts
  const uint8_t* end() const { return start + bytes; }
};

inline constexpr uint32_t kSledExits = 16;
inline constexpr uint32_t kSledGroupBytes = kSledExits + kSledCallBytes;

/// Returns the number of the exit that came to the call with this return address after this number of pushes.
inline uint32_t exit_number(const TraceCode& code, const uint8_t* return_address, uint64_t pushes) {
  const auto group = static_cast<uint32_t>(code.end() - return_address) / kSledGroupBytes;
  return group * kSledExits + static_cast<uint32_t>(pushes) - 1;
}
/// Returns the place of the exit in the sled.
inline const uint8_t* place_in_sled(const TraceCode& code, uint32_t exit) {
  return code.end() - exit / kSledExits * kSledGroupBytes - kSledCallBytes - exit % kSledExits - 1;
}
/// Returns the bytes of the instruction before the sled with which a return goes back to the caller's frame, `slots`
/// below.
size_t return_stub_bytes(int32_t slots);

/// Appends what is kept of the sites, in order.
void store_sites(std::span<const ExitSite> sites, const uint8_t* start, std::vector<uint8_t>& bytes);
/// Returns what is kept of an exit of a trace. The memory of `site` is reused.
void load_site(const TraceCode& code, uint32_t exit, ExitSite& site);
ExitSite load_site(const TraceCode& code, uint32_t exit);
/// Returns the trace's side table, which follows the last site.
SideTableView side_table_of(const TraceCode& code);

}  // namespace fble
