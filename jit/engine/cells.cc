#include "jit/engine/cells.h"

#include "interp/call_frame.h"
#include "jit/record/cell_kinds.h"

namespace fble {

Code* maker_of_both_cells(const uint32_t* pc, const Word* fp, IrOp guard) {
  switch (guard) {
    case IrOp::kIsPacked:
    case IrOp::kIsPointer:
    case IrOp::kPackStruct:
    case IrOp::kPackUnion:
    case IrOp::kNoFit: break;
    default: return nullptr;
  }
  if (static_cast<Op>(*pc) != Op::kUnionStruct || pc[4] != 2) return nullptr;
  Code& code = code_of_frame(fp);
  if (code.cells.are_objects || code.engine_index == 0) return nullptr;
  note_cell(code, fp[pc[5]], fp[pc[6]]);
  return code.cells.had_word_tail && code.cells.had_object_tail ? &code : nullptr;
}

}  // namespace fble
