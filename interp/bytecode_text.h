// Bytecode as text: the output of `--dump=bytecode`, the notation of tests, and
// the input of the fuzzer for the verifier.
//
//   globals 2
//   name "/A%"                          one per global, in order
//   module "/A%" code 0 global 0
//   deopt_point "A.fble":3:5 after=2 gc        deopt-here! comments, in order
//
//   code 0 "/A%" at "A.fble":1:0        number, block, location
//     arity 0 slots 9 captures 0        then `glue` if it is that
//     functions 1                       numbers of code objects: f0, f1...
//     constants 0x3 0x7                 words: k0, k1...
//     literal global 1 alphabet (0/2) (1/2 0/3) letters 0 1 1
//     foreign "/Std/Io%" "Get" at 3:4
//   {
//     constant s0 k0
//     select s0 w1 [L12 L7]  at 4:2
//   L7:
//     call s1 (s0 s2) s3 b7  at 5:9
//     ...
//   }
//
// The operands of an instruction are those of its row in opcodes.def: slots s,
// globals g, constants k, captures c, functions f, widths w, frame bases b, plain
// numbers and lists; a plain number among the values of `choose` is a packed word. The length of a list is not written,
// only counted. A jump names a label, or is `+n` for n words from the instruction's start.
//
// `at L:C` gives the location of the instruction, in the file of the code object
// unless another is named; `at +n L:C` that of its first n words. A comment extends
// from `;` to the end of the line. Every program can be printed, even if
// bytecode_verify rejects it: `words` lists words that are no instruction,
// `location END L:C` an entry of a location table that is not in order.
//
// Tested by tests/unit/interp/bytecode_text_test.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "interp/code.h"

namespace fble {

std::string print_bytecode(const ProgramCode& program);

/// Prints one instruction, without location and newline. `offset` may be anywhere.
std::string print_instruction(const Code& code, uint32_t offset);

struct BytecodeParse {
  std::unique_ptr<ProgramCode> program;  ///< null after an error
  std::string error;                     ///< "FILE:LINE:COL: error: MESSAGE"
};

/// Parses the output of print_bytecode. Accepts any text: the result is a
/// program, which bytecode_verify may reject, or an error.
BytecodeParse parse_bytecode(std::string_view text, std::string_view file_name);

/// Returns the same as instruction_length, for any words: 0 if they do not
/// start with a whole instruction.
uint32_t whole_instruction_length(std::span<const uint32_t> words);

}  // namespace fble
