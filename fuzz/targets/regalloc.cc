// Random traces through the register allocator: its plan is checked symbolically.
#include "fuzz/oracle/traces.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(regalloc) {
  const std::string problem = check_registers(TraceChoices::from(bytes));
  require(problem.empty(), problem);
}
