// Small numbers for code objects, so that side tables name one in a byte or two.
//
// One list for the process, given out at the first mention. An address keeps its number
// for good, also when its code object is gone: whoever had the number is gone as well,
// and the next code object at that address takes it over.
//
// Safe to use from several threads; looking up takes no lock.
//
// Tested by tests/unit/deopt/side_table_test.cc.
#pragma once

#include <cstdint>

#include "interp/code.h"

namespace fble {

uint32_t number_of_code(Code* code);
/// Null if the number was not given out.
Code* code_of_number(uint64_t number);

/// The code whose function value (Code::function_value) the word is, if the code has a number;
/// otherwise null. The word may be anything.
Code* code_of_function(Word word);

}  // namespace fble
