// Compares two values as programs see them: by structure, regardless of sharing, and of whether a cell is a word or an
// object (Code::Cells).
//
// Tested by tests/unit/deopt/shadow_check_test.cc and tests/unit/frontends/cli/deopt_points_test.cc.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "interp/code.h"

namespace fble {

/// Compares pairs of values. Pairs that were found equal are not compared again.
class SameValue {
 public:
  /// Returns whether closures of the two codes can be the same function.
  using SameCode = bool (*)(const Code&, const Code&);
  explicit SameValue(SameCode same_code) : same_code_(same_code) {}

  bool operator()(Word left, Word right);

  /// Returns where the last comparison found a difference: the fields that lead there, such as ".1.0", and the words
  /// there.
  std::string path() const;
  Word left() const { return pairs_[difference_].left; }
  Word right() const { return pairs_[difference_].right; }

 private:
  struct Pair {
    Word left;
    Word right;
    size_t parent;  ///< index of the pair that has this one as a field
    uint32_t field;
  };

  bool same_head(Word left, Word right) const;

  SameCode same_code_;
  std::set<std::pair<Word, Word>> seen_;
  std::vector<Pair> pairs_;  ///< of the last comparison
  size_t difference_ = 0;
};

}  // namespace fble
