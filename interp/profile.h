// Profiles of a run: how often each sequence of calls was entered, and how many
// instructions ran there. Profiles are deterministic: they measure no time.
//
// A sequence is the path of blocks from the root to the running one with cycles
// taken out, so recursion does not make it long: a call of a block that would
// repeat the end of the path a second time returns to where that end began
// (a b c c d c d e becomes a b c d e). A tail call replaces the running block on
// the stack, but counts as called by it.
//
// Tested by tests/unit/interp/profile_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "interp/code.h"
#include "interp/step_observer.h"

namespace fble {

class Profile final : public StepObserver {
 public:
  struct Node {
    uint32_t block;
    Node* parent;
    uint32_t depth;
    uint64_t calls = 0;
    uint64_t samples = 0;
    std::map<uint32_t, Node*> children = {};  ///< by block; shorter paths where cycles were taken out
  };
  struct Block {
    std::string name;
    Loc loc;
  };

  /// Makes a profile. Blocks: 0 is [root], 1 is <main> (which is never entered;
  /// tools expect it), then those of the program in its order.
  explicit Profile(const ProgramCode& program);

  /// Starts again at the root, in the main thread, whose number is 0.
  void begin_run() override;
  /// Counts the instruction at the position, before it runs in the frame. `slot` is the frame's, from the stack's base.
  void step(const Word* globals, const uint32_t* pc, const Word* fp, size_t slot) override;

  /// A thread starts: its paths begin where its starter is.
  void start_thread(uint32_t starter, uint32_t thread) override;
  void end_thread(uint32_t thread) override { stacks_.erase(thread); }
  /// The thread runs from now on.
  void select_thread(uint32_t thread) override { stack_ = &stacks_[thread]; }

  const std::vector<Block>& blocks() const { return blocks_; }

  /// Calls `visit(path, calls, samples)` for each sequence, callers first, siblings by block.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::vector<uint32_t> path;
    walk(root_, path, visit);
  }

 private:
  struct Entry {
    size_t slot;  ///< of the frame that runs the node's block
    Node* node;
  };

  template <typename Visit>
  void walk(const Node* node, std::vector<uint32_t>& path, Visit& visit) const {
    path.push_back(node->block);
    visit(path, node->calls, node->samples);
    for (const auto& [block, child] : node->children) {
      if (child->depth > node->depth) walk(child, path, visit);
    }
    path.pop_back();
  }

  uint32_t block_of(const Code& code);
  Node* enter(Node* caller, uint32_t block);

  std::vector<Block> blocks_;
  std::unordered_map<const Code*, uint32_t> block_ids_;
  std::deque<Node> nodes_;
  Node* root_;
  std::unordered_map<uint32_t, std::vector<Entry>> stacks_;  ///< by thread
  std::vector<Entry>* stack_ = nullptr;                      ///< of the thread that runs
};

}  // namespace fble
