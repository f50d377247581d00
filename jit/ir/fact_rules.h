// The rules of facts.cc, stated once for two readers.
//
// `T` is the table that rules ask about operands. In the product it is FactTable: facts are the struct Facts and
// counts of bits are machine integers. In tests/proofs/fact_proof_test.cc they are terms of an SMT solver: it is asked
// whether the result has the claimed facts, for all operands that have theirs. As in jit/opt/fold_rules.h, conditions
// are used where C++ expects a bool, and what depends on the size of a word asks T for it.
#pragma once

#include <algorithm>
#include <bit>

#include "gc/value.h"
#include "interp/intrinsics.h"
#include "jit/ir/facts.h"

namespace fble {

// What the proof has for its terms.
inline bool has_single_bit(Word word) { return std::has_single_bit(word); }
inline int32_t exponent_of(Word power) { return std::countr_zero(power); }
inline unsigned least(unsigned a, unsigned b) { return std::min(a, b); }
inline unsigned most(unsigned a, unsigned b) { return std::max(a, b); }
inline int32_t arity_of(const Code* code) { return static_cast<int32_t>(code->arity); }

// ---- facts of one word ----------------------------------------------------------

template <typename Facts, typename KnownCode>
void set_code_fact(Facts& facts, KnownCode code) {
  facts.pointer = facts.not_packed = true;
  facts.code = code;
  facts.arity = arity_of(code);
}

template <typename Facts>
void merge_facts(Facts& facts, const Facts& more) {
  facts.natural |= more.natural;
  if (more.least_bits > facts.least_bits) facts.least_bits = more.least_bits;
  facts.packed |= more.packed | facts.natural | (facts.least_bits > 0u);
  if (more.header >= 0) facts.header = more.header;
  if (more.code != nullptr) facts.code = more.code;
  if (more.tag >= 0) facts.tag = more.tag;
  facts.not_tags = facts.not_tags | more.not_tags;
  facts.pointer |= more.pointer || facts.header >= 0 || facts.code != nullptr;
  if (facts.code != nullptr) facts.arity = arity_of(facts.code);
  // After the code's: an arity that contradicts it is no fact that follows (facts_imply).
  if (more.arity >= 0) facts.arity = more.arity;
  facts.not_packed |= more.not_packed | facts.pointer;
  if (more.bits < facts.bits) facts.bits = more.bits;
}

template <typename Facts>
Facts facts_in_common(const Facts& a, const Facts& b) {
  Facts facts;
  facts.packed = a.packed & b.packed;
  facts.pointer = a.pointer & b.pointer;
  facts.natural = a.natural & b.natural;
  facts.not_packed = a.not_packed & b.not_packed;
  if (a.header == b.header) facts.header = a.header;
  if (a.code == b.code) facts.code = a.code;
  if (a.arity == b.arity) facts.arity = a.arity;
  if (a.tag == b.tag) facts.tag = a.tag;
  facts.not_tags = a.not_tags & b.not_tags;
  facts.bits = a.bits;
  if (b.bits > a.bits) facts.bits = b.bits;
  facts.least_bits = a.least_bits;
  if (b.least_bits < a.least_bits) facts.least_bits = b.least_bits;
  return facts;
}

// ---- sets of tags ---------------------------------------------------------------

inline constexpr unsigned kTagBits = 32;  ///< of Facts::not_tags

/// The tags that a union of the width has, as far as not_tags speaks of them; 0 if they are too many.
inline uint32_t all_tags(uint32_t width) {
  if (width > 5) return 0;
  return static_cast<uint32_t>((uint64_t{1} << (1u << width)) - 1);
}

inline uint32_t tags_below(int32_t tag) {
  if (tag <= 0) return 0;
  return tag >= static_cast<int32_t>(kTagBits) ? ~0u : (1u << tag) - 1;
}

/// What facts about its operand say of the guard.
template <typename T, typename Facts>
Truth truth_of_guard(const typename T::Ins& guard, const Facts& a) {
  const auto truth = [](const auto& yes, const auto& no) {
    return yes ? Truth::kTrue : no ? Truth::kFalse : Truth::kUnknown;
  };
  const uint32_t width = T::width_of(guard);
  const int32_t tag = T::tag_of_guard(guard);
  switch (guard.op) {
    case IrOp::kIsPacked: return truth(a.packed, a.not_packed);
    case IrOp::kIsPointer: return truth(a.pointer, a.packed);
    case IrOp::kIsNatural: return truth(a.natural, a.not_packed);
    case IrOp::kLayoutIs: {
      const auto bits = T::bits_of_layout(guard);
      return truth(guard.m == 1u && a.packed && a.bits == bits && a.least_bits == bits,
                   a.bits < bits || a.least_bits > bits);
    }
    case IrOp::kTagIs: {
      if (width == 0) return truth(tag == 0, tag != 0);
      if (a.tag >= 0) return truth(a.tag == tag, a.tag != tag);
      // A narrowed guard does not tell which tags there are.
      const uint32_t all = guard.narrowed ? 0 : all_tags(width);
      const uint32_t wanted = tags_below(tag + 1) & ~tags_below(tag);
      return truth(all != 0 && (all & ~a.not_tags) == wanted, (a.not_tags & wanted) != 0u);
    }
    case IrOp::kTagFrom: {
      if (tag == 0) return Truth::kTrue;
      if (width == 0) return Truth::kFalse;
      if (a.tag >= 0) return truth(a.tag >= tag, a.tag < tag);
      const uint32_t all = all_tags(width);
      const uint32_t below = tags_below(tag);
      if (tag < static_cast<int32_t>(kTagBits) && (below & ~a.not_tags) == 0u) return Truth::kTrue;
      return truth(false, all != 0 && (all & ~below & ~a.not_tags) == 0u);
    }
    case IrOp::kHeaderIs: {
      const auto wanted = T::header_of_guard(guard);
      return truth(a.header == wanted, a.header >= 0 && a.header != wanted);
    }
    case IrOp::kCodeIs: return truth(a.code == guard.code, a.code != nullptr && a.code != guard.code);
    case IrOp::kArityIs: return truth(a.arity == guard.n, a.arity >= 0 && a.arity != guard.n);
    default: return Truth::kUnknown;
  }
}

// ---- facts of results and operands ------------------------------------------------

template <typename T>
class FactRules {
 public:
  using Facts = typename T::KnownFacts;
  using Bits = typename T::Bits;  ///< a number of bits
  using Ins = typename T::Ins;
  using Ref = typename T::Ref;

  explicit FactRules(T& table) : table_(table) {}

  /// What is known of the instruction's result.
  Facts of_result(const Ins& ins) {
    switch (ins.op) {
      case IrOp::kPackedArg: return packed(less(bits(ins.a), Bits(ins.n)));
      case IrOp::kPackedField: {
        if (ins.m <= 1u) return packed(bits(ins.a));
        if (table_.has_place(ins)) return exactly(table_.bits_of_place(ins));
        return packed(less(bits(ins.a), Bits(ins.m - 1u) * kOffsetBits));
      }
      case IrOp::kPackUnion: {
        Facts facts = packed(bits(ins.a) + ins.m);
        facts.least_bits = T::stored(least_bits(ins.a) + ins.m);
        if (ins.m > 0u) facts.tag = ins.n;
        return facts;
      }
      case IrOp::kPackStruct: return packed(bits_of_struct(ins));
      case IrOp::kAdd: return natural(most(bits(ins.a), bits(ins.b)) + 1u);
      case IrOp::kSub:
      case IrOp::kDiv: return natural(bits(ins.a));
      case IrOp::kMul: return natural(bits(ins.a) + bits(ins.b));
      case IrOp::kMod:
      case IrOp::kAnd: return natural(least(bits(ins.a), bits(ins.b)));
      case IrOp::kOr:
      case IrOp::kXor: return natural(most(bits(ins.a), bits(ins.b)));
      case IrOp::kShiftLeft: return natural(bits(ins.a) + Bits(ins.n));
      case IrOp::kShiftRight: return natural(less(bits(ins.a), Bits(ins.n)));
      case IrOp::kLess:
      case IrOp::kLessEqual:
      case IrOp::kEqual:
      case IrOp::kUnequal:
      case IrOp::kBitAnd:
      case IrOp::kBitOr:
      case IrOp::kBitXor:
      case IrOp::kTagIn: return exactly(1u);
      case IrOp::kCompare: return exactly(2u);
      case IrOp::kIntrinsic: return of_intrinsic(ins);
      case IrOp::kRecall:
      case IrOp::kCountedRecall: return packed(table_.max_packed_bits());
      case IrOp::kIntOf: return number(bits(ins.a));
      case IrOp::kIntWord: return packed(bits(ins.a));
      case IrOp::kIntAdd:
      case IrOp::kIntSub: return number(most(bits(ins.a), bits(ins.b)) + 1u);
      case IrOp::kIntMul: return number(bits(ins.a) + bits(ins.b));
      // Rounding down makes -1 of what is a little less than zero.
      case IrOp::kIntDiv: return number(most(bits(ins.a), 1u));
      case IrOp::kIntRem: return number(bits(ins.b));
      // Likewise, and -(2^b - 1) by 2^n is -2^(b - n), of one more bit.
      case IrOp::kIntShiftRight: return number(less(bits(ins.a), Bits(ins.n)) + 1u);
      case IrOp::kChoose: return facts_in_common(table_[ins.list[0]], table_[ins.list[1]]);
      default: return table_.of_object(ins);
    }
  }

  /// True if what the instruction makes is sure to fit in a packed word.
  bool result_fits(const Ins& ins) {
    Bits sum = 0u;
    switch (ins.op) {
      case IrOp::kPackUnion: sum = bits(ins.a) + ins.m; break;
      case IrOp::kAdd: sum = most(bits(ins.a), bits(ins.b)) + 1u; break;
      case IrOp::kMul:
      case IrOp::kIntMul: sum = bits(ins.a) + bits(ins.b); break;
      case IrOp::kShiftLeft: sum = bits(ins.a) + Bits(ins.n); break;
      case IrOp::kPackStruct: sum = bits_of_struct(ins); break;
      case IrOp::kIntWord: sum = bits(ins.a); break;
      case IrOp::kIntDiv: return table_.is_nonzero_constant(ins.b);
      default: return false;
    }
    return static_cast<bool>(sum <= table_.max_packed_bits());
  }

  /// What else is known of the guard's operand `a` where the guard has not left.
  Facts learned(const Ins& guard) {
    Facts more;
    switch (guard.op) {
      case IrOp::kIsPacked: more.packed = true; break;
      case IrOp::kIsPointer: more.pointer = true; break;
      case IrOp::kIsNatural: more.natural = true; break;
      case IrOp::kLayoutIs: more = exactly(T::bits_of_layout(guard)); break;
      case IrOp::kTagIs:
        if (T::width_of(guard) > 0) set_tag(more, T::tag_of_guard(guard));
        break;
      case IrOp::kTagFrom: {
        const uint32_t below = tags_below(T::tag_of_guard(guard));
        more.not_tags = below;
        // One tag is left: of a Bool@, and of the last jump of a select over a full width.
        const auto left = all_tags(T::width_of(guard)) & ~(below | table_[guard.a].not_tags);
        if (has_single_bit(left)) set_tag(more, exponent_of(left));
        break;
      }
      case IrOp::kIntWord: more.bits = table_.max_packed_bits(); break;
      case IrOp::kHeaderIs: more.header = T::header_of_guard(guard); break;
      case IrOp::kCodeIs: set_code_fact(more, guard.code); break;
      case IrOp::kArityIs: more.arity = guard.n; break;
      case IrOp::kIsEqual:
        more = table_[guard.a];
        merge_facts(more, table_[guard.b]);
        break;
      case IrOp::kIsLess: limit_bits(more, guard.b, guard.a); break;
      default: break;
    }
    return more;
  }

  /// The same of its operand `b`.
  Facts learned_of_second(const Ins& guard) {
    Facts more;
    if (guard.op == IrOp::kIsEqual) return learned(guard);
    if (guard.op == IrOp::kNotLess) limit_bits(more, guard.a, guard.b);
    return more;
  }

  /// Everything about a packed word.
  template <typename Word>
  Facts of_packed_word(Word word) {
    Facts facts = exactly(table_.content_bits(word));
    facts.natural = is_natural(word);
    return facts;
  }

 private:
  Bits bits(Ref ref) { return table_[ref].bits; }
  Bits least_bits(Ref ref) { return table_[ref].least_bits; }

  /// A natural has no more bits than one that is not less.
  void limit_bits(Facts& facts, Ref greater, Ref less) {
    if (!table_[greater].natural) return;
    if (!table_[less].natural) return;
    facts.bits = bits(greater);
  }

  /// a - b, but not below 0.
  static Bits less(Bits a, Bits b) {
    if (a > b) return a - b;
    return 0u;
  }

  template <typename Tag>
  static void set_tag(Facts& facts, Tag tag) {
    facts.packed = true;
    facts.tag = tag;
  }

  Facts packed(Bits bits) {
    Facts facts;
    facts.packed = true;
    facts.bits = T::stored(least(bits, table_.max_packed_bits()));
    return facts;
  }
  Facts exactly(Bits bits) {
    Facts facts = packed(bits);
    facts.least_bits = facts.bits;
    return facts;
  }
  Facts natural(Bits bits) {
    Facts facts = packed(bits);
    facts.natural = true;
    return facts;
  }
  /// A number whose magnitude has this number of bits.
  Facts number(Bits bits) {
    Facts facts;
    facts.bits = T::stored(least(bits, table_.word_size()));
    return facts;
  }

  Bits bits_of_struct(const Ins& ins) {
    Bits sum = ins.list.size() > 1 ? kOffsetBits * static_cast<unsigned>(ins.list.size() - 1) : 0u;
    for (const Ref& field : ins.list) sum = sum + bits(field);
    return sum;
  }

  Facts of_intrinsic(const Ins& ins) {
    switch (T::intrinsic_of(ins)) {
      case Intrinsic::kIntAbs: return natural(bits(ins.list[0]));
      case Intrinsic::kIntBitLength: return natural(6u);
      case Intrinsic::kIntPowerOf2: return natural(table_.max_packed_bits());
      case Intrinsic::kIntSign: return packed(2u);
      case Intrinsic::kIntCompare: return packed(2u);
      case Intrinsic::kIntLess:
      case Intrinsic::kIntLessEqual:
      case Intrinsic::kIntGreater:
      case Intrinsic::kIntGreaterEqual:
      case Intrinsic::kIntEqual:
      case Intrinsic::kIntNotEqual:
      case Intrinsic::kIntInRange:
      case Intrinsic::kIntTestBit:
      case Intrinsic::kIntIsZero:
      case Intrinsic::kIntIsNegative:
      case Intrinsic::kIntIsPositive: return packed(1u);
      case Intrinsic::kCharFromInt:
      case Intrinsic::kIntFromChar: return table_[ins.list[0]];
      case Intrinsic::kIntMin:
      case Intrinsic::kIntMax: {
        const Facts both = facts_in_common(table_[ins.list[0]], table_[ins.list[1]]);
        if (both.natural) return natural(both.bits);
        return packed(table_.max_packed_bits());
      }
      default: return packed(table_.max_packed_bits());
    }
  }

  T& table_;
};

}  // namespace fble
