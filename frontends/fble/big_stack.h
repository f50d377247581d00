// Room for recursion over programs of any nesting.
// Tested by tests/unit/frontends/fble/parser_test.cc.
#pragma once

#include <cstddef>
#include <functional>

namespace fble {

/// Runs the function to its end on a thread with a stack as large as the
/// machine's memory allows, and passes on what it throws. Calls within such a
/// function run it in place, and so do calls where no larger stack can be
/// allocated.
void run_on_big_stack(const std::function<void()>& function);

/// Runs the function in place if that leaves it `bytes` bytes of the stack, and otherwise on a large one.
void run_with_stack(size_t bytes, const std::function<void()>& function);

/// Returns whether the calling thread should not recurse any further. Recursive
/// functions ask at each level. The reserve is enough for functions that do not
/// recurse.
bool stack_nearly_exhausted();

}  // namespace fble
