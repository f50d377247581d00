// Random traces through the passes: the model must see no difference.
#include "fuzz/oracle/traces.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(ir_passes) {
  const std::string problem = check_passes(TraceChoices::from(bytes));
  require(problem.empty(), problem);
}
