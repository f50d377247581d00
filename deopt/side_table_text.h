// Side tables as text: the output of `--dump=side-table` and the notation of tests.
//
//   exit 0                            or `return 0`; numbered in order
//     frame f0 +12 b0 memory          code, position in words, base; outermost first
//     frame f1 +0 b14 closure rbx
//     s2 = rax packed natural         slot, location, facts
//     s14 = v0 pointer
//     v0 = struct t0 (rcx v1)         virtuals: tag, fields
//     v1 = closure f1 (0x7 spill3)
//     v2 = packed_union t1 w2 (s3)    tag, width
//     v3 = packed_struct (rdx 0x5)
//     v4 = union t1 (v0)
//
// Locations are registers, `spillN`, slots `sN`, virtuals `vN`, constants in
// hexadecimal, or `fN` for the function value of a code object that captures nothing.
// Code objects are numbered as in the list that is passed; the printer gives the next
// numbers to those that are not in it. A comment extends from `;` to the end of the
// line.
//
// Tested by tests/unit/deopt/side_table_text_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deopt/side_table.h"

namespace fble {

std::string print_exits(std::span<const ExitEntry> exits, std::span<Code* const> codes);

/// Prints all exits, after a comment with their number and size in bytes.
std::string print_side_table(SideTableView table, std::span<Code* const> codes);

struct ExitsParse {
  std::vector<ExitEntry> exits;
  std::string error;  ///< "FILE:LINE:COL: error: MESSAGE", or empty
};

/// Parses the output of print_exits. Accepts any text: the result is exits, which verify_exit
/// may reject, or an error.
ExitsParse parse_exits(std::string_view text, std::string_view file_name, std::span<Code* const> codes);

}  // namespace fble
