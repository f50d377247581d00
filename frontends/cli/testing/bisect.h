// Finds the first disturbance that makes a run with --chaos go wrong.
// Tested by tests/unit/frontends/cli/bisect_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace fble {

/// The part of a run with some fuel that bisecting needs.
struct ChaosRun {
  bool good = true;
  uint64_t disturbances = 0;
  std::string last;  ///< the last disturbance, for people
};

struct Bisection {
  bool failed = false;              ///< with all its fuel the run goes wrong
  bool failed_undisturbed = false;  ///< it does so even without any
  uint64_t fuel = 0;                ///< the least fuel with which it goes wrong
  std::string disturbance;          ///< the last one of that run
  uint32_t runs = 0;
};

/// Finds the least fuel with which the run fails. Requires that runs with equal fuel are equal,
/// and that a run with less fuel is the beginning of one with more. If a run with more fuel can
/// succeed where one with less fails, the result is one of the borders.
Bisection bisect_fuel(const std::function<ChaosRun(uint64_t fuel)>& run, uint64_t fuel);

}  // namespace fble
