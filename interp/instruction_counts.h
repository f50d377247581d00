// How often each instruction has run, exactly.
//
// The interpreter counts instructions as it runs them; the compiler adds those that machine code has run
// (jit/engine/trace_counts.h), so the counts are the same in all modes. An instruction that fails has run. One that
// runs again after a collection, or when its thread continues, has run once.
//
// Jumps lead forward, so the first instruction of a function runs once in each call: its count is that of the calls.
// A native is one instruction.
//
// Tested by tests/unit/interp/instruction_counts_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "interp/code.h"

namespace fble {

/// Code::counts is not null for code that has run, as long as this exists. The code outlives it.
class InstructionCounts {
 public:
  InstructionCounts() = default;
  ~InstructionCounts();
  InstructionCounts(const InstructionCounts&) = delete;
  InstructionCounts& operator=(const InstructionCounts&) = delete;

  /// Adds to the count of the instruction, whose position is in the code.
  void add(const Code& code, const uint32_t* pc, uint64_t times) {
    if (code.counts == nullptr) begin(code);
    code.counts[pc - code.start] += times;
  }
  /// Makes the counters of code that has none.
  void begin(const Code& code);
  /// Calls `visit(code)` for all code that may have run.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Counters& counters : all_) visit(*counters.code);
  }

 private:
  struct Counters {
    const Code* code;
    std::unique_ptr<uint64_t[]> words;  ///< one for each word, the others stay 0
  };
  std::vector<Counters> all_;
};

}  // namespace fble
