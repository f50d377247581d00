#include "tests/vale/runtime.h"

#include "tests/vale/switch.h"

namespace vale {

Runtime* runtime = nullptr;

extern "C" void vale_perform(Operation& operation) { runtime->perform(operation); }

}  // namespace vale
