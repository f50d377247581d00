// Claims that the solver decides one by one, and what became of them.
//
// A claim is about all words of 64 bits. Claims that are too much for the solver are in a list, with a size of words
// for which it decides them: that covers all words of this size. A claim outside of the list that the solver does not
// decide fails its test, as a refuted one does.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/proofs/terms.h"

namespace fble::proofs {

/// A claim that is not proved at 64 bits.
struct Covered {
  std::string claim;
  unsigned bits;  ///< of a word, for which it is decided
};

/// The claims of one kind. The process prints how many there were when it ends.
class Claims {
 public:
  /// `kind` is for what is printed. The list stays the caller's.
  Claims(const char* kind, std::span<const Covered> covered);

  /// Returns the bits of a word for which the claim is decided.
  unsigned bits_for(const std::string& name) const;
  /// Decides the claim on this path of the walk, for words of `word_bits`. The test fails if the claim is wrong, or if
  /// the solver does not know.
  void decide(Walk& walk, const std::string& name, const z3::expr& claim);
  /// Returns the number of paths on which the claim was decided.
  int paths(const std::string& name) const;

  void print() const;

 private:
  struct Tally {
    int paths = 0;
    int wrong = 0;
    uint64_t steps = 0;  ///< the most that the solver needed on a path
  };
  const char* kind_;
  std::span<const Covered> covered_;
  std::map<std::string, Tally> tallies_;
};

/// Returns the names of the subjects' tests, each once. Subjects of one test follow each other.
template <typename Subject>
std::vector<std::string> names_of_tests(const std::vector<Subject>& subjects) {
  std::vector<std::string> names;
  for (const Subject& subject : subjects) {
    if (names.empty() || names.back() != subject.test()) names.push_back(subject.test());
  }
  return names;
}

}  // namespace fble::proofs
