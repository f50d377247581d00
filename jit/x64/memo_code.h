// The machine code of a memo (jit/engine/memo.h). Traces call it in place of a function whose results are remembered.
//
//   probe:    not all arguments packed words: go to through
//             is the row for the arguments theirs?  value = its result, ret
//             too many misses: target = through, go to through
//             push the arguments and the row's address, call the function
//             the result is a packed word: pop all into the row, ret
//   through:  jmp [native_entry]
//
// The words that it pushes are on the native stack, above the return address of the call in it
// (interp/native_stack.h). When machine code is left, they are dropped: that call is then not remembered.
//
// Tested by tests/unit/jit/engine/memo_test.cc.
#pragma once

#include <memory>

#include "interp/code.h"
#include "jit/x64/assemble.h"
#include "jit/x64/code_cache.h"

namespace fble {

/// The number of arguments that a remembered call has at most.
inline constexpr uint32_t kMostMemoArguments = 3;

/// A call that is remembered: packed words. All 0 at first, which no packed word is.
struct MemoRow {
  Word arguments[kMostMemoArguments];
  Word result;
};

/// The part of a memo that machine code uses. It keeps its address while there is such code.
struct MemoTable {
  const void* target = nullptr;  ///< what traces call: probe or through
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint32_t index_bits = 0;          ///< the table has 2^index_bits rows
  std::unique_ptr<MemoRow[]> rows;  ///< null if calls are not remembered any more
};

/// The machine code of a memo.
struct MemoCode {
  const uint8_t* start = nullptr;    ///< probe; null if the cache is full
  const uint8_t* through = nullptr;  ///< MemoTable::target when calls are not remembered any more
  size_t bytes = 0;
};

/// Makes the code of a memo for a function and sets MemoTable::target. `trial` is how many more misses than hits there
/// may be.
MemoCode assemble_memo(CodeCache& cache, const RuntimeEntries& runtime, const Code& function, MemoTable& table,
                       uint32_t trial);

}  // namespace fble
