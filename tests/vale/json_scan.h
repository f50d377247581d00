// Looks for a word in the strings that are values of a JSON text. Escapes are decoded, in place; names of members are
// skipped. The structure is checked, the form of numbers is not.
#pragma once

#include <cstdint>

#include "tests/vale/node.h"

namespace vale {

struct JsonScan {
  char* at;
  char* end;
  int depth = 0;
  bool found = false;
};

/// Reads a value. False if it is not JSON, or too deep. Calls itself for what is nested.
bool scan_value(int64_t is_concurrent, JsonScan& scan, Context& context);
/// Its wrapper, for callers that are concurrent.
bool scan_value_on_chunk(int64_t is_concurrent, JsonScan& scan, Context& context);

/// Reads a whole text.
bool scan_json(int64_t is_concurrent, JsonScan& scan, Context& context);

}  // namespace vale
