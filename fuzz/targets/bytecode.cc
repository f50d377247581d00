// Any text as bytecode: it is accepted or rejected, and prints as it was parsed.
#include "fuzz/oracle/front_end.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(bytecode) {
  const std::string problem = check_bytecode_text(as_text(bytes));
  require(problem.empty(), problem);
}
