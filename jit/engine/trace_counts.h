// How often machine code has run each bytecode instruction (interp/instruction_counts.h).
//
// A trace is a straight line, so two counters in machine code are enough for all of its instructions: how often it was
// entered, and how often its loop has begun a turn. An instruction has run each time, except when the trace was left
// before it: by an exit to the interpreter, which is counted there, or by a bridge, which has counters of its own.
// Exits know how many instructions are before them (Snapshot::steps).
//
//   runs of step k = entries - exits taken with steps <= k - entries of bridges from these exits
//
// In a loop, which has one turn before its start, the same holds for the turns from there on. Calls end a trace, and
// what they return to is counted as a trace of its own.
//
// Where a trace computes both arms of a select, machine code counts its tags (Trace::tallies), alone or together with
// those of a select in an arm. The arm of tag 1 has run
// as often as the sum says, the other one in the remaining runs of the select.
//
// Tested by tests/unit/jit/engine/trace_counts_test.cc, and in all modes by tests/counts.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "interp/call_stack.h"
#include "jit/engine/compiled_traces.h"

namespace fble {

class TraceCounts {
 public:
  /// Makes room for the counters of as many traces as there may be at a time.
  TraceCounts(InstructionCounts& counts, uint32_t max_traces);

  /// Returns the counters of the trace that is about to be assembled.
  PassCounters& counters(uint32_t trace) const { return passes_[trace]; }
  /// Returns zeroed counters for the tallies of the trace that is about to be assembled.
  TallyGroup* new_tallies(size_t count);
  /// Notes the newest trace, which is assembled with the newest tallies. Replaces what was noted of one with its
  /// number.
  void note(const Trace& trace, const std::vector<ExitSite>& exits);
  void note_exit(ExitAddress exit) { ++paths_[exit.trace].exits[exit.exit].taken; }

  /// Adds what was counted since the last time to the instructions. Requires: no activation is in machine code.
  void add_up();
  /// Forgets all traces, after `add_up`.
  void forget_all() {
    paths_.clear();
    tally_memory_.clear();
  }

  /// Keeps machine code that runs meanwhile from being counted.
  class Paused {
   public:
    explicit Paused(TraceCounts& counts);
    ~Paused();
    Paused(const Paused&) = delete;

   private:
    TraceCounts& counts_;
    std::vector<PassCounters> passes_;
    std::vector<std::vector<TallyGroup>> tallies_;  ///< by trace
  };

 private:
  struct Exit {
    uint32_t steps = 0;        ///< the instructions before it, of the first turn or of a later one
    bool is_in_loop = false;   ///< it leaves a turn after the loop's start
    bool leaves_path = false;  ///< false for returns, which are behind the last instruction
    uint64_t taken = 0;        ///< since the last time
  };
  /// What there is of a trace.
  struct Path {
    std::vector<TraceStep> steps;
    std::vector<Exit> exits;
    bool is_bridge = false;
    ExitAddress from;  ///< of a bridge
    std::vector<ArmTally> tallies;
    std::span<TallyGroup> groups;  ///< their counters
  };
  /// Counters of tallies, of which the first ones are in use.
  struct TallyMemory {
    Mapping memory;
    size_t size = 0;
    size_t used = 0;
  };

  void add_turns(const Path& path, bool in_loop, uint64_t turns, std::vector<uint64_t>& runs);
  void add_arms(const Path& path, const std::vector<uint64_t>& runs);

  InstructionCounts& counts_;
  Mapping memory_;
  PassCounters* const passes_;  ///< by the number of the trace
  std::vector<Path> paths_;     ///< likewise
  std::vector<TallyMemory> tally_memory_;
  TallyGroup* newest_tallies_ = nullptr;
};

}  // namespace fble
