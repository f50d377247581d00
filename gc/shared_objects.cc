#include "gc/shared_objects.h"

#include <algorithm>

namespace fble {

bool SharedObjects::begin(size_t old_words, bool marking) {
  if (rest_words_ != 0) return false;
  // Growing would confuse the steps of forget_unmarked.
  if (marking && table_.size() != 0) return true;
  const size_t most = next_rest_ == 0 ? kMostPlaces : kTrialPlaces;
  const size_t wanted = std::bit_ceil(std::clamp(old_words / kWordsPerPlace, kFewestPlaces, most));
  if (wanted <= table_.size()) return true;
  previous_ = std::move(table_);
  table_.power = static_cast<unsigned>(std::countr_zero(wanted));
  table_.places.reset(static_cast<Object**>(std::calloc(wanted, sizeof(Object*))));
  if (table_.places == nullptr) system_out_of_memory();
  return true;
}

void SharedObjects::end(size_t moved, size_t found) {
  tried_words_ += moved + found;
  found_words_ += found;
  const bool is_hopeless = tried_words_ >= kTrialWords / 4 && found_words_ * kHopeless < tried_words_;
  if (tried_words_ < kTrialWords && !is_hopeless) return;
  if (found_words_ * kWorthwhile >= tried_words_) {
    next_rest_ = 0;
  } else {
    rest();
  }
  tried_words_ = found_words_ = 0;
}

void SharedObjects::rest() {
  const size_t trials = std::max(next_rest_, kShortestRest);
  rest_words_ = std::max(tried_words_, kTrialWords) * trials;
  next_rest_ = std::min(2 * trials, kLongestRest);
  table_ = Table{};
  previous_ = Table{};
}

bool SharedObjects::forget_unmarked(const OldSpace& old, size_t places) {
  const size_t size = table_.size();
  const size_t all = size + previous_.size();
  for (; places > 0 && forget_at_ < all; --places, ++forget_at_) {
    Object*& object = forget_at_ < size ? table_.places[forget_at_] : previous_.places[forget_at_ - size];
    if (object != nullptr && !old.is_marked(object)) object = nullptr;
  }
  return forget_at_ >= all;
}

}  // namespace fble
