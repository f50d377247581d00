// The registers and spill slots that an exit stub leaves behind, kept in the thread.
#pragma once

#include "gc/value.h"

namespace fble {

inline constexpr uint32_t kSpillSlots = 256;

struct ExitState {
  Word registers[16];       ///< by number: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 ...
  Word spill[kSpillSlots];  ///< spill slots live here while machine code runs, too
};

}  // namespace fble
