// Where a debugger begins to read a process or its core file. It needs no debug information: these names, and the table
// of offsets (jit/engine/debug_layout.h), are among the symbols of every build.
//
// Tested by tests/gdb/gdb_test.py.
#pragma once

#include <atomic>

#include "gc/activity.h"
#include "interp/native_stack.h"
#include "interp/whereabouts.h"

namespace fble {

struct Carrier;

/// What was set last counts, if a process has several machines.
struct DebugState {
  std::atomic<const Carrier*> carrier{nullptr};  ///< of the innermost run; null between runs
  std::atomic<const void*> code_begin{nullptr};  ///< the memory for machine code
  std::atomic<const void*> code_end{nullptr};    ///< its end, used or not
  std::atomic<const void*> traces{nullptr};      ///< the compiler's vector of traces, ascending by address
  std::atomic<const void*> layout{nullptr};      ///< the table of offsets
  const MachineCall* call = &machine_call;
  const std::atomic<Activity>* activity = &current_activity;
  void (*return_by_frame)() = &fble::return_by_frame;
};
extern "C" {
inline constinit DebugState fble_debug_state;  // NOLINT(readability-identifier-naming)
}

}  // namespace fble
