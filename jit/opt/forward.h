// The state that the forward passes share: the trace so far, and the facts about it.
//
// Each pass is a function that examines the next instruction and returns an
// answer. The builder (pipeline.cc) calls them in order until one answers
// something other than "append it".
#pragma once

#include <span>
#include <vector>

#include "interp/code.h"
#include "jit/ir/builder.h"
#include "jit/ir/facts.h"

namespace fble {

template <typename Ref>
struct BasicAnswer {
  enum Kind : uint8_t {
    kAppend,   ///< nothing found: the next pass looks at it
    kReplace,  ///< an earlier instruction has the result
    kDrop,     ///< a guard that always holds
    kAgain,    ///< the instruction was rewritten: begin with the first pass
    kFails,    ///< a guard that never holds
  };
  Kind kind = kAppend;
  Ref ref = kNoRef;
};
using Answer = BasicAnswer<IrRef>;

/// The table of instructions by hash (cse.cc): open addressing, each entry is the number of an instruction.
class CseTable {
 public:
  explicit CseTable(const Trace& trace) : trace_(&trace), entries_(kFirstSize, kEmpty) {}
  IrRef find(const IrIns& ins) const;
  void insert(IrRef ref);

 private:
  static constexpr uint32_t kEmpty = 0xffffffff;
  static constexpr size_t kFirstSize = 512;
  void place(uint32_t entry);

  const Trace* trace_;
  std::vector<uint32_t> entries_;
  size_t count_ = 0;
};

/// The forward passes to run; tests run them one by one.
enum ForwardPass : unsigned {
  kPassFold = 1,
  kPassForwardLoads = 2,
  kPassGuards = 4,
  kPassCse = 8,
  kAllForwardPasses = 15,
};

class Forward final : public IrBuilder {
 public:
  explicit Forward(Trace& trace, unsigned passes = kAllForwardPasses);

  IrRef append(IrIns ins) override;
  IrRef append_raw(IrIns ins) override;
  Facts facts(IrRef ref) const override { return table[ref]; }
  void assume(IrRef ref, const Facts& facts) override;
  Trace& trace() override { return trace_; }

  const IrIns& at(IrRef ref) const { return trace_.at(ref); }
  bool is_constant(IrRef ref) const { return at(ref).op == IrOp::kConstant && !at(ref).raw; }
  Word word_of(IrRef ref) const { return at(ref).x; }
  bool is_constant(IrRef ref, Word word) const { return is_constant(ref) && word_of(ref) == word; }
  IrRef constant(Word word);
  IrRef raw_constant(Word word);
  /// Appends `a` xor `b`, where `ins` stands.
  IrRef append_bit_xor(const IrIns& ins, IrRef a, IrRef b);
  bool is_raw_constant(IrRef ref) const { return at(ref).op == IrOp::kConstant && at(ref).raw; }
  /// Returns whether an equal instruction without list has been appended.
  bool has(IrOp op, IrRef a, IrRef b) const;

  FactTable table;
  CseTable cse;
  /// If true, a guard that cannot hold is a bug of the recorder. If false,
  /// where a body is appended again (peel_loop.cc), such a guard is noted and
  /// appended.
  bool failure_is_a_bug = true;
  bool has_failed = false;
  /// The instruction across which sums are not combined: in a loop each turn adds to the
  /// result of the turn before, and not to that of the first.
  size_t barrier = 0;

  // The functions that the rules of fold_rules.h use: kinds of words, and computations that depend on their size.
  using Word = fble::Word;
  using Int = int64_t;
  using Number = int32_t;
  using Ref = IrRef;
  using Ins = IrIns;
  void rule(const char* /*name*/) const {}
  static constexpr Word top_bit() { return Word{1} << 63; }
  static constexpr Word max_natural() { return (Word{1} << kMaxPackedBits) - 1; }
  static constexpr Word max_packed_bits() { return kMaxPackedBits; }
  static constexpr Word max_shift() { return kMaxPackedBits - 1; }
  IrOp maker_of(IrRef ref) const { return at(ref).op; }
  static Intrinsic intrinsic_of(const IrIns& ins) { return static_cast<Intrinsic>(ins.n); }
  static uint32_t width_of(const IrIns& guard) { return guard.m; }
  bool tag_guard_is_settled(const IrIns& guard) const { return guard_truth(guard, table[guard.a]) != Truth::kUnknown; }
  /// Settles the guard's operand, a Bool@ or the like: where the guard leaves, it is known to
  /// be `word`, so the exit needs no register for it.
  void settle(IrIns& guard, Word word);

  // The results of gc/value.h and interp/intrinsics.h for constants; 0 means that the result does not fit.
  Word fold_intrinsic(Intrinsic intrinsic, const std::vector<IrRef>& args) const;
  Word pack_union_of(const IrIns& ins) const { return pack_union(word_of(ins.a), ins.m, static_cast<uint32_t>(ins.n)); }
  Word pack_fields(const IrIns& ins) const;
  bool fields_fit(const IrIns& ins) const;
  bool has_tag(const IrIns& ins) const;
  Word packed_arg_of(const IrIns& ins) const { return packed_arg(word_of(ins.a), static_cast<unsigned>(ins.n)); }
  bool has_fields(const IrIns& ins) const;
  Word layout_of(const IrIns& ins) const { return packed_layout(word_of(ins.a), ins.m); }
  Word packed_field_of(const IrIns& ins) const {
    return packed_field(word_of(ins.a), static_cast<uint32_t>(ins.n), ins.m);
  }

 private:
  IrRef push(IrIns&& ins);

  Trace& trace_;
  unsigned passes_;
};

/// Appends instruction `at` of another trace, or the whole group of recursive objects
/// that begins there. References are renamed: `renamed[i]` is the new reference of
/// instruction i. Returns the number of instructions taken.
size_t append_again(Forward& forward, std::span<const IrIns> instructions, size_t at, std::vector<IrRef>& renamed);

// The passes. `ins` may be changed when the answer is kAgain.
Answer fold(Forward& forward, IrIns& ins);
Answer forward_load(Forward& forward, IrIns& ins);
Answer drop_guard(Forward& forward, IrIns& ins);
Answer eliminate_common(Forward& forward, IrIns& ins);

}  // namespace fble
