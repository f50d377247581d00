#include "tests/proofs/terms.h"

namespace fble::proofs {

namespace {

/// Returns the steps of all solvers of the context so far.
uint64_t steps_so_far(const z3::solver& solver) {
  const z3::stats statistics = solver.statistics();
  for (unsigned i = 0; i < statistics.size(); ++i) {
    if (statistics.key(i) == "rlimit count") return statistics.uint_value(i);
  }
  return 0;
}

}  // namespace

void Walk::run(const std::function<void()>& body, const std::function<void()>& done) {
  current() = this;
  decisions_.clear();
  for (;;) {
    next_ = 0;
    solver_.push();
    try {
      body();
      done();
    } catch (const Impossible&) {}
    solver_.pop();
    while (!decisions_.empty() && !decisions_.back().other_is_open) decisions_.pop_back();
    if (decisions_.empty()) return;
    decisions_.back() = {!decisions_.back().value, false};
  }
}

bool Walk::possible(const z3::expr& condition) {
  solver_.push();
  solver_.add(condition);
  const z3::check_result result = solver_.check();
  solver_.pop();
  return result != z3::unsat;
}

bool Walk::decide(const z3::expr& condition) {
  const z3::expr simple = condition.simplify();
  if (simple.is_true()) return true;
  if (simple.is_false()) return false;
  if (next_ == decisions_.size()) {
    const bool yes = possible(simple);
    const bool no = possible(!simple);
    if (!yes && !no) throw Impossible();
    decisions_.push_back({yes, yes && no});
  }
  const bool value = decisions_[next_++].value;
  solver_.add(value ? simple : !simple);
  return value;
}

bool Walk::choose() {
  if (next_ == decisions_.size()) decisions_.push_back({true, true});
  return decisions_[next_++].value;
}

z3::check_result Walk::refute(const z3::expr& claim) {
  const z3::expr simple = claim.simplify();
  steps_ = 0;
  if (simple.is_true()) return z3::unsat;
  solver_.push();
  solver_.add(!simple);
  const uint64_t before = steps_so_far(solver_);
  const z3::check_result result = solver_.check();
  steps_ = steps_so_far(solver_) - before;
  if (result == z3::sat) {
    model_.clear();
    const z3::model found = solver_.get_model();
    for (unsigned i = 0; i < found.num_consts(); ++i) {
      const z3::func_decl constant = found.get_const_decl(i);
      model_ += constant.name().str() + " = " + found.get_const_interp(constant).to_string() + "\n";
    }
  }
  solver_.pop();
  return result;
}

}  // namespace fble::proofs
