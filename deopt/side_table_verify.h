// Checks a decoded exit against the bytecode where it continues.
//
// An exit that passes has these properties:
//  * positions are instructions of their code; those of outer frames, and all at a
//    return, are after a call; each frame lies where its caller's call puts it;
//  * only live slots are listed, ascending, with facts that do not contradict each other;
//  * nothing is kept in a register that has a role of its own (stack pointer, frame,
//    carrier, allocation pointer, table) nor in a spill slot that does not exist;
//  * virtuals come after those that they name, except in circles of objects; packed
//    ones have packed fields; headers fit the number of fields;
//  * at a return only values in memory are listed.
//
// Tested by tests/unit/deopt/side_table_verify_test.cc.
#pragma once

#include <span>
#include <string>

#include "deopt/side_table.h"

namespace fble {

/// Returns the first problem; empty if there is none.
std::string verify_exit(const ExitEntry& entry);

/// Runs decode_side_table, then verify_exit for each exit. Returns false, with a message, if there is a problem.
bool verify_side_table(SideTableView table, std::string* message, std::span<Code* const> codes = {});

}  // namespace fble
