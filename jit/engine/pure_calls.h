// What a function can call: found from bytecode alone, for memos.
//
// Only calls of globals, and of functions in structs that globals hold, are followed. A function that calls anything
// else (an argument, what it has made, a native that reads or changes the world) or has a deopt point is not pure here,
// though it may be.
//
// Tested by tests/unit/jit/engine/memo_test.cc.
#pragma once

#include <vector>

#include "interp/code.h"
#include "interp/recursive_group.h"

namespace fble {

/// The functions that a function calls, directly and through others.
struct PureCalls {
  bool is_pure = false;              ///< no call of it can have an effect, or show that it happened
  std::vector<const Code*> reached;  ///< of a pure function, without natives; itself only if it is recursive

  bool reaches(const Code& code) const;
};

/// Follows the calls of a function. Globals that are not defined yet count as unknown.
PureCalls find_pure_calls(const Code& function, const Globals& globals);

}  // namespace fble
