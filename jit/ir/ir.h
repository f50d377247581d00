// Trace IR: a straight line of instructions in SSA form (jit/ir/ir_ops.def has the rows).
//
// The IR of a trace exists from recording to assembling only; machine code and
// side table remain. So instructions may be large and plain.
//
// Tested by tests/unit/jit/ir/ir_verify_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gc/value.h"
#include "interp/code.h"

namespace fble {

enum class IrOp : uint8_t {
#define FBLE_IR(Name, text, operands, result, effects, doc) k##Name,
#include "jit/ir/ir_ops.def"
#undef FBLE_IR
  kCount
};

/// The index of an instruction in its trace.
enum class IrRef : uint32_t {};
inline constexpr IrRef kNoRef{0xffffffff};
inline constexpr uint32_t index_of(IrRef ref) { return static_cast<uint32_t>(ref); }

inline constexpr uint32_t kNoSnapshot = 0xffffffff;

/// The largest number of arguments of a native that traces call. The interpreter calls natives with more.
inline constexpr uint32_t kMaxNativeArguments = 8;

/// An instruction. The operands of its row determine which fields have a meaning.
struct IrIns {
  IrOp op = IrOp::kCount;
  /// If true, the object is part of a group of recursive values: it and its
  /// direct neighbours with this flag are made together, and their fields may
  /// refer to one another, also forwards.
  bool recursive = false;
  /// If true, only exits need the result: it is computed there (virtual objects,
  /// packed words of them). Set by jit/opt/sink.cc; only for New, PackUnion,
  /// PackStruct.
  bool sunk = false;
  /// If true, the result is known to fit: the instruction checks nothing and
  /// cannot leave. Only for PackUnion, PackStruct, Add, Mul and ShiftLeft.
  bool fits = false;
  /// If true, this Constant is a machine word that is no Fble value, such as a return address.
  bool raw = false;
  /// If true, the m of this TagIs is less than the tag's width, since facts distinguish the tag from the others with
  /// the same low bits. Such a guard decides nothing by itself about tags from 2^m on.
  bool narrowed = false;
  IrRef a = kNoRef;
  IrRef b = kNoRef;
  int32_t n = 0;
  uint32_t m = 0;
  Word x = 0;
  Code* code = nullptr;
  std::vector<IrRef> list;
  uint32_t snapshot = kNoSnapshot;
  /// The bytecode instruction that this one comes from, for dumps and code maps; null if there is none.
  const uint32_t* pc = nullptr;
  uint32_t site = 0;  ///< the activation that runs it, into Trace::sites
};

struct IrOpInfo {
  const char* name;
  const char* operands;
  const char* result;
  const char* effects;
  const char* doc;
};
const IrOpInfo& ir_op_info(IrOp op);
bool ir_has_effect(IrOp op, char effect);
inline bool ir_is_guard(IrOp op) { return ir_has_effect(op, 'g'); }
/// Returns whether the instruction looks in a memo.
inline bool is_recall(IrOp op) { return op == IrOp::kRecall || op == IrOp::kCountedRecall; }
inline bool ir_has_result(IrOp op) { return ir_op_info(op).result[0] != '-'; }
/// Returns whether the result is no Fble word: a number or a key.
inline bool ir_is_bare(IrOp op) { return ir_op_info(op).result[0] == 'I' || ir_op_info(op).result[0] == 'K'; }

/// Calls `visit(IrRef&)` for each reference of the instruction, operands first, then the list.
template <typename Ins, typename Visit>
void for_each_ref(Ins& ins, Visit&& visit) {
  if (ins.a != kNoRef) visit(ins.a);
  if (ins.b != kNoRef) visit(ins.b);
  for (auto& ref : ins.list) visit(ref);
}

/// The facts about a word where it is used. They hold on every path to it.
struct Facts {
  bool packed = false;
  bool pointer = false;
  bool natural = false;        ///< implies packed
  int64_t header = -1;         ///< low 32 bits of the object's header; implies pointer
  const Code* code = nullptr;  ///< of the closure; implies pointer
  int32_t arity = -1;          ///< of the closure's code
  int32_t tag = -1;            ///< of the packed union
  uint32_t not_tags = 0;       ///< bit t: the packed union's tag is not t (t < 32)
  bool not_packed = false;
  uint8_t bits =
      kMaxPackedBits;  ///< the largest number of content bits of the packed word, or of bits of the number's magnitude
  uint8_t least_bits = 0;  ///< the smallest number of content bits; implies packed unless it is 0
  bool operator==(const Facts&) const = default;
};

}  // namespace fble
