// Counts the kinds of exits that a process has taken, for tests/deopt/matrix.py.
//
// If the environment variable FBLE_DEOPT_MATRIX names a file, a line is added to it at
// the end of the process for each combination that occurred:
//
//   POSITION <tab> LOCATION <tab> REASON <tab> count
//
//   position   "at OPCODE" for the instruction at which the interpreter continues, "behind OPCODE" for a
//              frame that waits for a call's return, "behind over-application" for glue that does
//   location   the kind of place of one of the frame's live values, its closure included
//   reason     the IR instruction that left; for a deopt point whose turn it was, its option; "error" if
//              the interpreter then failed there
//
// Tested by tests/deopt/matrix.py.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "deopt/side_table.h"
#include "interp/run_error.h"

namespace fble {

class DeoptMatrix {
 public:
  /// Returns the matrix; null if the environment variable is not set.
  static std::unique_ptr<DeoptMatrix> if_wanted();
  explicit DeoptMatrix(std::string file) : file_(std::move(file)) {}
  ~DeoptMatrix();

  /// Notes an exit that is taken, or rehearsed.
  void note(const ExitEntry& entry, const char* reason);
  /// Notes that the last exit was taken, and the position at which the interpreter continues.
  void note_taken(const uint32_t* pc, const Word* fp);
  /// Notes the end of a run: an error of the instruction at the last exit is another reason.
  void note_end(const uint32_t* pc, const Word* fp, const RunError& error);

 private:
  std::string file_;
  std::map<std::tuple<std::string, std::string, std::string>, uint64_t> counts_;
  std::vector<std::pair<std::string, const char*>> last_;  ///< positions and locations
  const uint32_t* taken_pc_ = nullptr;
  const Word* taken_fp_ = nullptr;
};

/// Returns the ways in which the location holds its value; a virtual one may have several.
std::vector<const char*> location_kinds(const ExitEntry& entry, const Location& location, int32_t own_slot);

}  // namespace fble
