#include "interp/allocation_sampler.h"

#include <cmath>
#include <utility>

#include "gc/activity.h"
#include "interp/machine.h"

namespace fble {

AllocationSampler::AllocationSampler(Machine& machine, const AllocationSamplerOptions& options)
    : machine_(machine), options_(options), walker_(machine.carrier(), {}), random_(options.seed) {
  bytes_left_ = next_distance();
  machine.sample_allocations(this);
}

AllocationSampler::~AllocationSampler() { finish(); }

void AllocationSampler::finish() { machine_.sample_allocations(nullptr); }

/// Returns a random distance with an exponential distribution (xorshift).
uint64_t AllocationSampler::next_distance() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const double fraction = (static_cast<double>(random_ >> 11) + 1) / static_cast<double>(uint64_t{1} << 53);
  return 1 + static_cast<uint64_t>(-std::log(fraction) * static_cast<double>(options_.period_bytes));
}

/// Decides whether the allocation of the pending sample has happened: then the allocation pointer is beyond it.
void AllocationSampler::settle(const Word* ap) {
  if (!is_pending_) return;
  is_pending_ = false;
  if (ap > reinterpret_cast<const Word*>(pending_.sample.object)) {
    next_ = pending_.after;
    if (pending_.sample.leaf != 0) young_.push_back(pending_.sample);
  } else {
    next_ = pending_.before;
    walker_.take_back(pending_.sample.leaf, pending_.sample.bytes);
  }
}

void AllocationSampler::note(Word* ap, size_t words) {
  settle(ap);
  const auto begin = reinterpret_cast<uintptr_t>(ap);
  const uintptr_t end = begin + words * sizeof(Word);
  if (end <= next_) return;
  uint64_t bytes = 0;
  uintptr_t after = next_;
  do {
    bytes += options_.period_bytes;
    after += next_distance();
  } while (after < end);
  // Leaving machine code makes what the program has asked for.
  const Doing doing(Activity::kProgram);
  const uint32_t leaf = walker_.sample({}, bytes);
  is_pending_ = true;
  pending_ = {.sample = {.object = reinterpret_cast<Object*>(ap), .leaf = leaf, .bytes = bytes},
              .before = next_,
              .after = after};
  next_ = end;
}

void AllocationSampler::leave_nursery(const Word* ap) {
  settle(ap);
  const auto at = reinterpret_cast<uintptr_t>(ap);
  bytes_left_ = next_ > at ? next_ - at : 0;
}

// ---- survivors --------------------------------------------------------------

void AllocationSampler::after_minor_collection(bool is_adopted) {
  for (Sample& sample : young_) {
    if (!is_adopted && !sample.object->is_forwarded()) continue;
    if (!is_adopted) sample.object = sample.object->forwarded_to();
    walker_.note_survivor(sample.leaf, Survived::kMinor, sample.bytes);
    sample.is_in_marking = is_marking_;
    old_.push_back(sample);
  }
  young_.clear();
}

void AllocationSampler::marking_begins() { is_marking_ = true; }

void AllocationSampler::marking_ends(const OldSpace& old) {
  is_marking_ = false;
  std::erase_if(old_, [&](Sample& sample) {
    if (std::exchange(sample.is_in_marking, false)) return false;
    if (old.is_marked(sample.object)) walker_.note_survivor(sample.leaf, Survived::kFull, sample.bytes);
    return true;
  });
}

}  // namespace fble
