// Samples of a run: how much time each path of calls took.
//
// The table is filled by a signal handler, so it allocates nothing: its memory is reserved at the beginning and used as
// it is filled. A path is the functions from the root to the running one with cycles taken out, by the rule of
// interp/profile.h; so a recursion of a million frames is a node or two. A node's edges have the place of each call.
//
// Tested by tests/unit/interp/sample_table_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/activity.h"
#include "interp/call_stack.h"
#include "interp/code.h"

namespace fble {

/// An array in reserved memory: it grows without moving, up to a capacity far beyond what is expected. Where the system
/// does not reserve that much, it is smaller.
template <typename Item>
class ReservedArray {
 public:
  explicit ReservedArray(size_t capacity) {
    for (; capacity > 0; capacity /= 2) {
      memory_ = Mapping(capacity * sizeof(Item));
      if (memory_.begin() != nullptr) break;
    }
    capacity_ = capacity;
  }
  size_t size() const { return size_; }
  bool is_full() const { return size_ == capacity_; }
  Item& operator[](size_t index) { return items()[index]; }
  const Item& operator[](size_t index) const { return items()[index]; }
  Item& back() { return items()[size_ - 1]; }
  /// Requires: not full.
  void push(const Item& item) { items()[size_++] = item; }
  void pop() { --size_; }
  void clear() { size_ = 0; }

 private:
  Item* items() const { return static_cast<Item*>(memory_.begin()); }

  Mapping memory_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// Who runs the code where a sample was taken.
enum class Tier : uint8_t { kInterpreter, kMachineCode, kRuntime };

/// The collection that an object has survived.
enum class Survived : uint8_t { kMinor, kFull, kCount };
inline constexpr size_t kSurvived = static_cast<size_t>(Survived::kCount);

/// Node 0 is the root, which has no code.
class SampleTable {
 public:
  SampleTable();

  struct Node {
    uint32_t parent;
    uint32_t depth;
    const Code* code;
    const uint32_t* site;  ///< in the parent's code, after the call; null at the root
    uint32_t first_edge;
    uint32_t first_leaf;
  };
  struct Leaf {
    const uint32_t* pc;  ///< in the node's code, or null
    uint32_t next;
    uint32_t trace;  ///< number; counts only in machine code
    Activity activity;
    Tier tier;
    uint64_t samples;
    uint64_t ns;                        ///< of samples of allocations: bytes
    uint64_t survived[kSurvived] = {};  ///< the part of these bytes
  };

  /// Returns the node of a function that `caller` calls at the site.
  uint32_t enter(uint32_t caller, const uint32_t* site, const Code* code);
  /// Adds a sample. Returns its leaf, or 0 if there is no memory for one.
  uint32_t add(uint32_t node, const uint32_t* pc, Activity activity, Tier tier, uint32_t trace, uint64_t ns);
  /// Takes the last sample out of a leaf, if that is not 0, as if it had not been added.
  void take_back(uint32_t leaf, uint64_t ns);
  void note_survivor(uint32_t leaf, Survived survived, uint64_t bytes) {
    leaves_[leaf].survived[static_cast<size_t>(survived)] += bytes;
  }

  size_t nodes() const { return nodes_.size(); }
  const Node& node(uint32_t index) const { return nodes_[index]; }
  uint64_t samples() const { return samples_; }
  uint64_t ns() const { return ns_; }
  /// Returns the number of samples whose whole path or place was not known, for want of memory.
  uint64_t cut_short() const { return cut_short_; }

  /// Calls `visit(leaf)` for each leaf of the node.
  template <typename Visit>
  void for_each_leaf(uint32_t node, Visit&& visit) const {
    for (uint32_t at = nodes_[node].first_leaf; at != 0; at = leaves_[at].next) {
      if (leaves_[at].samples != 0) visit(leaves_[at]);
    }
  }

 private:
  struct Edge {
    const uint32_t* site;
    const Code* code;
    uint32_t target;
    uint32_t next;
  };

  uint32_t fold(uint32_t caller, const Code* code) const;

  // Index 0 of edges and leaves is none.
  ReservedArray<Node> nodes_;
  ReservedArray<Edge> edges_;
  ReservedArray<Leaf> leaves_;
  uint64_t samples_ = 0;
  uint64_t ns_ = 0;
  uint64_t cut_short_ = 0;
};

}  // namespace fble
