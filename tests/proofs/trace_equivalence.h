// Whether a trace does the same after a pass as before it, for all start states: asked of the solver.
//
// A trace that leaves must leave in a state that the interpreter has at that position. So for each exit of the new
// trace, the old trace has a snapshot of the same position, and
//   - the old trace gets there: all guards before it that decide where the program goes hold;
//   - the states are equal: slots, closures, and the facts that the new snapshot lists.
// At its end the new trace does what the old one does at its own. Guards of the old trace that are about the form of
// a result (it does not fit in a packed word) may vanish with the result. Where such a one fails, nothing is claimed.
// An instruction that is said to fit must do so.
//
// A loop is proved by induction. The state at its head is that of a call with values of the loop's variables: the
// claim holds for the arguments of the first call, and for those of the next one if it holds for any. The body is
// compared with the old trace that starts in this state. What the loop assumes about variables is proved likewise.
//
// Tested by trace_proof_test.cc.
#pragma once

#include <string>

#include "jit/ir/trace.h"

namespace fble::proofs {

struct Equivalence {
  int claims = 0;         ///< all that were made
  int by_solver = 0;      ///< the part of them that is not equal term by term
  int unknown = 0;        ///< too much for the solver
  std::string refuted;    ///< the first claim that is wrong, and the words that show it; or empty
  std::string unmatched;  ///< an exit of a position that the old trace does not have; or empty
};

/// Compares the trace of a pass with the one before it.
Equivalence compare_traces(const Trace& before, const Trace& after);

}  // namespace fble::proofs
