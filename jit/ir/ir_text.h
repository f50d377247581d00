// Traces as text: the output of `--dump=ir` and the notation of the tests of passes.
//
//   code c0 "/A%.f" arity 2 captures 1      code objects that the trace names
//   trace 4 function c0 extent 12           or `bridge`, `continuation`
//   parent 2 exit 7                         of bridges and continuations
//   callee_base 5                           of continuations
//   inherited register rax                  or: spill 3, constant 0x5, slot 4; one per value, in order
//   {
//     %0 = slot 0
//     assume %0 packed tag 1                known without a guard
//     is_packed %0 @s0                      @: the snapshot
//     %2 = packed_arg %0 1  at c0+14        at: the bytecode it comes from
//     %3 = new 0x100000101 (%2) @s1         lists in parentheses
//     tail_call %1 c0 (%3)
//   }
//   snapshot s0
//     frame c0+12 base 0 memory             code + words from its start; `memory`: the header is written
//     frame c1+5 base 9 closure %7
//     slot 3 %5 packed natural
//
// The operands are those of the instruction's row, in order: references, plain numbers, a word
// in hexadecimal, a code object (`-` if there is none), a list. A constant that is the function
// value of a code object is `&c1`. After the operands come the flags `recursive`, `sunk`, `fits`
// and `raw`. Each instruction has a number, even without a result. Names of references and
// snapshots may be any words when parsed; they are numbered by order. A comment extends from `;`
// to the end of the line.
//
// Tested by tests/unit/jit/ir/ir_text_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jit/ir/trace.h"

namespace fble {

const char* trace_kind_text(TraceKind kind);

std::string to_text(const Trace& trace);

/// Returns one instruction as text, without newline.
std::string to_text(const Trace& trace, IrRef ref);

std::string to_text(const Facts& facts);

/// The instructions of a trace, one text each, without snapshots and positions.
struct TraceListing {
  std::vector<std::string> instructions;
  std::vector<const Code*> codes;  ///< the instructions mention codes[0] as c0, and so on
};
TraceListing list_trace(const Trace& trace);

/// The properties of a code object that a trace's text mentions.
struct CodeMention {
  uint32_t index = 0;
  std::string block;
  uint32_t arity = 0;
  uint32_t captures = 0;
};
/// Returns the code object; null if there is none.
using CodeResolver = std::function<Code*(const CodeMention& mention)>;

struct TraceParse {
  std::unique_ptr<Trace> trace;  ///< null after an error
  std::string error;             ///< "FILE:LINE: error: MESSAGE"
};

/// Parses the output of to_text. Accepts any text: the result is a trace, which
/// ir_verify may reject, or an error.
TraceParse parse_trace(std::string_view text, std::string_view file_name, const CodeResolver& resolve);

}  // namespace fble
