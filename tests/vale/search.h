// The overrides of the virtual call: searches as plain functions, which wait where they are (search.cc), and as
// coroutines (search_task.cc). What they do is the same.
#pragma once

#include "tests/vale/node.h"

namespace vale {

Search search_text;
Search search_json;
Search search_folder;
Search search_crowd;
Search search_dive;

Task<Tally> search_text_task(Node& node, Context& context);
Task<Tally> search_json_task(Node& node, Context& context);
Task<Tally> search_folder_task(Node& node, Context& context);
Task<Tally> search_crowd_task(Node& node, Context& context);
Task<Tally> search_dive_task(Node& node, Context& context);

}  // namespace vale
