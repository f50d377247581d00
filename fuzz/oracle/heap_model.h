// The oracle for the heap: takes the same steps on the heap and on a model, and compares them.
#pragma once

#include <string>

#include "fuzz/gen/choices.h"

namespace fble {

/// Makes objects, forgets some, patches placeholders, collects, and compares the
/// reachable objects with the model until the choices are used up. Returns an empty text
/// if they agree.
std::string check_heap(Choices& choices);

}  // namespace fble
