// How much stack functions use in a run.
//
// What a function uses reaches from the header of its frame to the end of the deepest frame above it, until it has
// returned: tail calls, which replace its frame, count. All frames are seen at their first instruction.
//
// Tested by tests/unit/interp/stack_need_test.cc.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "interp/code.h"
#include "interp/step_observer.h"

namespace fble {

class StackUse final : public StepObserver {
 public:
  void begin_run() override;
  void step(const Word* globals, const uint32_t* pc, const Word* fp, size_t slot) override;
  void start_thread(uint32_t, uint32_t thread) override { stacks_[thread]; }
  void end_thread(uint32_t thread) override;
  void select_thread(uint32_t thread) override { stack_ = &stacks_[thread]; }

  /// Ends what is under way: the run has ended.
  void finish();
  /// Returns the most words that a call of the function used; 0 if it was not called. Requires: finish.
  size_t words(const Code& code) const;
  /// Returns the most words that were in use on the stack of one thread.
  size_t most() const { return most_; }

 private:
  /// A function that the frame runs, or has run: they have called each other by tail calls.
  struct Part {
    const Code* code;
    size_t end;  ///< of the deepest frame since it began
  };
  struct Entry {
    size_t slot;
    std::vector<Part> parts;  ///< the running one last, unless it has run before
    const Code* running;
  };
  using Stack = std::vector<Entry>;

  void pop(Stack& stack);
  void enter(Entry& entry, const Code& code);

  std::unordered_map<uint32_t, Stack> stacks_;  ///< by thread
  Stack* stack_ = nullptr;                      ///< of the thread that runs
  std::unordered_map<const Code*, size_t> words_;
  size_t most_ = 0;
};

}  // namespace fble
