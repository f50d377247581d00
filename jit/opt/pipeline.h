// The passes in order: the way of a trace from recorder to assembler.
// Tested by tests/unit/jit/opt/passes_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "jit/ir/builder.h"

namespace fble {

/// Makes the builder of a trace. It runs the forward passes on each recorded
/// instruction: fold, forward_loads, guards, cse (pipeline.cc explains the
/// order).
std::unique_ptr<IrBuilder> make_builder(Trace& trace);

/// Runs the passes on a complete trace. Call it once, after the last
/// instruction: peel_loop (a tail_call of the trace's own function becomes a
/// loop in registers), dce, sink, alloc_check, dce.
void optimize(Trace& trace);
/// Runs the same passes without peel_loop: the tail call stays.
void optimize_without_loop(Trace& trace);

/// Called with the trace before the first pass, under the name "recording", and after each pass.
using PassListener = std::function<void(const char* pass, const Trace& trace)>;
/// Does what one of the above does, and shows the trace to the listener, which may be empty.
void run_passes(Trace& trace, bool with_loop, const PassListener& listener);

/// Runs the named pass alone, for tests. Returns false if there is none of that name.
bool run_pass(std::string_view name, Trace& trace);

}  // namespace fble
