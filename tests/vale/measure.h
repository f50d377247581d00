// Measurements of a runtime without files. Each prints a line.
#pragma once

#include <cstdint>

#include "tests/vale/runtime.h"

namespace vale {

/// Memory while `count` searches wait at the bottom of `depth` virtual calls: how many could be begun, and the bytes
/// that are resident for them in the process, and used for them by the system's kernel.
void measure_waiting(Runtime& runtime, int64_t count, int64_t depth);

/// Processor time of a switch: two searches leave each other `rounds` turns at the bottom of `depth` virtual calls.
void measure_switch(Runtime& runtime, int64_t rounds, int64_t depth);

/// Processor time of `depth` virtual calls, one inside the other, with the start of the search: the mean of `rounds`.
void measure_call(Runtime& runtime, int64_t rounds, int64_t depth);

}  // namespace vale
