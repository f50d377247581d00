// Which kinds of exits a process has taken: for tests/deopt/matrix.py.
//
// If the environment variable FBLE_DEOPT_MATRIX names a file, a line is added to it at
// the end of the process for each combination that occurred:
//
//   POSITION <tab> LOCATION <tab> REASON <tab> how often
//
//   position   "at OPCODE" for the instruction that the interpreter goes on with, "behind OPCODE" for a
//              frame that waits for a call's return, "behind over-application" for glue that does
//   location   where one of the frame's live values was, its closure included
//   reason     the IR instruction that left; for a mark whose turn it was, what its options ask for; "error" if
//              the interpreter then failed there
//
// Tested by tests/deopt/matrix.py.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "deopt/side_table.h"

namespace fble {

class DeoptMatrix {
 public:
  /// Null if nobody wants one.
  static std::unique_ptr<DeoptMatrix> if_wanted();
  explicit DeoptMatrix(std::string file) : file_(std::move(file)) {}
  ~DeoptMatrix();

  /// An exit is taken, or rehearsed.
  void note(const ExitEntry& entry, const char* reason);
  /// The exit noted last was taken, with the thread's frames as they are now.
  void note_taken(const Thread& thread);
  /// A run has ended: if by an error of the instruction at which the last exit was, that is another reason.
  void note_end(const Thread& thread);

 private:
  std::string file_;
  std::map<std::tuple<std::string, std::string, std::string>, uint64_t> counts_;
  std::vector<std::pair<std::string, const char*>> last_;  ///< positions and locations
  const uint32_t* taken_pc_ = nullptr;
  const Word* taken_fp_ = nullptr;
};

/// The ways in which the location holds its value; a virtual one may be several at once.
std::vector<const char*> location_kinds(const ExitEntry& entry, const Location& location, int32_t own_slot);

}  // namespace fble
