// List cells as words or as objects.
//
// Problem. A union of two fields, such as a list cell, is a word where it fits (gc/value.h). So the last cells of a
// list of small numbers are one word, and those before are objects. Code that builds or walks such lists meets both in
// turn: it leaves one trace for the other in each list, and packing a cell costs more than allocating it.
//
// Idea. Both are the same value, so a function may make either. A function begins by making words where they fit. If
// hot code makes cells of it with a packed head both before words and before objects, it makes objects only from then
// on (Code::Cells), in the interpreter and in machine code: its traces are evicted. What is there already stays as it
// is.
//
// Functions whose cells all fit keep making words, and so do those of trees: where a part of a tree is an object, its
// neighbour mostly is one, too.
//
// Tested by tests/unit/jit/engine/cells_test.cc.
#pragma once

#include "interp/code.h"
#include "jit/ir/ir.h"

namespace fble {

/// Returns the function that has made cells of both kinds, if the guard has failed because of the kind of one; else
/// null. The exit has been left, to the instruction at `pc` of the frame.
Code* maker_of_both_cells(const uint32_t* pc, const Word* fp, IrOp guard);

}  // namespace fble
