// Load forwarding: a field of an object made in the trace is replaced by the value it was made with.
//
// This makes objects removable: without its loads, an object that does not leave
// the trace is used by snapshots only, and sink.cc makes it virtual. No
// instruction can have changed the field in between. The members of a group of
// recursive values, whose fields may refer forwards, are all made before a field
// is read.
//
// The same is done for packed words: a part of a word from pack_union or pack_struct
// is replaced by the value of that part. And a field of a constant object is a
// constant, if it is a word that collections do not change.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/forward_loads.
#include "jit/opt/forward.h"

namespace fble {

namespace {

Answer constant_field(Forward& forward, const Object* object, uint32_t index) {
  if (index < object->first_value() || index >= object->count()) return {};
  const Word word = object->fields[index];
  // Placeholders are still to be defined; other objects than permanent ones may move.
  if (!is_packed(word) && !(is_pointer(word) && as_object(word)->is_permanent())) return {};
  return {Answer::kReplace, forward.constant(word)};
}

}  // namespace

Answer forward_load(Forward& forward, IrIns& ins) {
  switch (ins.op) {
    case IrOp::kField: {
      const IrIns& object = forward.at(ins.a);
      if (object.op == IrOp::kConstant && !object.raw && is_pointer(object.x)) {
        return constant_field(forward, as_object(object.x), static_cast<uint32_t>(ins.n));
      }
      if (object.op != IrOp::kNew) return {};
      const int32_t index = ins.n - (object.code != nullptr ? 1 : 0);
      if (index < 0 || index >= static_cast<int32_t>(object.list.size())) return {};
      return {Answer::kReplace, object.list[static_cast<size_t>(index)]};
    }
    case IrOp::kPackedArg: {
      const IrIns& whole = forward.at(ins.a);
      if (whole.op != IrOp::kPackUnion || whole.m != static_cast<uint32_t>(ins.n)) return {};
      return {Answer::kReplace, whole.a};
    }
    case IrOp::kPackedField: {
      const IrIns& whole = forward.at(ins.a);
      if (whole.op != IrOp::kPackStruct || whole.list.size() != ins.m) return {};
      return {Answer::kReplace, whole.list[static_cast<size_t>(ins.n)]};
    }
    default: return {};
  }
}

}  // namespace fble
