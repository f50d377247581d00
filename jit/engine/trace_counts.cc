#include "jit/engine/trace_counts.h"

#include <algorithm>

namespace fble {

TraceCounts::TraceCounts(InstructionCounts& counts, uint32_t max_traces)
    : counts_(counts),
      memory_(Mapping::low((size_t{max_traces} + 1) * sizeof(PassCounters))),
      passes_(static_cast<PassCounters*>(memory_.begin())) {
  if (passes_ == nullptr) system_out_of_memory();
}

void TraceCounts::note(const Trace& trace, const std::vector<ExitSite>& exits) {
  paths_.resize(trace.id + 1);
  passes_[trace.id] = {};
  Path& path = paths_[trace.id] = {};
  path.steps = trace.path;
  path.is_bridge = trace.kind == TraceKind::kBridge;
  path.from = {trace.parent, trace.parent_exit};
  const auto start = std::ranges::find(trace.ins, IrOp::kLoopStart, &IrIns::op);
  const auto first_of_loop = static_cast<uint32_t>(start - trace.ins.begin());
  for (const ExitSite& site : exits) {
    Exit& exit = path.exits.emplace_back();
    exit.leaves_path = !site.is_return;
    exit.is_in_loop = site.ins > first_of_loop;
    exit.steps = exit.is_in_loop ? site.steps - trace.steps : site.steps;
  }
}

/// Adds the runs of a path's instructions in turns of the loop, or in those before.
void TraceCounts::add_turns(const Path& path, bool in_loop, uint64_t turns) {
  const size_t count = path.steps.size();
  std::vector<uint64_t> left(count + 1);  // before each step
  for (const Exit& exit : path.exits) {
    if (exit.leaves_path && exit.is_in_loop == in_loop) left[std::min<size_t>(exit.steps, count)] += exit.taken;
  }
  for (size_t i = 0; i < count; ++i) {
    FBLE_ASSERT(left[i] <= turns);
    turns -= left[i];
    const TraceStep& step = path.steps[i];
    if (turns == 0) return;
    if (step.code != nullptr) counts_.add(*step.code, step.pc, turns);
    if (step.native != nullptr) counts_.add(*step.native, step.native->start, turns);
  }
}

void TraceCounts::add_up() {
  for (size_t i = 0; i < paths_.size(); ++i) {
    const Path& path = paths_[i];
    if (path.is_bridge) paths_[path.from.trace].exits[path.from.exit].taken += passes_[i].entries;
  }
  for (size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    add_turns(path, false, passes_[i].entries);
    add_turns(path, true, passes_[i].turns);
    passes_[i] = {};
    for (Exit& exit : path.exits) exit.taken = 0;
  }
}

TraceCounts::Paused::Paused(TraceCounts& counts)
    : counts_(counts), passes_(counts.passes_, counts.passes_ + counts.paths_.size()) {}

TraceCounts::Paused::~Paused() { std::ranges::copy(passes_, counts_.passes_); }

}  // namespace fble
