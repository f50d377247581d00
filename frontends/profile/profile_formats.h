// Profiles as text and in the formats of other tools.
//
// Tested by tests/unit/frontends/profile/profile_formats_test.cc.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "frontends/profile/call_tree.h"

namespace fble {

/// Returns the table for the terminal: what was measured, and the functions with the most time of their own, or for
/// allocations the lines with the most bytes, and how many of these survived.
std::string profile_text(const CallTree& tree, size_t most_functions = 20);

/// Returns the first line of it: what was measured.
std::string measured_text(const CallTree& tree);

/// Returns what fits into a terminal of that size: the functions and lines with the most time of their own.
std::string live_picture(const CallTree& tree, size_t rows, size_t columns);

/// Returns the source with the share of each line: its own time, and that with what it calls. `file` is its name in the
/// profile.
std::string annotated_source(const CallTree& tree, const std::string& file, std::string_view source);

/// Returns the heading and the source, each line with its number and, before that, what `before(number)` returns.
std::string annotated_lines(std::string heading, std::string_view source,
                            const std::function<std::string(uint32_t)>& before);

/// Returns a line for each path with time of its own, for flame graph tools: names from the root on, separated by
/// semicolons, a space and the number of microseconds, or of bytes.
std::string folded_stacks(const CallTree& tree);

/// Returns the profile for https://www.speedscope.app (file-format-schema.json), one sample for each path with time of
/// its own.
std::string speedscope_json(const CallTree& tree, std::string_view name);

/// Returns the profile for pprof (profile.proto), which also reads it compressed (frontends/html/gzip.h). The values
/// are samples and nanoseconds, or bytes and those that survived; labels say which tier ran the code, and the number of
/// the trace.
std::string sampled_pprof(const CallTree& tree);

/// Returns a page with a flame graph, a call tree and a table of functions. It needs no other file and makes no
/// request.
std::string flame_page(const CallTree& tree, std::string_view title);

/// Returns the text as a JSON string, also safe in a script of a page. What is not UTF-8 is replaced.
std::string json_string(std::string_view text);

}  // namespace fble
