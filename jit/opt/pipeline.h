// The passes in order: what becomes of a trace between recorder and assembler.
#pragma once

#include <memory>
#include <string_view>

#include "jit/ir/builder.h"

namespace fble {

/// The forward passes, run on each instruction as it is recorded: fold, cse,
/// forward_loads, guards (see pipeline.cc for the order and why).
std::unique_ptr<IrBuilder> make_builder(Trace& trace);

/// The backward passes on a complete trace, to be called once, after the last
/// instruction: peel_loop (a tail_call of the trace's own function becomes a
/// loop in registers), dce, sink, alloc_check.
void optimize(Trace& trace);
/// The same without peel_loop: the tail call stays one.
void optimize_without_loop(Trace& trace);

/// Runs the named pass alone, for tests. False if there is none of that name.
bool run_pass(std::string_view name, Trace& trace);

}  // namespace fble
