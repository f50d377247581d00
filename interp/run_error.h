// Run-time errors: a message and the stack trace, innermost call first.
//
// Tested by tests/unit/interp/interpreter_test.cc and the run-time errors of tests/lang.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gc/value.h"
#include "interp/loc.h"

namespace fble {

/// A line of a run-time error: its location, its block, and for the first line the message.
struct ErrorLine {
  Loc loc;
  std::string block;
  std::string message;
};

struct RunError {
  std::vector<ErrorLine> lines;  ///< innermost first
  std::string notes;             ///< lines of text that follow them
  bool out_of_memory = false;    ///< the heap or the call stack could not grow
  bool interrupted = false;
  bool output_failed = false;  ///< an output of the process could not be written

  /// Returns whether the program is to end, whatever it does about errors.
  bool is_final() const { return out_of_memory || interrupted || output_failed; }
  /// Returns the first of the lines below, without its end.
  std::string first_line() const;
  /// Returns "FILE:L:C: error: in BLOCK: MESSAGE" lines, then the notes; long traces are shortened in the middle.
  std::string render() const;
};

/// Makes an error of the frame `fp`, whose position is `pc`, and its callers. The first line has the message,
/// and `loc` as its location if that is not null.
RunError make_error(const uint32_t* pc, const Word* fp, const Loc* loc, const std::string& message);

/// Returns the innermost lines of a stack trace, at most `most`, without a message.
std::vector<ErrorLine> innermost_lines(const uint32_t* pc, const Word* fp, size_t most);

}  // namespace fble
