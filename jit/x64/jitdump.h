// Writes machine code with its source lines for `perf`: the format "jitdump" of
// tools/perf/Documentation/jitdump-specification.txt in the sources of Linux.
//
//   perf record -k mono ...; perf inject -j -i perf.data -o with-code.data; perf annotate -i with-code.data
//
// The file is /tmp/jit-PID.dump. It is made as the names' file is (jit/x64/perf_map.h), and perf finds it because a
// page of it is mapped to be executed. Tested by tests/unit/frontends/cli/perf_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "jit/x64/code_map.h"

namespace fble {

/// Returns whether the environment has FBLE_JIT_PERF=dump.
bool jitdump_wanted();

/// Returns the name of this process's file.
std::string jitdump_name();

/// Appends the machine code of the map, with a line for each row. Failures to write are ignored; that the file cannot
/// be made is logged once.
void jitdump_add(const CodeMap& map, std::string_view name);

}  // namespace fble
