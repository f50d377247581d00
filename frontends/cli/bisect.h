// Finding the first disturbance that makes a run with --chaos go wrong.
// Tested by tests/unit/cli/bisect_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace fble {

/// A run with so much fuel, as far as bisecting wants to know.
struct ChaosRun {
  bool good = true;
  uint64_t disturbances = 0;
  std::string last;  ///< the last disturbance, for people
};

struct Bisection {
  bool failed = false;              ///< with all its fuel the run goes wrong
  bool failed_undisturbed = false;  ///< it does so even without any
  uint64_t fuel = 0;                ///< the least with which it goes wrong
  std::string disturbance;          ///< the last one of that run
  uint32_t runs = 0;
};

/// Requires that runs with equal fuel are equal, and that one with less is the beginning of one
/// with more. What fails with some fuel fails with more, or else some border is found.
Bisection bisect_fuel(const std::function<ChaosRun(uint64_t fuel)>& run, uint64_t fuel);

}  // namespace fble
