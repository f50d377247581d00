#include "tests/proofs/claims.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ranges>

namespace fble::proofs {

namespace {

/// Prints when all tests have run.
class Printer : public testing::Environment {
 public:
  explicit Printer(const Claims& claims) : claims_(claims) {}
  void TearDown() override { claims_.print(); }

 private:
  const Claims& claims_;
};

}  // namespace

Claims::Claims(const char* kind, std::span<const Covered> covered) : kind_(kind), covered_(covered) {
  testing::AddGlobalTestEnvironment(new Printer(*this));
}

unsigned Claims::bits_for(const std::string& name) const {
  const auto row = std::ranges::find(covered_, name, &Covered::claim);
  return row == covered_.end() ? 64 : row->bits;
}

void Claims::decide(Walk& walk, const std::string& name, const z3::expr& claim) {
  Tally& tally = tallies_[name];
  ++tally.paths;
  const z3::check_result result = walk.refute(claim);
  tally.steps = std::max(tally.steps, walk.steps());
  if (result == z3::unsat) return;
  ++tally.wrong;
  if (result == z3::sat) {
    ADD_FAILURE() << name << " is refuted at " << word_bits << " bits\n" << walk.model();
  } else {
    ADD_FAILURE() << name << " is too much for the solver at " << word_bits << " bits";
  }
}

int Claims::paths(const std::string& name) const {
  const auto found = tallies_.find(name);
  return found == tallies_.end() ? 0 : found->second.paths;
}

void Claims::print() const {
  int proved = 0, covered = 0, wrong = 0, paths = 0;
  for (const auto& [name, tally] : tallies_) {
    paths += tally.paths;
    const bool is_proved = bits_for(name) == 64;
    if (tally.wrong > 0) {
      ++wrong;
    } else {
      ++(is_proved ? proved : covered);
    }
  }
  if (tallies_.empty()) return;
  fmt::print("{}: {} claims on {} paths, {} proved at 64 bits, {} covered at fewer bits, {} refuted or undecided\n",
             kind_, tallies_.size(), paths, proved, covered, wrong);
  const auto most = std::ranges::max_element(tallies_, {}, [](const auto& entry) { return entry.second.steps; });
  fmt::print("{}: {} needs the most steps of the solver on a path, {} of {}\n", kind_, most->first, most->second.steps,
             Walk::kMaxSteps);
  for (const auto& [name, tally] : tallies_) {
    if (bits_for(name) != 64) fmt::print("  covered: {}, {} bits, {} paths\n", name, bits_for(name), tally.paths);
  }
  std::fflush(stdout);
}

}  // namespace fble::proofs
