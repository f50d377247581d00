// Memos: results of calls that are remembered.
//
// Fble is pure. A call of a function that captures nothing, with the same packed words as arguments, has the same
// result. So machine code looks in a table of the function before it calls, and writes to it when the call has returned
// (jit/x64/memo_code.h).
//
//   functions  recursive ones of one to three arguments whose calls cannot have effects (jit/engine/pure_calls.h)
//   calls      those from outside of the recursion: those within it would fill the table with what is not asked again
//   as long as the table has what is asked: a function with many more misses than hits is called directly again
//
// Calls lead from one recursion to another that does not come back, so there are at most as many unfinished calls of
// memos as there are memos: the native stack has room for them. A memo ends with the machine code.
//
// Tested by tests/unit/jit/engine/memo_test.cc.
#pragma once

#include <deque>
#include <unordered_map>

#include "interp/machine_state.h"
#include "jit/engine/options.h"
#include "jit/engine/pure_calls.h"
#include "jit/ir/trace.h"
#include "jit/x64/memo_code.h"

namespace fble {

/// A function whose calls are remembered, or were.
struct Memo {
  const Code* function = nullptr;
  PureCalls calls;
  MemoTable table;
  MemoCode code;

  bool is_given_up() const { return table.target == code.through; }
};

class Memos {
 public:
  Memos(const JitParams& params, CodeCache& cache, const RuntimeEntries& runtime)
      : params_(params), cache_(cache), runtime_(runtime) {}

  /// Looks at the call at the end of the trace: if it is the first call of its function that can be remembered, makes
  /// the memo and returns it, otherwise null. Requires: no machine code runs.
  const Memo* prepare(const Trace& trace, const MachineState& machine);
  /// Returns what the call at the end of the trace reads its target from; null if it is not remembered.
  const void* const* target(const Trace& trace) const;
  /// Forgets all: machine code is forgotten, too.
  void forget_all(JitStats& stats);
  /// Adds the counts of all memos.
  void add_counts(JitStats& stats) const;

 private:
  const Memo* find(const Trace& trace) const;
  void free_tables_out_of_use();

  const JitParams& params_;
  CodeCache& cache_;
  const RuntimeEntries& runtime_;
  std::deque<Memo> memos_;  ///< they keep their addresses
  std::unordered_map<const Code*, Memo*> by_function_;
};

}  // namespace fble
