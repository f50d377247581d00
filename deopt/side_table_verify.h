// Checks of a decoded exit against the bytecode it goes back to.
//
// What holds for an exit that passes:
//  * positions are instructions of their code; those of outer frames, and all at a
//    return, are behind a call; each frame lies where its caller's call puts it;
//  * only live slots are listed, ascending, with facts that do not contradict each other;
//  * nothing is kept in a register that has a role of its own (stack pointer, frame,
//    thread, allocation pointer, table) nor in a spill slot that does not exist;
//  * virtuals come after those that they name, but for circles of objects; packed ones
//    have packed fields; headers fit the number of fields;
//  * at a return nothing is listed that is not in memory.
//
// Tested by tests/unit/deopt/side_table_verify_test.cc.
#pragma once

#include <span>
#include <string>

#include "deopt/side_table.h"

namespace fble {

/// Empty if all is well, otherwise the first problem.
std::string verify_exit(const ExitEntry& entry);

/// decode_side_table, then verify_exit for each exit. False, with a message, if something is wrong.
bool verify_side_table(const SideTable& table, std::string* message, std::span<Code* const> codes = {});

}  // namespace fble
