// Exact counts of a run (interp/instruction_counts.h) by functions and lines, as text and for pprof.
//
// Tested by tests/unit/frontends/profile/run_counts_test.cc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/profile/call_tree.h"

namespace fble {

class InstructionCounts;

struct LineCounts {
  uint64_t times = 0;         ///< how often the instruction of the line that ran most often has run
  uint64_t instructions = 0;  ///< all that ran
};

/// The counts of the functions with one name and start.
struct FunctionCounts {
  ProfiledFunction function;
  uint64_t calls = 0;
  uint64_t instructions = 0;
  std::map<SourceLine, LineCounts> lines;  ///< that the instructions are from
};

/// Returns the functions that have run, those with the most instructions first. Natives are one instruction, and named
/// "[native /Std/Int%.Add]".
std::vector<FunctionCounts> counts_of_run(const InstructionCounts& counts);

/// Returns the table for the terminal.
std::string counts_text(const std::vector<FunctionCounts>& functions, size_t most_functions = 20);

/// Returns the files that lines which ran are in.
std::vector<std::string> counted_files(const std::vector<FunctionCounts>& functions);

/// Returns the source with the counts of each line. `file` is its name among the lines.
std::string annotated_counts(const std::vector<FunctionCounts>& functions, const std::string& file,
                             std::string_view source);

/// Returns the counts for pprof, with the values of `--profile`: calls and samples, which are instructions. A sample is
/// a line of a function.
std::string counts_pprof(const std::vector<FunctionCounts>& functions);

}  // namespace fble
