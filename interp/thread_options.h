// The options of virtual threads.
//
// Tested by tests/unit/frontends/cli/options_test.cc and tests/std/Threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fble {

struct ThreadParams {
#define FBLE_THREAD_PARAM(name, value, doc) uint32_t name = value;
#include "interp/thread_params.def"
#undef FBLE_THREAD_PARAM
};
/// Sets a parameter. Returns false if there is none of that name.
bool set_thread_param(ThreadParams& params, std::string_view name, uint32_t value);

/// A turn that goes to another thread than the usual order gives it to.
struct Departure {
  uint64_t turn;    ///< counted from 1, those with one thread to choose from left out
  uint32_t thread;  ///< its number, which is 1 + how many threads were started before it; 0 for the main thread
  bool operator==(const Departure&) const = default;
};
/// The departures of a run, in order of their turns.
using Schedule = std::vector<Departure>;

/// Returns the schedule as it is written, such as "3:1,7:0".
std::string schedule_text(const Schedule& schedule);
/// Returns the schedule in the text, which may have spaces and line ends between its parts; nothing if it is none.
std::optional<Schedule> parse_schedule(std::string_view text);

struct ThreadOptions {
  ThreadParams params;
  /// The seed of random turns; nothing for the usual order.
  std::optional<uint64_t> seed;
  /// The schedule of the turns, if they are not random.
  std::optional<Schedule> schedule;
  bool records = false;  ///< departures are noted (Turns::departures)
  /// If not 0, threads run ahead at about every n-th yield point.
  uint32_t yield = 0;
  /// If true, frames move at each switch.
  bool moves = false;
  bool log = false;  ///< a line per event to standard error

  bool has_turns() const { return seed || schedule; }
};

}  // namespace fble
