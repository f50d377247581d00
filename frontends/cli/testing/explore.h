// Exploring the orders in which the threads of a program may take turns.
//
// Tested by tests/unit/frontends/cli/explore_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "interp/turns.h"

namespace fble {

/// What a program does in one order of turns.
struct ExploredRun {
  std::string output;  ///< of both streams, as they came
  int status = 0;      ///< exit status, or minus the signal that ended it
  bool timed_out = false;
  bool failed = false;  ///< ended by an error, and not by itself
  std::vector<TurnChoice> choices;

  bool does_the_same(const ExploredRun& other) const {
    return status == other.status && timed_out == other.timed_out && output == other.output;
  }
};

struct Exploration {
  bool is_bad = false;   ///< an order was found that differs or fails: the last one that was run
  bool is_whole = true;  ///< all orders within the bounds were run, if none was bad
  uint64_t runs = 0;
  Schedule schedule;  ///< of the last run
  ExploredRun usual;
  ExploredRun last;
};

/// Runs a program in the usual order, then in all orders with one departure from it, with two, and so on up to `bound`,
/// at most `most_runs` of them. Ends with the first that fails, or does something else than the usual order.
Exploration explore(const std::function<ExploredRun(const Schedule&)>& run, uint32_t bound, uint64_t most_runs);

}  // namespace fble
