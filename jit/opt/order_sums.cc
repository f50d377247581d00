// Keeps the sums that a loop waits for short.
//
// Problem. The sum of two naturals is `a - 3 + b` (gc/integer.h), for which the machine subtracts first: what comes by
// `a` waits for two instructions, and what comes by `b` for one. A loop that adds up takes as long as the way from a
// variable to its next value, since turns overlap in all else.
//
// Idea. A variable that comes by one operand to its own next value is put second, if none does so by the other.
//
// Tested by tests/ir/optimize/total.trace.
#include <algorithm>
#include <utility>

#include "jit/opt/passes.h"

namespace fble {

void order_sums(Trace& trace) {
  const auto start = std::ranges::find(trace.ins, IrOp::kLoopStart, &IrIns::op);
  if (start == trace.ins.end()) return;
  const std::vector<IrRef>& phis = start->list;
  const auto body = static_cast<size_t>(start - trace.ins.begin()) + 1;
  // For each instruction, the loop's variables that it depends on, and those whose next value depends on it.
  std::vector<uint64_t> from(trace.ins.size()), to(trace.ins.size());
  constexpr size_t kMostVariables = 64;
  const size_t count = std::min(phis.size(), kMostVariables);
  for (size_t k = 0; k < count; ++k) {
    from[index_of(phis[k])] |= uint64_t{1} << k;
    to[index_of(trace.ins.back().list[k])] |= uint64_t{1} << k;
  }
  for (size_t i = body; i < trace.ins.size(); ++i) {
    for_each_ref(trace.ins[i], [&](IrRef ref) { from[i] |= from[index_of(ref)]; });
  }
  for (size_t i = trace.ins.size() - 1; i-- > body;) {
    for_each_ref(trace.ins[i], [&](IrRef ref) { to[index_of(ref)] |= to[i]; });
  }
  for (size_t i = body; i < trace.ins.size(); ++i) {
    IrIns& sum = trace.ins[i];
    if (sum.op != IrOp::kAdd) continue;
    const bool first = (from[index_of(sum.a)] & to[i]) != 0;
    const bool second = (from[index_of(sum.b)] & to[i]) != 0;
    if (first && !second && trace.at(sum.b).op != IrOp::kConstant) std::swap(sum.a, sum.b);
  }
}

}  // namespace fble
