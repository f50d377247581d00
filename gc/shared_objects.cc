#include "gc/shared_objects.h"

#include <algorithm>

namespace fble {

bool SharedObjects::begin(size_t old_words, bool marking) {
  if (pause_words_ != 0) return false;
  // A growing table would break the steps of forget_unmarked.
  if (marking && table_.size() != 0) return true;
  const size_t most = next_pause_ == 0 ? kMostEntries : kTrialEntries;
  const size_t wanted = std::bit_ceil(std::clamp(old_words / kWordsPerEntry, kFewestEntries, most));
  if (wanted <= table_.size()) return true;
  previous_ = std::move(table_);
  table_.power = static_cast<unsigned>(std::countr_zero(wanted));
  table_.entries.reset(static_cast<Object**>(std::calloc(wanted, sizeof(Object*))));
  if (table_.entries == nullptr) system_out_of_memory();
  return true;
}

void SharedObjects::end(size_t moved, size_t found) {
  tried_words_ += moved + found;
  found_words_ += found;
  const bool is_hopeless = tried_words_ >= kTrialWords / 4 && found_words_ * kHopelessOneIn < tried_words_;
  if (tried_words_ < kTrialWords && !is_hopeless) return;
  if (found_words_ * kWorthwhileOneIn >= tried_words_) {
    next_pause_ = 0;
  } else {
    back_off();
  }
  tried_words_ = found_words_ = 0;
}

void SharedObjects::back_off() {
  const size_t trials = std::max(next_pause_, kShortestPause);
  pause_words_ = std::max(tried_words_, kTrialWords) * trials;
  next_pause_ = std::min(2 * trials, kLongestPause);
  table_ = Table{};
  previous_ = Table{};
}

bool SharedObjects::forget_unmarked(const OldSpace& old, size_t entries) {
  const size_t size = table_.size();
  const size_t all = size + previous_.size();
  for (; entries > 0 && forget_at_ < all; --entries, ++forget_at_) {
    Object*& object = forget_at_ < size ? table_.entries[forget_at_] : previous_.entries[forget_at_ - size];
    if (object != nullptr && !old.is_marked(object)) object = nullptr;
  }
  return forget_at_ >= all;
}

}  // namespace fble
