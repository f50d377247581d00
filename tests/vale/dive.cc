#include "tests/vale/dive.h"

namespace vale {

void fork_all(Crowd& crowd, Context& context, Join& join) {
  int64_t begun = 0;
  while (begun != static_cast<int64_t>(crowd.dives.size()) &&
         context.runtime.fork(*crowd.dives[static_cast<size_t>(begun)], context, join)) {
    ++begun;
  }
  context.runtime.expect_reads(begun);
}

}  // namespace vale
