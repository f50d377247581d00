// The allocation sampler: which calls allocate, and how much of it survives.
//
// It lowers the limit that allocations compare with, in the interpreter and in machine code alike, so the allocation
// that crosses a random place takes the slow path, at its position in the interpreter. That costs nothing in between.
// Machine code compares once for several objects and then leaves: the interpreter makes them one by one, so the one
// that crosses the place is found. What leaving itself makes (deopt/materialize.h) counts for where the interpreter
// continues.
// Distances between the places are random with an exponential distribution, so each byte has the same chance to be
// sampled, whatever the program's periods are. A sample counts for the average distance.
//
// An allocation may need less than it asks for: a value that turns out to fit into a word needs none. So a sample is
// settled at the next one or at the next collection, which show whether memory was used.
//
// The object of a sample is followed: a minor collection moves it if it survives, and later a marking of the old space
// reaches it or not. An object that is found equal to an old one (gc/shared_objects.h) has survived, too.
//
// Tested by tests/unit/frontends/cli/profile_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "interp/sampler.h"

namespace fble {

class Machine;

struct AllocationSamplerOptions {
  uint64_t period_bytes = uint64_t{512} << 10;  ///< between samples, on average
  uint64_t seed = 1;
};

/// One at a time for a machine, which does not run when it comes or goes. The nanoseconds of its table are
/// bytes.
class AllocationSampler final : public SurvivalObserver {
 public:
  AllocationSampler(Machine& machine, const AllocationSamplerOptions& options);
  ~AllocationSampler() override;
  AllocationSampler(const AllocationSampler&) = delete;

  const SampleTable& table() const { return walker_.table(); }
  /// Returns the number of samples whose stack does not reach the root.
  uint64_t broken() const { return walker_.broken(); }

  /// Returns the limit up to which no allocation is sampled.
  Word* limit() const { return reinterpret_cast<Word*>(next_); }
  /// Takes a sample if `words` words at `ap`, which are allocated next, pass the limit. Afterwards they are below it.
  void note(Word* ap, size_t words);
  /// Settles what is pending, and samples no more. Called when the run has ended.
  void finish();
  /// Called before and after collections: allocation continues elsewhere.
  void leave_nursery(const Word* ap);
  void enter_nursery(const Word* ap) { next_ = reinterpret_cast<uintptr_t>(ap) + bytes_left_; }

  void after_minor_collection(bool is_adopted) override;
  void marking_begins() override;
  void marking_ends(const OldSpace& old) override;

 private:
  struct Sample {
    Object* object;
    uint32_t leaf;  ///< in the table
    uint64_t bytes;
    bool is_in_marking = false;  ///< moved while a marking was under way, which says nothing about it
  };
  /// A sample whose allocation may not happen.
  struct Pending {
    Sample sample;
    uintptr_t before;  ///< the limit if it does not
    uintptr_t after;   ///< the limit if it does
  };

  uint64_t next_distance();
  void settle(const Word* ap);

  Machine& machine_;
  const AllocationSamplerOptions options_;
  Sampler walker_;
  uintptr_t next_ = 0;       ///< the next place, in the nursery or beyond
  uint64_t bytes_left_ = 0;  ///< from where allocation is to it, while there is no nursery
  uint64_t random_;
  bool is_pending_ = false;
  Pending pending_{};
  std::vector<Sample> young_;
  std::vector<Sample> old_;
  bool is_marking_ = false;
};

}  // namespace fble
