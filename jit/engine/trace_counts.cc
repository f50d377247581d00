#include "jit/engine/trace_counts.h"

#include <algorithm>

namespace fble {

TraceCounts::TraceCounts(InstructionCounts& counts, uint32_t max_traces)
    : counts_(counts),
      memory_(Mapping::low((size_t{max_traces} + 1) * sizeof(PassCounters))),
      passes_(static_cast<PassCounters*>(memory_.begin())) {
  if (passes_ == nullptr) system_out_of_memory();
}

TallyGroup* TraceCounts::new_tallies(size_t count) {
  constexpr size_t kFewestGroups = 2048;
  if (tally_memory_.empty() || tally_memory_.back().size - tally_memory_.back().used < count) {
    const size_t size = std::max(count, kFewestGroups);
    tally_memory_.push_back({Mapping::low(size * sizeof(TallyGroup)), size});
    if (tally_memory_.back().memory.begin() == nullptr) system_out_of_memory();
  }
  TallyMemory& last = tally_memory_.back();
  newest_tallies_ = static_cast<TallyGroup*>(last.memory.begin()) + last.used;
  last.used += count;
  return newest_tallies_;
}

void TraceCounts::note(const Trace& trace, const std::vector<ExitSite>& exits) {
  paths_.resize(trace.id + 1);
  passes_[trace.id] = {};
  Path& path = paths_[trace.id] = {};
  path.steps = trace.path;
  path.is_bridge = trace.kind == TraceKind::kBridge;
  path.from = {trace.parent, trace.parent_exit};
  path.tallies = trace.tallies;
  path.groups = {newest_tallies_, trace.tally_groups};
  const auto start = std::ranges::find(trace.ins, IrOp::kLoopStart, &IrIns::op);
  const auto first_of_loop = static_cast<uint32_t>(start - trace.ins.begin());
  for (const ExitSite& site : exits) {
    Exit& exit = path.exits.emplace_back();
    exit.leaves_path = !site.is_return();
    exit.is_in_loop = site.ins > first_of_loop;
    exit.steps = exit.is_in_loop ? site.steps - trace.steps : site.steps;
  }
}

/// Adds the runs of a path's instructions in turns of the loop, or in those before; also to `runs`, by step.
void TraceCounts::add_turns(const Path& path, bool in_loop, uint64_t turns, std::vector<uint64_t>& runs) {
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
    runs[i] += turns;
    if (step.code != nullptr) counts_.add(*step.code, step.pc, turns);
    if (step.native != nullptr) counts_.add(*step.native, step.native->start, turns);
  }
}

/// Adds the runs of instructions in the arms of selects. `runs`: those of the path's steps.
void TraceCounts::add_arms(const Path& path, const std::vector<uint64_t>& runs) {
  std::vector<std::array<uint64_t, 2>> taken(path.tallies.size());  // by tag
  for (size_t i = 0; i < path.tallies.size(); ++i) {
    const ArmTally& tally = path.tallies[i];
    const uint64_t reached = tally.outer == i ? runs[tally.step] : taken[tally.outer][tally.arm];
    uint64_t ones = 0;
    for (size_t k = 0; k < path.groups[tally.group].size(); ++k) {
      if ((tally.ones >> k & 1) != 0) ones += path.groups[tally.group][k];
    }
    FBLE_ASSERT(ones <= reached);
    taken[i] = {reached - ones, ones};
    for (const uint32_t tag : {0, 1}) {
      for (const ArmTally::Step& step : tally.runs[tag]) {
        counts_.add(*step.code, step.pc, step.is_run ? taken[i][tag] : 0 - taken[i][tag]);
      }
    }
  }
  std::ranges::fill(path.groups, TallyGroup{});
}

void TraceCounts::add_up() {
  for (size_t i = 0; i < paths_.size(); ++i) {
    const Path& path = paths_[i];
    if (path.is_bridge) paths_[path.from.trace].exits[path.from.exit].taken += passes_[i].entries;
  }
  for (size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    std::vector<uint64_t> runs(path.steps.size());
    add_turns(path, false, passes_[i].entries, runs);
    add_turns(path, true, passes_[i].turns, runs);
    add_arms(path, runs);
    passes_[i] = {};
    for (Exit& exit : path.exits) exit.taken = 0;
  }
}

TraceCounts::Paused::Paused(TraceCounts& counts)
    : counts_(counts), passes_(counts.passes_, counts.passes_ + counts.paths_.size()) {
  for (const Path& path : counts.paths_) tallies_.emplace_back(path.groups.begin(), path.groups.end());
}

TraceCounts::Paused::~Paused() {
  std::ranges::copy(passes_, counts_.passes_);
  for (size_t i = 0; i < tallies_.size(); ++i) std::ranges::copy(tallies_[i], counts_.paths_[i].groups.begin());
}

}  // namespace fble
