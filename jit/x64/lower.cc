// Words and their arithmetic are those of gc/value.h and gc/integer.h, which explain
// the instruction sequences. Two habits save most instructions: a packed word's
// shifts and sums are folded into one lea, and rotating (rorx) copies and shifts at
// once where the bits that come around do not matter.
#include "jit/x64/lower.h"

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "interp/native_stack.h"
#include "interp/offsets.h"
#include "jit/x64/stubs.h"

namespace fble::x64 {

using namespace offsets;

using asmjit::imm;
using asmjit::Label;
namespace x86 = asmjit::x86;

namespace {

/// The condition when the operands of a comparison have changed places.
x86::CondCode swapped_condition(x86::CondCode condition) {
  switch (condition) {
    case x86::CondCode::kB: return x86::CondCode::kA;
    case x86::CondCode::kA: return x86::CondCode::kB;
    case x86::CondCode::kAE: return x86::CondCode::kBE;
    case x86::CondCode::kBE: return x86::CondCode::kAE;
    default: return condition;
  }
}

/// Returns the place of the packed_field in a struct of the layout.
FieldPlace place_of_field(Word layout, const IrIns& field) {
  return field_place(layout, static_cast<uint32_t>(field.n), field.m);
}

bool is_list_of_one(const IrIns& ins) { return ins.list.size() == 1; }

}  // namespace

Lowering::Lowering(x86::Assembler& assembler, const Trace& trace, const Allocation& allocation,
                   const AssembleOptions& options, const uint8_t* stubs)
    : a_(assembler), trace_(trace), allocation_(allocation), options_(options), stubs_(stubs) {
  object_offset_.resize(trace.ins.size());
  exits.resize(allocation.exits.size());
  for (Exit& exit : exits) exit.stub = a_.newLabel();
  for (uint32_t i = 0; i < trace.ins.size(); ++i) {
    if (allocation.plans[i].exit >= 0) exits[static_cast<size_t>(allocation.plans[i].exit)].ins = i;
  }
  exact_bits_.assign(trace.ins.size(), -1);
  turns_register_ = register_for_turns();
  if (turns_register_ == kNoRegister) return;
  const auto start = std::ranges::find(trace.ins, IrOp::kLoopStart, &IrIns::op) - trace.ins.begin();
  for (Exit& exit : exits) {
    if (exit.ins > static_cast<size_t>(start)) exit.pad = a_.newLabel();
  }
}

/// Notes whether the content of the instruction's result, or of its operand from here on, always has the same number of
/// bits, such as that of a union of units. Packing such a field shifts by a constant.
void Lowering::note_exact_bits(uint32_t i) {
  const IrIns& ins = trace_.ins[i];
  int bits = -1;
  switch (ins.op) {
    case IrOp::kConstant:
      if (is_packed(ins.x)) bits = static_cast<int>(packed_bits(ins.x));
      break;
    case IrOp::kInherit: {
      const Location& location = trace_.inherited[static_cast<size_t>(ins.n)].location;
      if (is_constant(location) && is_packed(location.word)) bits = static_cast<int>(packed_bits(location.word));
      break;
    }
    case IrOp::kLayoutIs: exact_bits_[index_of(ins.a)] = static_cast<int8_t>(packed_bits(ins.x)); return;
    case IrOp::kLess:
    case IrOp::kLessEqual:
    case IrOp::kEqual:
    case IrOp::kUnequal:
    case IrOp::kTagIn:
    case IrOp::kBitAnd:
    case IrOp::kBitOr:
    case IrOp::kBitXor: bits = 1; break;
    case IrOp::kCompare: bits = 2; break;
    case IrOp::kPackedField:
      if (allocation_.layouts[i] != 0) bits = place_of_field(allocation_.layouts[i], ins).bits;
      break;
    case IrOp::kChoose:
      if (exact_bits(ins.list[0]) == exact_bits(ins.list[1])) bits = exact_bits(ins.list[0]);
      break;
    case IrOp::kPackUnion:
      if (exact_bits(ins.a) >= 0) bits = exact_bits(ins.a) + static_cast<int>(ins.m);
      break;
    case IrOp::kPackStruct:
      bits = ins.list.empty() ? 0 : static_cast<int>(kOffsetBits * (ins.list.size() - 1));
      for (const IrRef field : ins.list) bits = bits < 0 || exact_bits(field) < 0 ? -1 : bits + exact_bits(field);
      break;
    default: return;
  }
  // A result that does not fit leaves, so no longer one exists.
  if (bits <= static_cast<int>(kMaxPackedBits)) exact_bits_[i] = static_cast<int8_t>(bits);
}

// ---- operands ---------------------------------------------------------------

x86::Gp Lowering::q(int reg) { return x86::gpq(static_cast<uint32_t>(reg)); }
x86::Gp Lowering::d(int reg) { return x86::gpd(static_cast<uint32_t>(reg)); }
x86::Gp Lowering::b(int reg) { return x86::gpb_lo(static_cast<uint32_t>(reg)); }

x86::Mem Lowering::memory(const Location& location) const {
  if (location.kind == LocationKind::kSlot) return x86::qword_ptr(kFp, slot_offset(location.index));
  FBLE_ASSERT(location.kind == LocationKind::kSpill);
  return x86::qword_ptr(kThread, spill_offset(location.index));
}

void Lowering::load_word(int reg, Word word) {
  if (word <= 0xffffffff) {
    a_.mov(d(reg), imm(static_cast<uint32_t>(word)));
  } else {
    a_.mov(q(reg), imm(word));
  }
}

void Lowering::store_word(const Mem& to, Word word, int scratch) {
  if (fits_imm32(word)) {
    a_.mov(to, imm(static_cast<int64_t>(word)));
  } else if (scratch != kNoRegister) {
    load_word(scratch, word);
    a_.mov(to, q(scratch));
  } else {
    Mem half = to;
    half.setSize(4);
    a_.mov(half, imm(static_cast<uint32_t>(word)));
    half.addOffset(4);
    a_.mov(half, imm(static_cast<uint32_t>(word >> 32)));
  }
}

void Lowering::copy_register(int to, int from) {
  if (to != from) a_.mov(q(to), q(from));
}

void Lowering::fetch(int reg, const Location& from) {
  switch (from.kind) {
    case LocationKind::kRegister: copy_register(reg, from.index); break;
    case LocationKind::kConstant: load_word(reg, from.word); break;
    default: a_.mov(q(reg), memory(from));
  }
}

void Lowering::copy_to_memory(const Mem& to, const Location& from, int scratch) {
  switch (from.kind) {
    case LocationKind::kRegister: a_.mov(to, q(from.index)); break;
    case LocationKind::kConstant: store_word(to, from.word, scratch); break;
    case LocationKind::kVirtual:
      a_.lea(q(scratch), x86::ptr(kAp, object_offset_[static_cast<size_t>(from.index)]));
      a_.mov(to, q(scratch));
      break;
    default:
      if (scratch != kNoRegister) {
        a_.mov(q(scratch), memory(from));
        a_.mov(to, q(scratch));
      } else {
        a_.mov(q(kTableRegister), memory(from));
        a_.mov(to, q(kTableRegister));
        a_.mov(q(kTableRegister), x86::qword_ptr(kThread, kTable));
      }
  }
}

void Lowering::move(const Move& move, int scratch) {
  if (move.kind == Move::Kind::kSwap) {
    a_.xchg(q(move.to.index), q(move.from.index));
  } else if (is_register(move.to)) {
    fetch(move.to.index, move.from);
  } else {
    copy_to_memory(memory(move.to), move.from, scratch);
  }
}

/// Moves ap past all objects, as exits and the code after the trace expect it.
void Lowering::commit_allocation() {
  if (pending_ == 0) return;
  a_.add(kAp, pending_);
  pending_ = 0;
}

// ---- rows -------------------------------------------------------------------

/// Compares the operands. Sets `swapped` if the second one came first.
void Lowering::compare(const InsPlan& plan, bool* swapped) {
  *swapped = is_constant(plan.a);
  const Location& first = *swapped ? plan.b : plan.a;
  const Location& second = *swapped ? plan.a : plan.b;
  if (is_constant(second)) {
    a_.cmp(q(first.index), imm(static_cast<int64_t>(second.word)));
  } else {
    a_.cmp(q(first.index), q(second.index));
  }
}

/// Emits tag_is and tag_from.
void Lowering::tag_guard(const IrIns& ins, const InsPlan& plan) {
  const uint32_t mask = ((1u << ins.m) - 1) << 1;
  const uint32_t tag = static_cast<uint32_t>(ins.n) << 1;
  const int reg = plan.a.index;
  const auto test = [&](uint32_t bits) {
    if (bits < 0x80) {
      a_.test(b(reg), imm(bits));
    } else {
      a_.test(d(reg), imm(bits));
    }
  };
  const bool from = ins.op == IrOp::kTagFrom;
  if (!from && ins.n == 0) {
    test(mask);
    leave_if(plan, Condition::kNZ);
  } else if (ins.n == 1 && (from || ins.m == 1)) {
    test(mask);
    leave_if(plan, Condition::kZ);
  } else if (from && plan.scratch[0] == kNoRegister) {
    test(tag);  // the upper half of the tags
    leave_if(plan, Condition::kZ);
  } else if (!from || tag == mask) {
    // Subtracting the expected value borrows nothing from the tag.
    const int scratch = plan.scratch[0];
    a_.lea(d(scratch), x86::ptr(q(reg), -static_cast<int32_t>(tag)));
    if (mask < 0x80) {
      a_.test(b(scratch), imm(mask));
    } else {
      a_.test(d(scratch), imm(mask));
    }
    leave_if(plan, Condition::kNZ);
  } else {
    const int scratch = plan.scratch[0];
    a_.mov(d(scratch), d(reg));
    a_.and_(d(scratch), imm(mask));
    a_.cmp(d(scratch), imm(tag));
    leave_if(plan, Condition::kB);
  }
}

/// Emits a + b - 3.
void Lowering::add(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  if (is_constant(plan.a) || is_constant(plan.b)) {
    const Location& variable = is_constant(plan.a) ? plan.b : plan.a;
    const int64_t step = static_cast<int64_t>((is_constant(plan.a) ? plan.a : plan.b).word) - 3;
    if (ins.fits && result != variable.index) {
      a_.lea(q(result), x86::ptr(q(variable.index), static_cast<int32_t>(step)));
      return;
    }
    copy_register(result, variable.index);
    a_.add(q(result), imm(step));
    if (!ins.fits) leave_if(plan, Condition::kC);
    return;
  }
  if (ins.fits) {
    a_.lea(q(result), x86::ptr(q(plan.a.index), q(plan.b.index), 0, -3));
    return;
  }
  if (plan.a == plan.b && result == plan.a.index) {
    a_.add(q(result), q(result));  // carries exactly if 2 * a - 3 does, since a is 4n + 3
    leave_if(plan, Condition::kC);
    a_.sub(q(result), 3);
    return;
  }
  const bool flip = result == plan.b.index;
  const int first = flip ? plan.b.index : plan.a.index;
  const int second = flip ? plan.a.index : plan.b.index;
  a_.lea(q(result), x86::ptr(q(first), -3));
  a_.add(q(result), q(second));
  leave_if(plan, Condition::kC);
}

/// Emits a - b + 3.
void Lowering::sub(const IrIns&, const InsPlan& plan) {
  const int result = plan.result;
  copy_register(result, plan.a.index);
  if (is_constant(plan.b)) {
    a_.sub(q(result), imm(static_cast<int64_t>(plan.b.word) - 3));  // borrows exactly if a < b
    leave_if(plan, Condition::kB);
    return;
  }
  a_.sub(q(result), q(plan.b.index));
  leave_if(plan, Condition::kB);
  a_.or_(q(result), 3);
}

/// Emits a product. The product of two magnitudes below 2^62 fits if it is below
/// 2^62: otherwise the signed product or its doubling overflows.
void Lowering::mul(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  const int scratch = plan.scratch[0];
  if (is_constant(plan.a) || is_constant(plan.b)) {
    const Location& variable = is_constant(plan.a) ? plan.b : plan.a;
    const Word factor = packed_magnitude((is_constant(plan.a) ? plan.a : plan.b).word);
    copy_register(result, variable.index);
    a_.shr(q(result), 2);
    a_.imul(q(result), q(result), imm(factor));
  } else {
    const bool flip = result == plan.b.index;
    const int first = flip ? plan.b.index : plan.a.index;
    const int second = flip ? plan.a.index : plan.b.index;
    a_.mov(q(scratch), q(second));
    copy_register(result, first);
    a_.shr(q(scratch), 2);
    a_.shr(q(result), 2);
    a_.imul(q(result), q(scratch));
  }
  if (!ins.fits) leave_if(plan, Condition::kO);
  a_.add(q(result), q(result));
  if (!ins.fits) leave_if(plan, Condition::kO);
  a_.lea(q(result), x86::ptr(q(result), q(result), 0, 3));
}

void Lowering::divide(const IrIns& ins, const InsPlan& plan) {
  const int scratch = plan.scratch[0];
  a_.mov(q(scratch), q(plan.b.index));
  a_.mov(q(kRax), q(plan.a.index));
  a_.shr(q(scratch), 2);
  leave_if(plan, Condition::kZ);
  a_.shr(q(kRax), 2);
  // Dividing 64 bits takes up to three times as long as 32, and numbers are mostly small.
  const Label wide = a_.newLabel();
  const Label done = a_.newLabel();
  a_.mov(q(kRdx), q(kRax));
  a_.or_(q(kRdx), q(scratch));
  a_.shr(q(kRdx), 32);
  a_.short_().jnz(wide);
  a_.div(d(kRdx), d(kRax), d(scratch));
  a_.short_().jmp(done);
  a_.bind(wide);
  a_.xor_(d(kRdx), d(kRdx));
  a_.div(q(kRdx), q(kRax), q(scratch));
  a_.bind(done);
  const int from = ins.op == IrOp::kDiv ? kRax : kRdx;
  a_.lea(q(plan.result), x86::ptr(3, q(from), 2));
}

void Lowering::divide_numbers(const IrIns& ins, const InsPlan& plan) {
  const int divisor = plan.b.index;
  const int scratch = plan.scratch[0];
  if (!ins.fits) {
    a_.test(q(divisor), q(divisor));
    leave_if(plan, Condition::kZ);
  }
  copy_register(kRax, plan.a.index);
  // Dividing 64 bits takes up to three times as long as 32, and numbers are mostly small.
  const Label wide = a_.newLabel();
  const Label done = a_.newLabel();
  a_.mov(q(scratch), q(kRax));
  a_.or_(q(scratch), q(divisor));
  a_.shr(q(scratch), 32);
  a_.short_().jnz(wide);
  a_.xor_(d(kRdx), d(kRdx));
  a_.div(d(kRdx), d(kRax), d(divisor));
  a_.short_().jmp(done);
  a_.bind(wide);
  a_.cqo(q(kRdx), q(kRax));
  a_.idiv(q(kRdx), q(kRax), q(divisor));
  // The quotient is rounded towards zero: it is one too large if there is a remainder whose sign is not the divisor's.
  a_.mov(q(scratch), q(kRdx));
  a_.xor_(q(scratch), q(divisor));
  a_.sar(q(scratch), 63);
  a_.test(q(kRdx), q(kRdx));
  a_.cmovz(q(scratch), q(kRdx));
  a_.add(q(kRax), q(scratch));
  a_.bind(done);
  copy_register(plan.result, kRax);
}

void Lowering::choose(const InsPlan& plan) {
  const Location& first = list(plan)[0];
  const Location& second = list(plan)[1];
  const int result = plan.result;
  a_.test(b(plan.a.index), 2);
  // None of the moves changes the flags.
  if (first == in_register(result)) {
    if (is_constant(second)) load_word(plan.scratch[0], second.word);
    a_.cmovnz(q(result), q(is_constant(second) ? plan.scratch[0] : second.index));
    return;
  }
  fetch(result, second);
  if (is_constant(first)) load_word(plan.scratch[0], first.word);
  a_.cmovz(q(result), q(is_constant(first) ? plan.scratch[0] : first.index));
}

void Lowering::tag_in(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  const uint32_t mask = ((1u << ins.m) - 1) << 1;
  copy_register(result, plan.a.index);
  if (std::has_single_bit(ins.x)) {
    const auto tag = static_cast<uint32_t>(std::countr_zero(ins.x)) << 1;
    if (tag != 0) a_.xor_(d(result), imm(tag));
    a_.and_(d(result), imm(mask));
    a_.cmp(d(result), 1);  // borrows only from zero
  } else {
    // The number of the bit counts modulo 64, so the set is repeated.
    Word sets = ins.x;
    for (uint32_t tags = 1u << ins.m; tags < 64; tags *= 2) sets |= sets << tags;
    load_word(plan.scratch[0], sets);
    a_.shr(q(result), 1);
    a_.bt(q(plan.scratch[0]), q(result));
  }
  a_.sbb(d(result), d(result));  // sets all bits if there was a borrow or the bit, else none
  a_.and_(d(result), 2);
  a_.or_(d(result), 5);
}

/// Emits the operations on the bits of naturals and of bits: the low bits that all words of the kind have stay.
void Lowering::bitwise(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  const Word kept = ins.op == IrOp::kBitXor ? 5 : 3;
  const bool is_xor = ins.op == IrOp::kXor || ins.op == IrOp::kBitXor;
  const auto apply = [&](auto&& operand) {
    switch (ins.op) {
      case IrOp::kAnd:
      case IrOp::kBitAnd: a_.and_(q(result), operand); break;
      case IrOp::kOr:
      case IrOp::kBitOr: a_.or_(q(result), operand); break;
      default: a_.xor_(q(result), operand);
    }
  };
  Word word = 0;
  if (is_constant(plan.a) || is_constant(plan.b)) {
    copy_register(result, is_constant(plan.a) ? plan.b.index : plan.a.index);
    word = (is_constant(plan.a) ? plan.a : plan.b).word;
    // They are set in both: without them in the constant they stay.
    if (is_xor) word &= ~kept;
    apply(imm(static_cast<int64_t>(word)));
    return;
  }
  const bool flip = result == plan.b.index;
  copy_register(result, flip ? plan.b.index : plan.a.index);
  apply(q(flip ? plan.a.index : plan.b.index));
  if (is_xor) a_.or_(q(result), imm(kept));
}

void Lowering::shift_left(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  if (ins.n == 0) {
    copy_register(result, plan.a.index);
    return;
  }
  if (!ins.fits) {
    const int scratch = plan.scratch[0];
    a_.mov(q(scratch), q(plan.a.index));
    a_.shr(q(scratch), imm(64 - ins.n));
    leave_if(plan, Condition::kNZ);
  }
  a_.lea(q(result), x86::ptr(q(plan.a.index), -3));
  a_.shl(q(result), imm(ins.n));
  a_.or_(q(result), 3);
}

/// Emits arg * 2^width + 2 * tag + 1 - 2^width.
void Lowering::pack_union(const IrIns& ins, const InsPlan& plan) {
  const int result = plan.result;
  const int arg = plan.a.index;
  const unsigned width = ins.m;
  if (width == 0) {
    copy_register(result, arg);
    return;
  }
  if (plan.exit >= 0) {
    if (width == 1) {
      a_.test(q(arg), q(arg));
      leave_if(plan, Condition::kS);
    } else {
      a_.mov(q(plan.scratch[0]), q(arg));
      a_.shr(q(plan.scratch[0]), imm(64 - width));
      leave_if(plan, Condition::kNZ);
    }
  }
  const int64_t offset = 2 * int64_t{ins.n} + 1 - (int64_t{1} << width);
  if (width == 1) {
    a_.lea(q(result), x86::ptr(q(arg), q(arg), 0, static_cast<int32_t>(offset)));
  } else if (width <= 3) {
    a_.lea(q(result), x86::ptr(static_cast<uint64_t>(offset), q(arg), width));
  } else {
    // The bits that come around are zero.
    a_.rorx(q(result), q(arg), imm(64 - width));
    if (offset != 0) a_.add(q(result), imm(offset));
  }
}

/// Emits pack_struct and no_fit. The word of the struct is, with H the bits of the offsets,
/// p the fields, b their lengths, and e_i = H + b_0 + ... + b_i,
///
///   (p_0 - 1) << H  +  sum over i >= 1 of (p_i - 3) << e_(i-1)  +  sum of 2 * (e_i - H) << 6i  +  1
///
/// since the sentinel of each field is removed by the 3 instead of 1 of the next one. e is kept as
/// a constant, minus, from the first field whose length varies, the sum of leading zeros.
void Lowering::pack_fields(const IrIns& ins, const InsPlan& plan) {
  const bool packs = ins.op == IrOp::kPackStruct;
  const std::span<const Location> fields = list(plan);
  const size_t count = fields.size();
  const int result = plan.result;
  if (packs && count == 0) {
    load_word(result, kUnitWord);
    return;
  }
  if (packs && is_list_of_one(ins)) {
    fetch(result, fields[0]);
    return;
  }
  const int end = plan.scratch[0];
  const int part = plan.scratch[1];
  const int shift = plan.scratch[2];
  const int64_t header = static_cast<int64_t>(kOffsetBits * (count - 1));
  int64_t end_constant = header;
  bool end_varies = false;
  bool result_begun = false;
  Word constant = 1 - (Word{1} << header);

  const auto count_zeros = [&](int to, const Location& field) {
    if (is_register(field)) {
      a_.lzcnt(q(to), q(field.index));
    } else {
      a_.lzcnt(q(to), memory(field));
    }
  };
  const auto rotate_left = [&](int to, const Location& field, int64_t bits) {
    if (is_register(field)) {
      a_.rorx(q(to), q(field.index), imm(64 - bits));
    } else {
      a_.rorx(q(to), memory(field), imm(64 - bits));
    }
  };
  const auto add_register = [&](int reg) {
    if (result_begun) {
      a_.add(q(result), q(reg));
    } else {
      copy_register(result, reg);
      result_begun = true;
    }
  };
  const auto add_constant = [&] {
    if (!result_begun) {
      load_word(result, constant);
      result_begun = true;
    } else if (constant != 0 && fits_imm32(constant)) {
      a_.add(q(result), imm(static_cast<int64_t>(constant)));
    } else if (constant != 0) {
      load_word(part, constant);
      a_.add(q(result), q(part));
    }
    constant = 0;
  };

  for (size_t i = 0; i < count; ++i) {
    const Location& field = fields[i];
    const bool last = i + 1 == count;
    // Contents.
    if (packs && i == 0) {
      if (is_constant(field)) {
        constant += field.word << header;
      } else {
        rotate_left(result, field, header);
        result_begun = true;
      }
    } else if (packs) {
      if (is_constant(field)) {
        const Word content = field.word - 3;
        if (!end_varies) {
          // Beyond 64 bits the struct does not fit, whatever the field holds.
          if (end_constant < 64) constant += content << end_constant;
        } else if (content != 0) {
          load_word(part, content);
          a_.lea(q(shift), x86::ptr(q(end), static_cast<int32_t>(end_constant)));
          a_.shlx(q(part), q(part), q(shift));
          add_register(part);
        }
      } else if (!end_varies && end_constant < 64) {
        // When bits come around the struct does not fit.
        rotate_left(result_begun ? part : result, field, end_constant);
        if (result_begun) add_register(part);
        result_begun = true;
        constant -= Word{3} << end_constant;
      } else {
        if (is_register(field)) {
          a_.lea(q(part), x86::ptr(q(field.index), -3));
        } else {
          a_.mov(q(part), memory(field));
          a_.sub(q(part), 3);
        }
        a_.lea(q(shift), x86::ptr(q(end), static_cast<int32_t>(end_constant)));
        a_.shlx(q(part), q(part), q(shift));
        add_register(part);
      }
    }
    // Length.
    const int exact = exact_bits(ins.list[i]);
    if (exact >= 0) {
      end_constant += exact;
    } else if (last && ins.fits && packs) {
      break;  // only the check is needed
    } else {
      end_constant += 62;
      if (end_varies) {
        count_zeros(part, field);
        a_.sub(q(end), q(part));
      } else {
        count_zeros(end, field);
        a_.neg(q(end));
        end_varies = true;
      }
    }
    // End offset.
    if (packs && !last) {
      constant += static_cast<Word>(2 * (end_constant - header)) << (kOffsetBits * i);
      if (end_varies && i == 0 && result_begun && fits_imm32(constant)) {
        a_.lea(q(result), x86::ptr(q(result), q(end), 1, static_cast<int32_t>(static_cast<int64_t>(constant))));
        constant = 0;
      } else if (end_varies) {
        a_.mov(q(part), q(end));
        a_.shl(q(part), imm(kOffsetBits * i + 1));
        add_register(part);
      }
    }
  }
  if (packs) add_constant();
  if (plan.exit < 0) return;
  const int64_t limit = static_cast<int64_t>(kMaxPackedBits) - (packs ? 0 : ins.m) - end_constant;
  if (end_varies) {
    a_.cmp(q(end), imm(limit));
    leave_if(plan, packs ? Condition::kG : Condition::kLE);
  } else if ((limit < 0) == packs) {
    leave(plan);
  }
}

/// Emits the guard that a word is `layout` but for the contents of its fields. Seen as a circle, the bits that count
/// are neighbours.
void Lowering::layout_guard(const IrIns& ins, const InsPlan& plan) {
  const int scratch = plan.scratch[0];
  const int end = static_cast<int>(std::bit_width(ins.x)) - 1;
  const int header = static_cast<int>(1 + kOffsetBits * (ins.m - 1));
  const int contents = end - header;
  if (end < 31) {
    // The difference of words of that layout has no other bits than those of contents.
    a_.lea(q(scratch), x86::ptr(q(plan.a.index), -static_cast<int32_t>(ins.x)));
    const int64_t others = ~(((int64_t{1} << contents) - 1) << header);
    a_.test(q(scratch), imm(others));
    return leave_if(plan, Condition::kNZ);
  }
  load_word(scratch, ins.x);
  a_.xor_(q(scratch), q(plan.a.index));
  if (contents > 0) {
    a_.rorx(q(scratch), q(scratch), imm(end));
    a_.shl(q(scratch), imm(contents));
  }
  leave_if(plan, Condition::kNZ);
}

/// Emits a packed_field whose place is known.
void Lowering::placed_field(const InsPlan& plan, int start, int bits) {
  const int result = plan.result;
  if (bits == 0) {
    load_word(result, kUnitWord);
    return;
  }
  constexpr int kMostInImmediate = 29;
  if (bits <= kMostInImmediate) {
    a_.rorx(q(result), q(plan.a.index), imm(start - 1));
    a_.and_(d(result), imm((1u << (bits + 1)) - 2));
    a_.or_(d(result), imm(1u | 1u << (bits + 1)));
    return;
  }
  copy_register(result, plan.a.index);
  if (start + bits < 64) a_.shl(q(result), imm(64 - start - bits));
  a_.shr(q(result), imm(63 - bits));
  a_.or_(q(result), 1);
  a_.bts(q(result), imm(bits + 1));
}

void Lowering::packed_field(const IrIns& ins, const InsPlan& plan) {
  const int word = plan.a.index;
  const int result = plan.result;
  const uint32_t count = ins.m;
  const uint32_t index = static_cast<uint32_t>(ins.n);
  if (count == 1) {
    copy_register(result, word);
    return;
  }
  const int start = plan.scratch[0];
  const int bits = plan.scratch[1];
  const uint32_t header = kOffsetBits * (count - 1);
  const bool last = index + 1 == count;
  // Shift counts are taken modulo 64, which is the mask that the offsets need.
  if (!last) a_.rorx(q(bits), q(word), imm(1 + kOffsetBits * index));
  if (index > 0) {
    a_.rorx(q(start), q(word), imm(1 + kOffsetBits * (index - 1)));
    a_.shrx(q(result), q(word), q(start));
    if (!last) a_.sub(d(bits), d(start));
  } else {
    copy_register(result, word);
  }
  a_.shr(q(result), imm(header));
  a_.or_(q(result), 1);
  if (last) return;
  a_.mov(d(start), 2);
  a_.shlx(q(bits), q(start), q(bits));
  a_.lea(q(start), x86::ptr(q(bits), -1));
  a_.and_(q(result), q(start));
  a_.or_(q(result), q(bits));
}

/// Emits a call of C++ that computes the result; 0 means that there is none.
void Lowering::helper(const IrIns& ins, const InsPlan& plan) {
  const std::span<const Location> args = list(plan);
  for (size_t k = 0; k < args.size(); ++k) {
    copy_to_memory(x86::qword_ptr(kThread, register_offset(static_cast<int32_t>(k))), args[k], plan.scratch[0]);
  }
  const bool is_native = ins.op == IrOp::kNative;
  store_word(x86::qword_ptr(kThread, kHelperNumber), is_native ? Code::from_code(ins.code) : static_cast<Word>(ins.n),
             plan.scratch[0]);
  a_.call(imm(reinterpret_cast<uint64_t>(stubs_ + (is_native ? kNativeHelper : kFoldHelper))));
  if (is_native) a_.mov(kAp, x86::qword_ptr(kThread, kCarrierAp));
  a_.mov(q(plan.result), x86::qword_ptr(kThread, register_offset(0)));
  a_.test(q(plan.result), q(plan.result));
  leave_if(plan, Condition::kZ);
}

/// Emits a look into a memo: the row for the arguments must be theirs.
void Lowering::recall(const IrIns& ins, const InsPlan& plan) {
  MemoTable& table = *trace_.memos[static_cast<size_t>(ins.n)];
  const std::span<const Location> args = list(plan);
  const int row = plan.scratch[0];
  const int other = plan.scratch[1];
  // The row's index, as MemoTable::row_for computes it.
  for (size_t k = 0; k < args.size(); ++k) {
    if (k == 0) {
      fetch(row, args[k]);
    } else if (is_constant(args[k])) {
      load_word(other, args[k].word);
      a_.add(q(row), q(other));
    } else {
      a_.add(q(row), q(args[k].index));
    }
    if (k == 0 || is_constant(args[k])) load_word(other, MemoTable::kHashFactor);
    a_.imul(q(row), q(other));
  }
  a_.shr(q(row), imm(64 - table.index_bits));
  a_.shl(q(row), imm(kMemoRowShift));
  auto base = reinterpret_cast<Word>(table.rows.get());
  if (!fits_imm32(base + sizeof(MemoRow))) {
    load_word(other, base);
    a_.add(q(row), q(other));
    base = 0;
  }
  const auto in_row = [&](size_t offset) { return x86::qword_ptr(q(row), static_cast<int32_t>(base + offset)); };
  for (size_t k = 0; k < args.size(); ++k) {
    const Mem argument = in_row(offsetof(MemoRow, arguments) + k * sizeof(Word));
    if (!is_constant(args[k])) {
      a_.cmp(argument, q(args[k].index));
    } else if (fits_imm32(args[k].word)) {
      a_.cmp(argument, imm(static_cast<int64_t>(args[k].word)));
    } else {
      load_word(other, args[k].word);
      a_.cmp(argument, q(other));
    }
    leave_if(plan, Condition::kNE);
  }
  a_.mov(q(plan.result), in_row(offsetof(MemoRow, result)));
  if (ins.op == IrOp::kCountedRecall) {
    const MemoRow* const first = base == 0 ? table.rows.get() : nullptr;
    a_.inc(counter_of_row(a_, static_cast<Register>(row), static_cast<Register>(other), first, table.row_hits.get(),
                          kMemoCounterShift));
  }
  const auto hits = reinterpret_cast<Word>(&table.hits);
  if (fits_imm32(hits)) {
    Mem counter = x86::qword_ptr(hits);
    counter.setAbs();
    a_.inc(counter);
  } else {
    load_word(other, hits);
    a_.inc(x86::qword_ptr(q(other)));
  }
}

/// Emits the stores of an object at ap; ap moves once for all objects up to the next
/// instruction that can leave. So the addresses of a group of recursive values are known
/// beforehand.
void Lowering::make_object(uint32_t i, const InsPlan& plan) {
  const IrIns& ins = trace_.ins[i];
  const auto size = [](const IrIns& object) {
    return 8 * static_cast<int32_t>(1 + (object.code != nullptr ? 1 : 0) + object.list.size());
  };
  if (ins.recursive) {
    int32_t offset = pending_;
    for (uint32_t k = i; k < trace_.ins.size(); ++k) {
      const IrIns& other = trace_.ins[k];
      if (other.op == IrOp::kNew && other.recursive && !other.sunk) {
        object_offset_[k] = offset;
        offset += size(other);
      } else if (!allocation_.plans[k].skip) {
        break;
      }
    }
  }
  const int scratch = plan.scratch[0];
  int32_t at = pending_;
  const auto next = [&] {
    const Mem to = x86::qword_ptr(kAp, at);
    at += 8;
    return to;
  };
  store_word(next(), ins.x, scratch);
  if (ins.code != nullptr) store_word(next(), Code::from_code(ins.code), scratch);
  for (const Location& field : list(plan)) copy_to_memory(next(), field, scratch);
  if (plan.result != kNoRegister) {
    if (pending_ == 0) {
      a_.mov(q(plan.result), kAp);
    } else {
      a_.lea(q(plan.result), x86::ptr(kAp, pending_));
    }
  }
  pending_ += size(ins);
}

void Lowering::go_to_code(const IrIns& ins, const InsPlan& plan, bool calls) {
  const auto go = [&](const auto& target) {
    if (calls) {
      a_.call(target);
    } else {
      a_.jmp(target);
    }
  };
  const Code* code = called_code(trace_, ins);
  if (code == nullptr) {
    a_.mov(q(kRax), x86::qword_ptr(q(plan.a.index), kClosureCode));
    go(x86::qword_ptr(q(kRax), kNativeEntry));
    return;
  }
  if (trace_.kind == TraceKind::kFunction && code == trace_.code) {
    go(start_);
    return;
  }
  const Word entry = options_.call_target != nullptr ? reinterpret_cast<Word>(options_.call_target)
                                                     : Code::from_code(code) + kNativeEntry;
  if (fits_imm32(entry)) {
    Mem at = x86::qword_ptr(entry);
    at.setAbs();
    go(at);
  } else {
    load_word(kRax, entry);
    go(x86::qword_ptr(q(kRax)));
  }
}

void Lowering::call(uint32_t i, const InsPlan& plan) {
  const IrIns& ins = trace_.ins[i];
  if (ins.op == IrOp::kTailCall) {
    go_to_code(ins, plan, false);
    return;
  }
  a_.add(kFp, imm(slot_offset(ins.n)));
  note_instruction(i, ins.n);
  go_to_code(ins, plan, true);
  // The return address of the callee, with what its return words are made of (interp/native_stack.h).
  const Label stub = a_.newLabel();
  a_.bind(stub);
  note_return(CodeRowKind::kReturn, i, ins, ins.n);
  const size_t start = a_.offset();
  Exit& exit = exit_of(plan);
  a_.long_().jmp(exit.stub);
  exit.jumps.push_back(a_.offset() - 4);
  FBLE_ASSERT(a_.offset() == start + kEntryByFrame);
  const Word position = reinterpret_cast<Word>(trace_.snapshots[ins.snapshot].frames.back().pc);
  a_.long_().mov(q(kR11), imm(position));
  FBLE_ASSERT(a_.offset() == start + kReturnPositionAt + 8);
  a_.mov(d(kRax), imm(static_cast<uint32_t>(slot_offset(ins.n))));
  FBLE_ASSERT(a_.offset() == start + kDistanceAt + 4);
  emit_push_return_by_frame(a_);
  a_.jmp(stub);
}

void Lowering::loop_back(const IrIns&, const InsPlan& plan) {
  // An alloc_check in the loop is a yield point already.
  bool polls = true;
  for (size_t i = trace_.ins.size(); i-- > 0 && trace_.ins[i].op != IrOp::kLoopStart;) {
    if (trace_.ins[i].op == IrOp::kAllocCheck) polls = false;
  }
  const auto restore_head = [&] {
    for (uint32_t k = plan.moves_begin; k < plan.moves_end; ++k) move(allocation_.moves[k], kNoRegister);
  };
  if (plan.leaves_late) restore_head();
  if (options_.count_guards) count_guard(plan);
  if (options_.exit_flags) test_flag(plan);
  if (polls) a_.cmp(kAp, x86::qword_ptr(kThread, kAllocLimit));
  if (polls && plan.leaves_late) {
    a_.jbe(loop_);
    leave(plan);
    return;
  }
  if (polls) leave_if(plan, Condition::kA);
  if (!plan.leaves_late) restore_head();
  a_.jmp(loop_);
}

void Lowering::lower(uint32_t i) {
  const IrIns& ins = trace_.ins[i];
  const InsPlan& plan = allocation_.plans[i];
  if (options_.keep_origins) origins.push_back({static_cast<uint32_t>(a_.offset()), i});
  note_instruction(i);
  if (plan.skip) return;
  if (plan.exit >= 0 || ir_has_effect(ins.op, 'e') || ins.op == IrOp::kLoopStart) commit_allocation();
  if (ins.op != IrOp::kLoopBack) {
    for (uint32_t k = plan.moves_begin; k < plan.moves_end; ++k) move(allocation_.moves[k], plan.scratch[0]);
    const bool may_be_forced = plan.exit >= 0 && ins.op != IrOp::kCall && ins.op != IrOp::kExit;
    if (options_.count_guards && may_be_forced && !trace_.snapshots[ins.snapshot].settled) count_guard(plan);
    if (options_.exit_flags && may_be_forced) test_flag(plan);
  }
  const int a = plan.a.index;
  const int result = plan.result;
  const int scratch = plan.scratch[0];
  bool swapped;

  switch (ins.op) {
    case IrOp::kConstant:
    case IrOp::kSlot:
    case IrOp::kInherit:
    case IrOp::kResult:
    case IrOp::kCount: break;

    case IrOp::kField: a_.mov(q(result), x86::qword_ptr(q(a), field_offset(ins.n))); break;
    case IrOp::kGlobal:
      a_.mov(q(result), x86::qword_ptr(kThread, kGlobals));
      a_.mov(q(result), x86::qword_ptr(q(result), 8 * ins.n));
      break;
    case IrOp::kPackedArg:
      copy_register(result, a);
      if (ins.n != 0) {
        a_.shr(q(result), imm(ins.n));
        a_.or_(q(result), 1);
      }
      break;
    case IrOp::kPackedField:
      if (const Word layout = allocation_.layouts[i]; layout != 0) {
        const FieldPlace place = place_of_field(layout, ins);
        placed_field(plan, place.start, place.bits);
      } else {
        packed_field(ins, plan);
      }
      break;

    case IrOp::kPackUnion: pack_union(ins, plan); break;
    case IrOp::kPackStruct:
    case IrOp::kNoFit: pack_fields(ins, plan); break;

    case IrOp::kIsPacked:
      a_.test(b(a), 1);
      leave_if(plan, Condition::kZ);
      break;
    case IrOp::kIsPointer:
      a_.test(b(a), 3);
      leave_if(plan, Condition::kNZ);
      break;
    case IrOp::kTagIs:
    case IrOp::kTagFrom:
      if (plan.exit >= 0) tag_guard(ins, plan);
      break;
    case IrOp::kLayoutIs: layout_guard(ins, plan); break;
    case IrOp::kHeaderIs:
      a_.cmp(x86::dword_ptr(q(a), kHeader), imm(ins.n));
      leave_if(plan, Condition::kNE);
      break;
    case IrOp::kCodeIs: {
      const Word code = Code::from_code(ins.code);
      if (fits_imm32(code)) {
        a_.cmp(x86::qword_ptr(q(a), kClosureCode), imm(static_cast<int64_t>(code)));
      } else {
        load_word(scratch, code);
        a_.cmp(x86::qword_ptr(q(a), kClosureCode), q(scratch));
      }
      leave_if(plan, Condition::kNE);
      break;
    }
    case IrOp::kArityIs:
      a_.mov(q(scratch), x86::qword_ptr(q(a), kClosureCode));
      a_.cmp(x86::dword_ptr(q(scratch), kCodeArity), imm(ins.n));
      leave_if(plan, Condition::kNE);
      break;

    case IrOp::kIsNatural:
      a_.lea(d(scratch), x86::ptr(q(a), 1));
      a_.test(b(scratch), 3);
      leave_if(plan, Condition::kNZ);
      break;
    case IrOp::kAdd: add(ins, plan); break;
    case IrOp::kSub: sub(ins, plan); break;
    case IrOp::kMul: mul(ins, plan); break;
    case IrOp::kDiv:
    case IrOp::kMod: divide(ins, plan); break;
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor:
    case IrOp::kBitAnd:
    case IrOp::kBitOr:
    case IrOp::kBitXor: bitwise(ins, plan); break;
    case IrOp::kShiftLeft: shift_left(ins, plan); break;
    case IrOp::kShiftRight:
      copy_register(result, a);
      if (ins.n != 0) {
        a_.shr(q(result), imm(ins.n));
        a_.or_(q(result), 3);
      }
      break;

    case IrOp::kLess:
      // Subtracting with borrow from itself leaves -1 if a < b, else 0.
      compare(plan, &swapped);
      if (!swapped) {
        a_.sbb(d(result), d(result));
        a_.lea(d(result), x86::ptr(q(result), q(result), 0, 7));
      } else {
        a_.setbe(b(result));
        a_.movzx(d(result), b(result));
        a_.lea(d(result), x86::ptr(q(result), q(result), 0, 5));
      }
      break;
    case IrOp::kLessEqual:
      compare(plan, &swapped);
      if (!swapped) {
        a_.seta(b(result));
        a_.movzx(d(result), b(result));
        a_.lea(d(result), x86::ptr(q(result), q(result), 0, 5));
      } else {
        a_.sbb(d(result), d(result));  // b < a
        a_.neg(d(result));
        a_.lea(d(result), x86::ptr(q(result), q(result), 0, 5));
      }
      break;
    case IrOp::kEqual:
    case IrOp::kUnequal:
      compare(plan, &swapped);
      if (ins.op == IrOp::kEqual) {
        a_.setne(b(result));
      } else {
        a_.sete(b(result));
      }
      a_.movzx(d(result), b(result));
      a_.lea(d(result), x86::ptr(q(result), q(result), 0, 5));
      break;
    case IrOp::kCompare:
      compare(plan, &swapped);
      a_.seta(b(result));
      a_.sbb(b(result), 0);  // 1, 0 or -1
      a_.movsx(d(result), b(result));
      if (swapped) a_.neg(d(result));
      a_.lea(d(result), x86::ptr(q(result), q(result), 0, 11));
      break;
    case IrOp::kIsLess:
      compare(plan, &swapped);
      leave_if(plan, swapped ? swapped_condition(Condition::kAE) : Condition::kAE);
      break;
    case IrOp::kNotLess:
      compare(plan, &swapped);
      leave_if(plan, swapped ? swapped_condition(Condition::kB) : Condition::kB);
      break;
    case IrOp::kIsEqual:
      compare(plan, &swapped);
      leave_if(plan, Condition::kNE);
      break;
    case IrOp::kNotEqual:
      compare(plan, &swapped);
      leave_if(plan, Condition::kE);
      break;
    case IrOp::kIntrinsic:
    case IrOp::kNative: helper(ins, plan); break;
    case IrOp::kRecall:
    case IrOp::kCountedRecall: recall(ins, plan); break;

    case IrOp::kIntOf:
      // 4n or, for negative numbers, 4(-n - 1) + 2.
      a_.lea(q(result), x86::ptr(q(a), -3));
      a_.rorx(q(scratch), q(result), 2);
      a_.sar(q(scratch), 63);
      a_.shr(q(result), 2);
      a_.xor_(q(result), q(scratch));
      break;
    case IrOp::kIntWord:
      a_.mov(q(scratch), q(a));
      a_.sar(q(scratch), 63);
      if (ins.fits) {
        a_.lea(q(result), x86::ptr(q(a), q(a)));
        a_.xor_(q(result), q(scratch));
        a_.lea(q(result), x86::ptr(q(result), q(result), 0, 3));
        break;
      }
      copy_register(result, a);
      a_.add(q(result), q(result));
      leave_if(plan, Condition::kO);
      a_.xor_(q(result), q(scratch));
      a_.add(q(result), q(result));
      // Only for -2^62, whose magnitude is one too large.
      a_.add(q(result), 3);
      leave_if(plan, Condition::kC);
      break;
    case IrOp::kIntAdd:
      if (is_constant(plan.a) || is_constant(plan.b)) {
        const Location& variable = is_constant(plan.a) ? plan.b : plan.a;
        const auto constant = static_cast<int32_t>((is_constant(plan.a) ? plan.a : plan.b).word);
        a_.lea(q(result), x86::ptr(q(variable.index), constant));
      } else {
        a_.lea(q(result), x86::ptr(q(a), q(plan.b.index)));
      }
      break;
    case IrOp::kIntSub:
      copy_register(result, a);
      if (is_constant(plan.b)) {
        a_.sub(q(result), imm(static_cast<int64_t>(plan.b.word)));
      } else {
        a_.sub(q(result), q(plan.b.index));
      }
      break;
    case IrOp::kIntMul:
      if (is_constant(plan.a) || is_constant(plan.b)) {
        const Location& variable = is_constant(plan.a) ? plan.b : plan.a;
        const Location& constant = is_constant(plan.a) ? plan.a : plan.b;
        a_.imul(q(result), q(variable.index), imm(static_cast<int64_t>(constant.word)));
      } else {
        const bool flip = result == plan.b.index;
        if (!flip) copy_register(result, a);
        a_.imul(q(result), q(flip ? a : plan.b.index));
      }
      if (!ins.fits) leave_if(plan, Condition::kO);
      break;
    case IrOp::kIntDiv: divide_numbers(ins, plan); break;
    case IrOp::kIntRem:
      if (is_constant(plan.b)) {
        a_.imul(q(scratch), q(list(plan)[0].index), imm(static_cast<int64_t>(plan.b.word)));
      } else {
        fetch(scratch, list(plan)[0]);
        a_.imul(q(scratch), q(plan.b.index));
      }
      copy_register(result, a);
      a_.sub(q(result), q(scratch));
      break;
    case IrOp::kIntShiftRight:
      copy_register(result, a);
      if (ins.n != 0) a_.sar(q(result), imm(ins.n));
      break;
    case IrOp::kOrderKey:
      // Bit 63 and the magnitude after it; all bits inverted for negative numbers.
      a_.rorx(q(scratch), q(a), 2);
      a_.rorx(q(result), q(a), 1);
      a_.sar(q(scratch), 63);
      a_.xor_(q(result), q(scratch));
      a_.not_(q(result));
      break;
    case IrOp::kChoose: choose(plan); break;
    case IrOp::kTagIn: tag_in(ins, plan); break;

    case IrOp::kNew: make_object(i, plan); break;
    case IrOp::kAllocCheck:
      a_.lea(q(scratch), x86::ptr(kAp, 8 * ins.n));
      a_.cmp(q(scratch), x86::qword_ptr(kThread, kAllocLimit));
      leave_if(plan, Condition::kA);
      break;

    case IrOp::kStackCheck:
      if (plan.exit < 0) break;
      a_.lea(q(scratch), x86::ptr(kFp, slot_offset(ins.n)));
      a_.cmp(q(scratch), x86::qword_ptr(kThread, kMachineStackLimit));
      leave_if(plan, Condition::kA);
      break;
    case IrOp::kStore: copy_to_memory(memory(in_slot(ins.n)), plan.a, kNoRegister); break;
    case IrOp::kCall:
    case IrOp::kTailCall: call(i, plan); break;
    case IrOp::kReturn:
      fetch(kValueRegister, plan.a);
      a_.ret();
      break;
    case IrOp::kExit: leave(plan); break;
    case IrOp::kLoopStart:
      loop_ = a_.newLabel();
      if (turns_register_ != kNoRegister) a_.xor_(d(turns_register_), d(turns_register_));
      a_.align(asmjit::AlignMode::kCode, 16);
      a_.bind(loop_);
      if (turns_register_ != kNoRegister) {
        a_.inc(q(turns_register_));
      } else if (options_.passes != nullptr) {
        count_pass(&options_.passes->turns);
      }
      break;
    case IrOp::kPhi: fetch(result, plan.a); break;
    case IrOp::kLoopBack: loop_back(ins, plan); break;
    case IrOp::kDeoptPoint: count_deopt_point(ins, plan); break;
    case IrOp::kTally:
    case IrOp::kTallyBits: tally(ins, plan); break;
  }
}

void Lowering::note_entry() {
  if (options_.passes != nullptr) count_pass(&options_.passes->entries);
  if (!options_.note_entry) return;
  a_.mov(x86::qword_ptr(kThread, kHelperNumber), imm(static_cast<int32_t>(trace_.id)));
  a_.call(imm(reinterpret_cast<uint64_t>(stubs_ + kNoteEntry)));
}

void Lowering::entry() {
  start_ = a_.newLabel();
  a_.bind(start_);
  // A continuation begins in the frame of the callee that has returned.
  note_row(CodeRowKind::kEntry, 0,
           trace_.kind == TraceKind::kContinuation ? static_cast<int32_t>(trace_.callee_base) : 0);
  switch (trace_.kind) {
    case TraceKind::kFunction: {
      a_.lea(q(kRax), x86::ptr(kFp, slot_offset(static_cast<int32_t>(trace_.extent))));
      a_.cmp(q(kRax), x86::qword_ptr(kThread, kMachineStackLimit));
      a_.long_().ja(imm(reinterpret_cast<uint64_t>(stubs_ + kSlowEntry)));
      note_entry();
      break;
    }
    case TraceKind::kBridge: note_entry(); break;
    case TraceKind::kContinuation:
      note_entry();
      if (trace_.callee_base != 0) a_.sub(kFp, imm(slot_offset(static_cast<int32_t>(trace_.callee_base))));
      note_row(CodeRowKind::kEntry);
      break;
  }
}

/// Notes that code without an instruction of its own begins here. That of several exits belongs to none of them.
void Lowering::note_row(CodeRowKind kind, uint32_t index, int32_t fp_slots) {
  if (!options_.keep_code_map) return;
  const uint32_t site = kind == CodeRowKind::kExitEnd || kind == CodeRowKind::kFlags ? kNoSite : 0;
  rows.push_back({static_cast<uint32_t>(a_.offset()), kind, index, site, nullptr, fp_slots});
}

/// Notes that code of an instruction begins here.
void Lowering::note_instruction(uint32_t i, int32_t fp_slots) {
  if (!options_.keep_code_map) return;
  const IrIns& ins = trace_.ins[i];
  const Code* native = ins.op == IrOp::kNative ? ins.code : nullptr;
  rows.push_back(
      {static_cast<uint32_t>(a_.offset()), CodeRowKind::kInstruction, i, ins.site, ins.pc, fp_slots, native});
}

/// Notes that code begins here that runs when the call has returned: in the function that waits for it, which is not
/// the one with the instruction if that is a tail call.
void Lowering::note_return(CodeRowKind kind, uint32_t index, const IrIns& call, int32_t fp_slots) {
  if (!options_.keep_code_map) return;
  const std::vector<SnapshotFrame>& frames = trace_.snapshots[call.snapshot].frames;
  std::vector<uint32_t> sites;  // innermost first
  for (uint32_t site = call.site; site < trace_.sites.size(); site = trace_.sites[site].parent) sites.push_back(site);
  const uint32_t site = sites.size() < frames.size() ? 0 : sites[sites.size() - frames.size()];
  rows.push_back({static_cast<uint32_t>(a_.offset()), kind, index, site, frames.back().pc, fp_slots});
}

/// Notes that code of an exit begins here.
void Lowering::note_exit(CodeRowKind kind, size_t exit, int32_t fp_slots) {
  if (!options_.keep_code_map) return;
  const auto index = static_cast<uint32_t>(exit);
  const IrIns& ins = trace_.ins[exits[exit].ins];
  if (ins.op == IrOp::kCall) return note_return(kind, index, ins, fp_slots);
  rows.push_back({static_cast<uint32_t>(a_.offset()), kind, index, ins.site, ins.pc});
}

void Lowering::run() {
  entry();
  for (uint32_t i = 0; i < trace_.ins.size(); ++i) {
    lower(i);
    note_exact_bits(i);
  }
  if (options_.keep_origins)
    origins.push_back({static_cast<uint32_t>(a_.offset()), static_cast<uint32_t>(trace_.ins.size())});
  rest();
  exit_stubs();
}

}  // namespace fble::x64
