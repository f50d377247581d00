// Makes programs with threads that end: forks in scopes, channels, sleeps, stops, errors, and what handles them.
//
// A program says numbers and a few words by the native Say, which the oracle has (fuzz/oracle/modes_agree.h). For the
// command line, Say writes to standard output.
//
// Tested by fuzz/tests/thread_gen_test.cc.
#pragma once

#include "fuzz/gen/choices.h"
#include "fuzz/gen/program_gen.h"

namespace fble {

/// Its `threads` has a value. The module's value is the external computation to run.
GeneratedProgram generate_thread_program(Choices& choices);

/// The words that programs say besides numbers: tags 1 and up of the argument of Say; tag 0 has a number.
inline constexpr const char* kThreadWords[] = {"sent", "unsent", "none", "ok", "error"};

}  // namespace fble
