// Makes the virtual values of one exit.
//
// An exit describes an object that the trace never made field by field. The fields may
// be virtual again, to any depth, shared, or in circles (functions that are defined
// together). Making them takes no recursion:
//
//  1 The words that the descriptions mention are copied into Carrier::exit_roots, where
//    a collection finds and updates them.
//  2 The room that all objects need is computed and reserved. This is the only collection.
//  3 Packed virtuals are computed in the order of the entry, in which each comes after
//    those that it names. Objects get their addresses.
//  4 All addresses are known, so the fields are written, and a circle needs no special case.
//  5 The virtuals are written to their slots and headers.
//
// After the collection of step 2 the frames below the innermost one count as old
// (interp/call_stack.h), but step 5 writes new objects into them: the watermark moves down.
//
// Tested by tests/unit/deopt/exit_test.cc.
#pragma once

#include "deopt/side_table.h"

namespace fble {

/// Makes the virtual values. Requires that rebuild_frames has run, that no other slots and
/// registers of the exit have changed since, and that read_virtual_roots has filled the
/// roots before it. Returns false, with an error raised, if there is no room.
bool materialize(Carrier& carrier, const ExitEntry& entry, Word* root);

/// Returns the heap words that the virtual objects of an exit take.
size_t words_needed(const ExitEntry& entry);

/// Does step 1. Must be called before the first write.
void read_virtual_roots(Carrier& carrier, const ExitEntry& entry, const Word* root);

}  // namespace fble
