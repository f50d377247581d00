// The table of the virtual call, and the wrappers that take a chunk of stack. Compiled twice: the header has the sizes
// that stack_need.py computed from the program of before, and must compute from this one again.
#include <stack_need.h>

#include "tests/vale/chunk.h"
#include "tests/vale/json_scan.h"
#include "tests/vale/search.h"
#include "tests/vale/switch.h"

namespace vale {
namespace {

/// Calls the function on a chunk of the size that it needs.
template <const StackNeed& kNeed, typename Result, typename First>
inline Result call_on_chunk(Result (*function)(int64_t, First&, Context&), First& first, Context& context) {
  static_assert(chunk_size(kNeed) < kChunkSizes);
  using CallOn = Result(int64_t, First&, Context&, Result (*)(int64_t, First&, Context&), void*);
  Chunk* chunk = take_chunk(1, kNeed);
  auto* call_on = reinterpret_cast<CallOn*>(reinterpret_cast<void*>(vale_call_on));
  const Result result = call_on(1, first, context, function, chunk->top());
  release_chunk(1, chunk);
  return result;
}

Tally search_text_on_chunk(int64_t, Node& node, Context& context) {
  return call_on_chunk<stack_need::search_text>(search_text, node, context);
}

Tally search_json_on_chunk(int64_t, Node& node, Context& context) {
  return call_on_chunk<stack_need::search_json>(search_json, node, context);
}

Tally search_folder_on_chunk(int64_t, Node& node, Context& context) {
  return call_on_chunk<stack_need::search_folder>(search_folder, node, context);
}

Tally search_crowd_on_chunk(int64_t, Node& node, Context& context) {
  return call_on_chunk<stack_need::search_crowd>(search_crowd, node, context);
}

Tally search_dive_on_chunk(int64_t, Node& node, Context& context) {
  return call_on_chunk<stack_need::search_dive>(search_dive, node, context);
}

}  // namespace

bool scan_value_on_chunk(int64_t, JsonScan& scan, Context& context) {
  return call_on_chunk<stack_need::scan_value>(scan_value, scan, context);
}

const Kind kText{{search_text, search_text_on_chunk}, &stack_need::search_text, search_text_task};
const Kind kJson{{search_json, search_json_on_chunk}, &stack_need::search_json, search_json_task};
const Kind kFolder{{search_folder, search_folder_on_chunk}, &stack_need::search_folder, search_folder_task};
const Kind kCrowd{{search_crowd, search_crowd_on_chunk}, &stack_need::search_crowd, search_crowd_task};
const Kind kDive{{search_dive, search_dive_on_chunk}, &stack_need::search_dive, search_dive_task};

}  // namespace vale
