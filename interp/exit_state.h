// The registers that the common exit code saves, and the spill slots. Both are kept in the carrier.
#pragma once

#include "gc/value.h"
#include "interp/machine_registers.h"

namespace fble {

inline constexpr uint32_t kSpillSlots = 256;

struct ExitState {
  Word registers[kRegisterCount];  ///< by number
  Word spill[kSpillSlots];         ///< spill slots live here while machine code runs, too

  Word& at(RegisterRole role) { return registers[register_of(role)]; }
  Word at(RegisterRole role) const { return registers[register_of(role)]; }
  /// Returns the root frame of the trace; at a return, that of the trace that called.
  Word* fp() const { return reinterpret_cast<Word*>(at(RegisterRole::kFp)); }
  /// Returns the address of the next object.
  Word* ap() const { return reinterpret_cast<Word*>(at(RegisterRole::kAp)); }
  /// Returns the result, at a return.
  Word value() const { return at(RegisterRole::kValue); }
};

}  // namespace fble
