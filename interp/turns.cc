#include "interp/turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fble {

namespace {

/// Random turns go to one of the threads that have been ready for the longest time, of this number at most: a choice
/// does not take longer when there are many.
constexpr uint32_t kMostCandidates = 256;

}  // namespace

uint32_t ThreadRandom::below(uint32_t n) {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 7;
  state_ ^= state_ << 17;
  return static_cast<uint32_t>((state_ >> 32) * n >> 32);
}

bool set_thread_param(ThreadParams& params, std::string_view name, uint32_t value) {
#define FBLE_THREAD_PARAM(row, default_value, doc) \
  if (name == #row) {                              \
    params.row = value;                            \
    return true;                                   \
  }
#include "interp/thread_params.def"
#undef FBLE_THREAD_PARAM
  return false;
}

std::string schedule_text(const Schedule& schedule) {
  std::string text;
  for (const Departure& departure : schedule) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", departure.turn, departure.thread);
  }
  return text;
}

std::optional<Schedule> parse_schedule(std::string_view text) {
  constexpr std::string_view kSeparators = ", \n\t\r";
  Schedule schedule;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    if (text.empty()) return schedule;
    Departure departure{};
    const char* const end = text.data() + text.size();
    auto [at, problem] = std::from_chars(text.data(), end, departure.turn);
    if (problem != std::errc{} || at == end || *at != ':') return std::nullopt;
    const auto [last, other_problem] = std::from_chars(at + 1, end, departure.thread);
    if (other_problem != std::errc{} || (last != end && kSeparators.find(*last) == std::string_view::npos))
      return std::nullopt;
    if (departure.turn <= (schedule.empty() ? 0 : schedule.back().turn)) return std::nullopt;
    schedule.push_back(departure);
    text.remove_prefix(static_cast<size_t>(last - text.data()));
  }
}

std::string Turns::take_misfit() {
  is_misfit_ = false;
  const Departure& departure = (*options_.schedule)[next_departure_ - 1];
  next_departure_ = options_.schedule->size();
  return fmt::format("the schedule does not fit the program: thread {} cannot have turn {}", departure.thread,
                     departure.turn);
}

VirtualThread* Turns::choose_and_note(VirtualThread* current, const ThreadList& ready) {
  VirtualThread* const usual = current != nullptr ? current : ready.first();
  const size_t candidates = ready.size() + (current != nullptr ? 1 : 0);
  if (is_misfit_) return nullptr;
  if (candidates == 1) return usual;
  ++turn_;
  VirtualThread* chosen = usual;
  if (is_random_) {
    uint32_t index = random_.below(static_cast<uint32_t>(std::min<size_t>(candidates, kMostCandidates)));
    if (current == nullptr || index-- != 0) {
      chosen = ready.first();
      while (index-- != 0) chosen = ThreadList::after(*chosen);
    }
  } else if (options_.schedule && next_departure_ < options_.schedule->size() &&
             (*options_.schedule)[next_departure_].turn == turn_) {
    const uint32_t wanted = (*options_.schedule)[next_departure_++].thread;
    if (usual->id != wanted) {
      chosen = ready.first();
      while (chosen != nullptr && chosen->id != wanted) chosen = ThreadList::after(*chosen);
      is_misfit_ = chosen == nullptr;
      if (is_misfit_) return nullptr;
    }
  }
  if (chosen != usual && options_.records) departures_.push_back({turn_, chosen->id});
  if (note_) {
    TurnChoice choice{.turn = turn_, .chosen = chosen->id, .others = {}};
    if (current != nullptr && current != chosen) choice.others.push_back(current->id);
    for (const VirtualThread* each = ready.first(); each != nullptr; each = ThreadList::after(*each)) {
      if (each != chosen) choice.others.push_back(each->id);
    }
    note_(std::move(choice));
  }
  return chosen;
}

}  // namespace fble
