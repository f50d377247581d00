// The rows of ir_ops.def as tables.
#include "jit/ir/ir.h"

namespace fble {

namespace {

constexpr IrOpInfo kInfos[] = {
#define FBLE_IR(Name, text, operands, result, effects, doc) {text, operands, result, effects, doc},
#include "jit/ir/ir_ops.def"
#undef FBLE_IR
};
static_assert(std::size(kInfos) == static_cast<size_t>(IrOp::kCount));

/// Bit c - 'a' for each effect.
constexpr uint32_t effect_mask(const char* effects) {
  uint32_t mask = 0;
  for (; *effects != 0; ++effects) mask |= 1u << (*effects - 'a');
  return mask;
}

constexpr uint32_t kEffects[] = {
#define FBLE_IR(Name, text, operands, result, effects, doc) effect_mask(effects),
#include "jit/ir/ir_ops.def"
#undef FBLE_IR
};

}  // namespace

const IrOpInfo& ir_op_info(IrOp op) { return kInfos[static_cast<size_t>(op)]; }

bool ir_has_effect(IrOp op, char effect) { return (kEffects[static_cast<size_t>(op)] >> (effect - 'a') & 1) != 0; }

}  // namespace fble
