// The rows of ir_ops.def as tables, and the instructions that may fail with an error.
#include "jit/ir/ir.h"

#include <string_view>

#include "interp/intrinsics.h"
#include "jit/ir/trace.h"

namespace fble {

namespace {

constexpr IrOpInfo kInfos[] = {
#define FBLE_IR(Name, text, operands, result, effects, doc) {text, operands, result, effects, doc},
#include "jit/ir/ir_ops.def"
#undef FBLE_IR
};
static_assert(std::size(kInfos) == static_cast<size_t>(IrOp::kCount));

/// Returns bit c - 'a' for each effect.
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

bool may_be_error(const Trace& trace, const IrIns& ins) {
  // Integer functions fail for their last argument, when it is zero or negative.
  auto may_fail_for = [&](IrRef last) {
    constexpr Word kZero = 3;
    const IrIns& argument = trace.at(last);
    return argument.op != IrOp::kConstant || (argument.x & 3) != 3 || argument.x == kZero;
  };
  switch (ins.op) {
    case IrOp::kDiv:
    case IrOp::kMod: return may_fail_for(ins.b);
    case IrOp::kIntDiv: return trace.at(ins.b).op != IrOp::kConstant || trace.at(ins.b).x == 0;
    case IrOp::kIntrinsic: {
      const std::string_view effects = intrinsic_info(static_cast<Intrinsic>(ins.n)).effects;
      return effects.find('f') != std::string_view::npos && may_fail_for(ins.list.back());
    }
    case IrOp::kNative:
    // A call that is not remembered may fail, or never end.
    case IrOp::kRecall:
    case IrOp::kCountedRecall: return true;
    default: return false;
  }
}

}  // namespace fble
