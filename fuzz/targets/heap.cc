// The heap against a model: a program of allocations, reads and collections.
#include "fuzz/oracle/heap_model.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(heap) {
  Choices choices = Choices::from_bytes(bytes);
  const std::string problem = check_heap(choices);
  require(problem.empty(), problem);
}
