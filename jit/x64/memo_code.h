// The machine code of a memo (jit/engine/memo.h). Traces call it in place of a function whose results are remembered.
//
//   probe:    not all arguments packed words: go to through
//             is the row for the arguments theirs?  value = its result, ret
//             too many misses: target = what the function is called by otherwise, go to through
//             push the arguments and the row's address, call that
//             the result is a packed word: pop all into the row, ret
//   through:  jmp to it
//
// It is the function's native_entry, or StrideTable::target if the function has strides (jit/x64/stride_code.h).
//
// While instructions are counted (MemoTable::row_hits), it counts a hit of the row, and has the walk store the results:
//
//             too many misses: as above
//             wanted = the row, go to walk
//
// The words that it pushes are on the native stack, above the return address of the call in it
// (interp/native_stack.h). When machine code is left, they are dropped: that call is then not remembered.
//
// Tested by tests/unit/jit/engine/memo_test.cc.
#pragma once

#include "interp/code.h"
#include "jit/ir/memo_table.h"
#include "jit/x64/assemble.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// The machine code of a memo.
struct MemoCode {
  const uint8_t* start = nullptr;  ///< probe; null if the cache is full
  size_t bytes = 0;
};

/// Makes the code of a memo for a function and sets MemoTable::target. `trial` is how many more misses than hits there
/// may be. Calls that are not remembered lead to `*other`, which is called as the function is. `walk` is the function's
/// walk, which is needed if hits are counted.
MemoCode assemble_memo(CodeCache& cache, const RuntimeEntries& runtime, const Code& function, MemoTable& table,
                       uint32_t trial, const void* const* other, const uint8_t* walk);

}  // namespace fble
