#include "interp/bytecode.h"

namespace fble {

namespace {

constexpr OpInfo kOpInfos[] = {
#define FBLE_OP(Name, text, operands, effects, doc) {text, operands, effects, doc},
#include "interp/opcodes.def"
#undef FBLE_OP
};

}  // namespace

const OpInfo& op_info(Op op) { return kOpInfos[static_cast<size_t>(op)]; }

uint32_t instruction_length(const uint32_t* words) {
  uint32_t at = 1;
  uint32_t list = 0;
  for (const char* operand = op_info(static_cast<Op>(words[0])).operands; *operand != 0; ++operand) {
    switch (*operand) {
      case 'N': list = words[at++]; break;
      case 'L':
      case 'T':
      case 'P':
      case 'V': at += list; break;
      default: ++at;
    }
  }
  return at;
}

}  // namespace fble
