// Small numbers for code objects, so that side tables name one in a byte or two.
//
// The process has one list. A code object gets its number at the first mention. An
// address keeps its number for ever, even after its code object is destroyed: the
// tables that used the number are destroyed as well, and the next code object at that
// address takes it over.
//
// Safe to use from several threads; a lookup takes no lock.
//
// Tested by tests/unit/deopt/side_table_test.cc.
#pragma once

#include <cstdint>

#include "interp/code.h"

namespace fble {

uint32_t number_of_code(Code* code);
/// Returns the code with the number; null if no code has it.
Code* code_of_number(uint64_t number);

/// Returns the code whose function value (Code::function_value) is the word, if the code has a
/// number; otherwise null. Any word is allowed.
Code* code_of_function(Word word);

}  // namespace fble
