// Any bytes: the front end reports an error, or makes sound core and bytecode.
#include "fuzz/oracle/front_end.h"

#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(front_end) {
  const std::string problem = check_front_end(as_text(bytes));
  require(problem.empty(), problem);
}
