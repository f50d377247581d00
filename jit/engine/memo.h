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
// A memo is proven when it has many hits and few misses. From then on traces look in the table themselves (`recall`),
// and trees with traces that call its code are recorded anew.
//
// Calls lead from one recursion to another that does not come back, so there are at most as many unfinished calls of
// memos as there are memos: the native stack has room for them. A memo ends with the machine code.
//
// While instructions are counted, a hit stands for the instructions of the call that is remembered. Only results that a
// walk has found are remembered then: a hit stands for that walk, and the walk for the instructions of its rows. Both
// are counted by row, and the instructions are found when they are needed. When a row is replaced, its hits are counted
// by walking again.
//
// Tested by tests/unit/jit/engine/memo_test.cc, and the counts in all modes by tests/counts.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "interp/instruction_counts.h"
#include "interp/machine_state.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/options.h"
#include "jit/engine/pure_calls.h"
#include "jit/engine/stride_rules.h"
#include "jit/ir/trace.h"
#include "jit/record/recorder.h"
#include "jit/x64/memo_code.h"
#include "jit/x64/stride_code.h"

namespace fble {

/// Traces look in a table themselves while it has at least this many hits for each miss.
inline constexpr uint64_t kHitsPerMiss = 8;

/// A function whose calls are remembered, or were.
struct Memo {
  uint32_t number = 0;
  const Code* function = nullptr;
  PureCalls calls;
  MemoTable table;
  MemoCode code;
  std::optional<StrideRules> rules;  ///< none: calls that are not remembered are made
  StrideTable strides;
  StrideCode stride_code;
  /// While instructions are counted: the rows of the strides, by index, and what they stand for.
  std::vector<std::pair<uint32_t, std::vector<RowStep>>> row_steps;

  uint64_t next_proof = 0;  ///< the number of hits from which on it is proven, once more
  bool has_traces = false;  ///< traces look in the table themselves

  bool is_given_up() const { return table.target != code.start; }
  bool walks() const { return rules && strides.target != stride_code.direct; }
};

class Memos final : public RememberedCalls {
 public:
  /// `counts`: instructions are counted.
  Memos(const JitOptions& options, CodeCache& cache, const RuntimeEntries& runtime, bool counts)
      : options_(options), params_(options.params), cache_(cache), runtime_(runtime), counts_(counts) {}

  /// Looks at the call at the end of the trace: if it is the first call of its function that can be remembered, makes
  /// the memo and returns it, otherwise null. Requires: no machine code runs.
  const Memo* prepare(const Trace& trace, const MachineState& machine);
  /// Returns what the call at the end of the trace reads its target from; null if it is not remembered.
  const void* const* target(const Trace& trace) const;
  MemoTable* table_of(const Code& function, const Code& root) override;

  /// What a trace relies on about a memo.
  struct Reliance {
    CodeAssumption assumption;
    uint32_t memo;  ///< its number
  };
  /// Returns something that is not true any more and has not been returned yet, if there is such a thing.
  std::optional<Reliance> take_broken();
  /// Notes a trace that is linked. Returns what it relies on. `from`: the guard at which it starts.
  std::vector<Reliance> note_use(const Trace& trace, IrOp from);
  /// Forgets all: machine code is forgotten, too.
  void forget_all(JitStats& stats);
  /// Adds the counts of all memos.
  void add_counts(JitStats& stats) const;

  /// Adds the instructions that hits and walks have stood for since the last time.
  void add_up(InstructionCounts& counts);
  /// Forgets the hits and walks since the last time.
  void forget_hits_and_walks();

 private:
  const Memo* find(const Trace& trace) const;
  static bool remembers_most(const Memo& memo) { return memo.table.hits >= kHitsPerMiss * memo.table.misses; }
  void free_tables_out_of_use();
  bool has_walked(const Memo& memo) const;
  void prepare_strides(Memo& memo, const Word* globals);
  static void count_hits(Memo& memo);

  const JitOptions& options_;
  const JitParams& params_;
  CodeCache& cache_;
  const RuntimeEntries& runtime_;
  const bool counts_;
  std::deque<Memo> memos_;                              ///< they keep their addresses
  std::unordered_map<const Code*, Memo*> by_function_;  ///< null for functions that have none
};

}  // namespace fble
