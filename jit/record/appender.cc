#include "jit/record/appender.h"

namespace fble {

IrRef Appender::append(IrIns ins) {
  ins.pc = carrier_.pc;
  ins.site = site_;
  return builder_.append(std::move(ins));
}

IrRef Appender::append(IrOp op, IrRef a, IrRef b, int32_t n, uint32_t m) {
  IrIns ins{.op = op};
  ins.a = a;
  ins.b = b;
  ins.n = n;
  ins.m = m;
  if (ir_is_guard(op)) ins.snapshot = snapshot();
  return append(std::move(ins));
}

IrRef Appender::constant(Word word) {
  IrIns ins{.op = IrOp::kConstant};
  ins.x = word;
  return append(std::move(ins));
}

IrRef Appender::raw_constant(Word word) {
  IrIns ins{.op = IrOp::kConstant};
  ins.x = word;
  ins.raw = true;
  return append(std::move(ins));
}

IrRef Appender::packed(Operand value) {
  append(IrOp::kIsPacked, value.ref);
  return value.ref;
}

IrRef Appender::choose(IrRef condition, IrRef first, IrRef second) {
  IrIns ins{.op = IrOp::kChoose};
  ins.a = condition;
  ins.list = {first, second};
  return append(std::move(ins));
}

}  // namespace fble
