// The stack that functions need, computed from their code.
//
// A function needs its own frame, and at each call of a function that is known the frame and the need of that, from
// the callee's place on: need(f) = max(frame(f), max over calls of distance + need(callee)). A tail call replaces the
// frame, so its distance is 0. Callees are known by following the values of functions, modules and captures along the
// code. Two things cut the sum off: recursion, and calls of functions that are values.
//
// Where nothing is cut off, no run uses more (interp/stack_use.h).
//
// Tested by tests/unit/interp/stack_need_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "interp/code.h"

namespace fble {

class NativeTable;

/// In words, from the header of the function's frame.
struct StackNeed {
  size_t frame = 0;
  size_t words = 0;              ///< with all callees that are known
  bool calls_unknown = false;    ///< it calls functions that are not known, or a callee does
  bool is_recursive = false;     ///< it calls itself otherwise than by tail calls
  bool calls_recursive = false;  ///< a callee does

  /// Returns whether no run uses more.
  bool is_bound() const { return !calls_unknown && !is_recursive && !calls_recursive; }
};

/// Returns what each function of a program needs. Requires: the program has passed bytecode_verify.
std::unordered_map<const Code*, StackNeed> stack_needs(const ProgramCode& program, const NativeTable& natives);

}  // namespace fble
