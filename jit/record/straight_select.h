// Selects of which machine code computes both arms, without a guard on the tag.
//
// Which arm of a select is taken often depends on random data, as where a program computes with bits that are unions.
// Then a guard fails half of the time: the processor mispredicts its jump, and each select doubles the paths for which
// there are traces. Where the arms only move values, choose among them, and call functions that do the same, computing
// both of them is cheaper: `choose` takes one of the results. Such arms may be computed where the program does not take
// them, since they cannot fail, always end and make no objects.
//
// Tested by tests/unit/jit/record/straight_select_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "interp/code.h"
#include "jit/ir/trace.h"

namespace fble {

struct StraightSelect {
  enum class Kind : uint8_t { kSlot, kCapture, kGlobal, kWord, kArg, kTagIn, kChoose };

  /// A value that is there before the select, the argument of a packed union, whether its tag is one of some, or a
  /// choice among two by the tag of a packed union of two tags.
  struct Node {
    Kind kind = Kind::kWord;
    uint32_t index = 0;      ///< of the slot, the capture or the global; the tag width of the union
    Word word = 0;           ///< the constant; the set of tags
    uint32_t condition = 0;  ///< a node: the union, or the condition of a choice
    uint32_t first = 0;      ///< a node: the choice for tag 0
    uint32_t second = 0;
    bool operator==(const Node&) const = default;
  };
  /// A slot of the frame after the select, and its value.
  struct Result {
    uint32_t slot;
    uint32_t node;
  };

  /// This select or one in its arms, for exact counts.
  struct Decision {
    uint32_t condition = 0;  ///< a node
    ArmTally tally;          ///< `outer` is an index into the decisions; `step` is not set
  };

  std::vector<Node> nodes;  ///< each after those that it mentions
  std::vector<Result> results;
  std::vector<Decision> decisions;
  /// The instruction after the select, or the return of one of its arms if all arms return.
  const uint32_t* next = nullptr;
  bool returns = false;
};

/// What a `choose` does whose sources are two, each for some tags.
struct TwoWays {
  Word tags = 0;        ///< those with the second source; 0 if that is tag 1 of a union of two
  uint32_t first = 0;   ///< a source
  uint32_t second = 0;  ///< likewise
};
/// Returns what the `choose` at `pc` does; nothing if more than two sources differ.
std::optional<TwoWays> two_ways(const uint32_t* pc);

/// Returns what the select at `pc` computes, if it is one of those. `globals` are the program's; with null no calls are
/// followed. Slots that are not live after the select may be among the results.
std::optional<StraightSelect> find_straight_select(const Code& code, const uint32_t* pc, const Word* globals);

}  // namespace fble
