// Making the virtual values of one exit.
//
// An object that a trace never made is known at an exit field by field, and the fields
// may be virtual again, to any depth, shared, or in circles (functions that are defined
// together). Making them takes no recursion:
//
//  1 the words that the descriptions mention are copied into Thread::exit_roots, where
//    a collection finds and updates them;
//  2 the room that all objects need is counted, and made: this is the only collection;
//  3 packed virtuals are computed in the order of the entry, in which each comes after
//    those that it names; objects get their addresses;
//  4 with all addresses known the fields are written, so a circle is nothing special;
//  5 the virtuals are written to the slots and headers that wait for them.
//
// After the collection of step 2 the frames below the innermost one count as old
// (interp/call_stack.h), but step 5 writes new objects into them: the watermark moves down.
//
// Tested by tests/unit/deopt/exit_test.cc.
#pragma once

#include "deopt/side_table.h"

namespace fble {

/// Requires what rebuild_frames leaves behind, with the slots and registers of the exit as
/// they were but for what that has written: `roots` as read_virtual_roots filled it before.
/// False, with an error raised, if there is no room.
bool materialize(Thread& thread, const ExitEntry& entry, Word* root);

/// What the virtual objects of an exit take in the heap.
size_t words_needed(const ExitEntry& entry);

/// Step 1; to be called before anything is written.
void read_virtual_roots(Thread& thread, const ExitEntry& entry, const Word* root);

}  // namespace fble
