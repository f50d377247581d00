// Decides which calls a trace follows into the callee.
//
// A callee with several paths through its bytecode adds a guard for each, and a bridge for each path
// that is not recorded. So the policy counts the paths through a function, those of all functions
// inlined since the tree's root, and the functions seen at a call site. Recursive functions are called,
// never inlined.
//
// Tested by tests/unit/jit/engine/inline_policy_test.cc.
#pragma once

#include <unordered_map>
#include <vector>

#include "jit/engine/options.h"
#include "jit/record/recorder.h"

namespace fble {

/// The size of a function, for the decision.
struct CodeSize {
  uint32_t paths = 0;         ///< number of paths through its bytecode, at most kManyPaths
  uint32_t instructions = 0;  ///< without deopt points, which must not affect inlining
  static constexpr uint32_t kManyPaths = 1000;
};
/// `globals` are the program's; with null, calls from the arms of selects are not looked at.
CodeSize measure(const Code& code, const Word* globals);

class InlinePolicy final : public CallPolicy {
 public:
  InlinePolicy(const JitParams& params, const Word* globals) : params_(params), globals_(globals) {}

  /// Begins a recording, in a tree whose functions inlined so far have `inlined_paths` paths, multiplied.
  void begin(uint32_t inlined_paths) { inlined_paths_ = inlined_paths; }
  /// Returns the product of the numbers of paths through all functions inlined since the tree's
  /// root. If data is random, this number of traces may grow from it, each for a tiny share of the
  /// calls.
  uint32_t inlined_paths() const { return inlined_paths_; }

  bool may_inline(const Code& code) override;
  bool may_guard_site(const uint32_t* site, const Code& code) override;
  void note_recursive(const Code& code) override;
  /// Marks the function just entered as recursive if it is among the callers of its frame.
  void look_for_recursion(const Code& code, const Word* frame);
  /// Forgets which functions were seen at call sites.
  void forget_sites() { sites_.clear(); }

 private:
  struct Function {
    bool recursive = false;
    CodeSize size;  ///< no paths: not measured yet
  };
  Function& function(const Code& code);

  const JitParams& params_;
  const Word* globals_;
  uint32_t inlined_paths_ = 1;
  std::vector<Function> functions_;  ///< by Code::engine_index - 1
  std::unordered_map<const uint32_t*, std::vector<const Code*>> sites_;
};

}  // namespace fble
