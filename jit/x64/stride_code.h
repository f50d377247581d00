// The machine code that walks along the arguments of a function by its strides (jit/engine/stride_rules.h). It is
// called as the function is.
//
//   walk:    not all arguments are packed words: go to pointer
//   step:    the key of the strides and the state; its row, or have it worked out
//            bits of the row before the rest of the result; shift the registers; the row's state
//            the result is in a register: go to end
//            the bits do not fit any more, too many steps: go to fail
//            go to step
//   end:     the bits and the register's word fit in a word: value = that, ret
//   fail:    more than one of kWalksPerFailure: go to off
//   direct:  jmp [native_entry], with the arguments as they were
//   off:     target = direct; go to direct
//   pointer: seldom since the last walk: go to direct
//            target = direct, also for the memo (jit/x64/memo_code.h) if it has not remembered anything; go to direct
//
// While instructions are counted (StrideTable::uses), each step counts its row, and
//
//   end:     if the call is wanted (MemoTable::wanted), its row gets it: what the row had before is walked again, which
//            counts as many walks as it had hits
//   fail:    walk again as far as before, which takes back what was counted
//   off:     the memo is given up as well
//
// Tested by tests/unit/jit/engine/stride_test.cc.
#pragma once

#include "interp/code.h"
#include "jit/ir/memo_table.h"
#include "jit/ir/stride_table.h"
#include "jit/x64/assemble.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// The machine code of a walk.
struct StrideCode {
  const uint8_t* start = nullptr;   ///< walk; null if the cache is full
  const uint8_t* direct = nullptr;  ///< StrideTable::target when the function does not walk any more
  size_t bytes = 0;
};

/// A function walks as long as it has at least this many walks for each failure, after a trial.
inline constexpr unsigned kWalksPerFailure = 8;

/// Makes the code of the function's walk and sets StrideTable::target. `trial` is the number of failures that are
/// allowed in any case. The memo is that of the same function.
StrideCode assemble_strides(CodeCache& cache, const RuntimeEntries& runtime, const Code& function, StrideTable& table,
                            MemoTable& memo, uint32_t trial);

}  // namespace fble
