#include "jit/ir/facts.h"

#include "gc/integer.h"
#include "interp/call_frame.h"
#include "interp/intrinsics.h"

namespace fble {

namespace {

constexpr unsigned kTagBits = 32;  // of Facts::not_tags

/// The tags that a union of the width has, as far as not_tags speaks of them; 0 if they are too many.
uint32_t all_tags(uint32_t width) {
  if (width > 5) return 0;
  return static_cast<uint32_t>((uint64_t{1} << (1u << width)) - 1);
}

uint32_t tags_below(int32_t tag) {
  if (tag <= 0) return 0;
  return tag >= static_cast<int32_t>(kTagBits) ? ~0u : (1u << tag) - 1;
}

void set_code(Facts& facts, const Code* code) {
  facts.pointer = facts.not_packed = true;
  facts.code = code;
  facts.arity = static_cast<int32_t>(code->arity);
}

void set_tag(Facts& facts, int32_t tag) {
  facts.packed = true;
  facts.tag = tag;
}

Facts packed(unsigned bits = kMaxPackedBits) {
  Facts facts;
  facts.packed = true;
  facts.bits = static_cast<uint8_t>(std::min(bits, kMaxPackedBits));
  return facts;
}

Facts natural(unsigned bits) {
  Facts facts = packed(bits);
  facts.natural = true;
  return facts;
}

/// Returns the facts about a number whose magnitude has at most `bits` bits.
Facts number(unsigned bits) {
  Facts facts;
  facts.bits = static_cast<uint8_t>(std::min(bits, 64u));
  return facts;
}

int64_t low_header(Word header) { return static_cast<uint32_t>(header); }

}  // namespace

Facts known_facts(Word word) {
  Facts facts;
  if (is_packed(word)) {
    facts.packed = true;
    facts.natural = is_natural(word);
    facts.bits = static_cast<uint8_t>(packed_bits(word));
  } else if (is_pointer(word)) {
    const Object* object = as_object(word);
    facts.pointer = facts.not_packed = true;
    facts.header = low_header(object->header);
    if (object->kind() == ObjectKind::kClosure) set_code(facts, closure_code(object));
  } else {
    facts.not_packed = true;
  }
  return facts;
}

void add_facts(Facts& facts, const Facts& more) {
  facts.natural |= more.natural;
  facts.packed |= more.packed | facts.natural;
  if (more.header >= 0) facts.header = more.header;
  if (more.code != nullptr) facts.code = more.code;
  if (more.arity >= 0) facts.arity = more.arity;
  if (more.tag >= 0) facts.tag = more.tag;
  facts.not_tags |= more.not_tags;
  facts.pointer |= more.pointer || facts.header >= 0 || facts.code != nullptr;
  if (facts.code != nullptr) facts.arity = static_cast<int32_t>(facts.code->arity);
  facts.not_packed |= more.not_packed | facts.pointer;
  facts.bits = std::min(facts.bits, more.bits);
}

Facts common_facts(const Facts& a, const Facts& b) {
  Facts facts;
  facts.packed = a.packed && b.packed;
  facts.pointer = a.pointer && b.pointer;
  facts.natural = a.natural && b.natural;
  facts.not_packed = a.not_packed && b.not_packed;
  if (a.header == b.header) facts.header = a.header;
  if (a.code == b.code) facts.code = a.code;
  if (a.arity == b.arity) facts.arity = a.arity;
  if (a.tag == b.tag) facts.tag = a.tag;
  facts.not_tags = a.not_tags & b.not_tags;
  facts.bits = std::max(a.bits, b.bits);
  return facts;
}

bool facts_imply(const Facts& facts, const Facts& weaker) {
  Facts both = facts;
  add_facts(both, weaker);
  return both == facts;
}

uint8_t value_facts(const Facts& facts) {
  return static_cast<uint8_t>((facts.packed ? kFactPacked : 0) | (facts.pointer ? kFactPointer : 0) |
                              (facts.natural ? kFactNatural : 0));
}

Truth guard_truth(const IrIns& guard, const Facts& a) {
  auto truth = [](bool yes, bool no) { return yes ? Truth::kTrue : no ? Truth::kFalse : Truth::kUnknown; };
  switch (guard.op) {
    case IrOp::kIsPacked: return truth(a.packed, a.not_packed);
    case IrOp::kIsPointer: return truth(a.pointer, a.packed);
    case IrOp::kIsNatural: return truth(a.natural, a.not_packed);
    case IrOp::kTagIs: {
      if (guard.m == 0) return truth(guard.n == 0, guard.n != 0);
      if (a.tag >= 0) return truth(a.tag == guard.n, a.tag != guard.n);
      // A narrowed guard does not tell which tags there are.
      const uint32_t all = guard.narrowed ? 0 : all_tags(guard.m);
      const uint32_t wanted = tags_below(guard.n + 1) & ~tags_below(guard.n);
      return truth(all != 0 && (all & ~a.not_tags) == wanted, (a.not_tags & wanted) != 0);
    }
    case IrOp::kTagFrom: {
      if (guard.n == 0) return Truth::kTrue;
      if (guard.m == 0) return Truth::kFalse;
      if (a.tag >= 0) return truth(a.tag >= guard.n, a.tag < guard.n);
      const uint32_t all = all_tags(guard.m);
      const uint32_t below = tags_below(guard.n);
      if (guard.n < static_cast<int32_t>(kTagBits) && (below & ~a.not_tags) == 0) return Truth::kTrue;
      return truth(false, all != 0 && (all & ~below & ~a.not_tags) == 0);
    }
    case IrOp::kHeaderIs: {
      const int64_t wanted = static_cast<uint32_t>(guard.n);
      return truth(a.header == wanted, a.header >= 0 && a.header != wanted);
    }
    case IrOp::kCodeIs: return truth(a.code == guard.code, a.code != nullptr && a.code != guard.code);
    case IrOp::kArityIs: return truth(a.arity == guard.n, a.arity >= 0 && a.arity != guard.n);
    default: return Truth::kUnknown;
  }
}

bool result_fits(const FactTable& facts, const IrIns& ins) {
  unsigned bits = 0;
  switch (ins.op) {
    case IrOp::kPackUnion: bits = facts[ins.a].bits + ins.m; break;
    case IrOp::kAdd: bits = std::max(facts[ins.a].bits, facts[ins.b].bits) + 1u; break;
    case IrOp::kMul: bits = 0u + facts[ins.a].bits + facts[ins.b].bits; break;
    case IrOp::kShiftLeft: bits = 0u + facts[ins.a].bits + static_cast<unsigned>(ins.n); break;
    case IrOp::kPackStruct:
      if (ins.list.size() > 1) bits = kOffsetBits * static_cast<unsigned>(ins.list.size() - 1);
      for (const IrRef field : ins.list) bits += facts[field].bits;
      break;
    case IrOp::kIntWord: bits = facts[ins.a].bits; break;
    case IrOp::kIntMul: bits = 0u + facts[ins.a].bits + facts[ins.b].bits; break;
    case IrOp::kIntDiv: return facts.is_nonzero_constant(ins.b);
    default: return false;
  }
  return bits <= kMaxPackedBits;
}

void FactTable::append(const IrIns& ins) {
  facts_.push_back(of_result(ins));
  if (ir_is_guard(ins.op)) learn(ins);
}

Facts FactTable::of_result(const IrIns& ins) const {
  switch (ins.op) {
    case IrOp::kConstant: {
      if (!ins.raw) return known_facts(ins.x);
      const auto value = static_cast<int64_t>(ins.x);
      return number(static_cast<unsigned>(std::bit_width(value < 0 ? 0 - ins.x : ins.x)));
    }
    case IrOp::kSlot: {
      Facts facts;
      // Calls of this code lead here, and the closure is where they left it.
      if (ins.n == kClosureSlot && trace_->kind == TraceKind::kFunction && trace_->code != nullptr) {
        set_code(facts, trace_->code);
      }
      return facts;
    }
    case IrOp::kField: {
      // A constant's field may be moved by collections, but it stays what it is.
      const IrIns& object = trace_->at(ins.a);
      if (object.op != IrOp::kConstant || object.raw || !is_pointer(object.x)) return {};
      const Object* target = as_object(object.x);
      const auto index = static_cast<uint32_t>(ins.n);
      if (index < target->first_value() || index >= target->count()) return {};
      const Word word = target->fields[index];
      return is_placeholder(word) ? Facts{} : known_facts(word);
    }
    case IrOp::kPackedArg: {
      const auto width = static_cast<unsigned>(ins.n);
      return packed(bits(ins.a) > width ? bits(ins.a) - width : 0);
    }
    case IrOp::kPackedField: {
      const unsigned offsets = ins.m > 1 ? kOffsetBits * (ins.m - 1) : 0;
      return packed(bits(ins.a) > offsets ? bits(ins.a) - offsets : 0);
    }
    case IrOp::kPackUnion: {
      Facts facts = packed(bits(ins.a) + ins.m);
      if (ins.m > 0) facts.tag = ins.n;
      return facts;
    }
    case IrOp::kPackStruct: {
      unsigned sum = ins.list.size() > 1 ? kOffsetBits * static_cast<unsigned>(ins.list.size() - 1) : 0;
      for (const IrRef field : ins.list) sum += bits(field);
      return packed(sum);
    }
    case IrOp::kAdd: return natural(std::max(bits(ins.a), bits(ins.b)) + 1u);
    case IrOp::kSub:
    case IrOp::kDiv: return natural(bits(ins.a));
    case IrOp::kMul: return natural(bits(ins.a) + bits(ins.b));
    case IrOp::kMod:
    case IrOp::kAnd: return natural(std::min(bits(ins.a), bits(ins.b)));
    case IrOp::kOr:
    case IrOp::kXor: return natural(std::max(bits(ins.a), bits(ins.b)));
    case IrOp::kShiftLeft: return natural(bits(ins.a) + static_cast<unsigned>(ins.n));
    case IrOp::kShiftRight: {
      const auto count = static_cast<unsigned>(ins.n);
      return natural(bits(ins.a) > count ? bits(ins.a) - count : 0);
    }
    case IrOp::kLess:
    case IrOp::kLessEqual:
    case IrOp::kEqual:
    case IrOp::kUnequal: return packed(1);
    case IrOp::kCompare: return packed(2);
    case IrOp::kIntrinsic: {
      switch (static_cast<Intrinsic>(ins.n)) {
        case Intrinsic::kIntAbs: return natural(bits(ins.list[0]));
        case Intrinsic::kIntBitLength: return natural(6);
        case Intrinsic::kIntPowerOf2: return natural(kMaxPackedBits);
        case Intrinsic::kIntSign: return packed(2);
        case Intrinsic::kIntCompare: return packed(2);
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
        case Intrinsic::kIntIsPositive: return packed(1);
        case Intrinsic::kCharFromInt:
        case Intrinsic::kIntFromChar: return facts_[index_of(ins.list[0])];
        case Intrinsic::kIntMin:
        case Intrinsic::kIntMax: {
          const Facts both = common_facts(facts_[index_of(ins.list[0])], facts_[index_of(ins.list[1])]);
          return both.natural ? natural(both.bits) : packed();
        }
        default: return packed();
      }
    }
    case IrOp::kIntOf: return number(bits(ins.a));
    case IrOp::kIntWord: return packed(bits(ins.a));
    case IrOp::kIntAdd:
    case IrOp::kIntSub: return number(std::max(bits(ins.a), bits(ins.b)) + 1u);
    case IrOp::kIntMul: return number(bits(ins.a) + bits(ins.b));
    // Rounding down makes -1 of what is a little less than zero.
    case IrOp::kIntDiv: return number(std::max(bits(ins.a), 1u));
    case IrOp::kIntRem: return number(bits(ins.b));
    case IrOp::kIntShiftRight: {
      // Likewise, and -(2^b - 1) by 2^n is -2^(b - n), of one more bit.
      const auto count = static_cast<unsigned>(ins.n);
      return number(bits(ins.a) > count ? bits(ins.a) - count + 1 : 1);
    }
    case IrOp::kChoose: return common_facts(facts_[index_of(ins.list[0])], facts_[index_of(ins.list[1])]);
    case IrOp::kNew: {
      Facts facts;
      facts.pointer = facts.not_packed = true;
      facts.header = low_header(ins.x);
      if (ins.code != nullptr) set_code(facts, ins.code);
      return facts;
    }
    default: return {};
  }
}

void FactTable::learn(const IrIns& guard) {
  if (guard.a == kNoRef) return;
  Facts& a = facts_[index_of(guard.a)];
  Facts more;
  switch (guard.op) {
    case IrOp::kIsPacked: more.packed = true; break;
    case IrOp::kIsPointer: more.pointer = true; break;
    case IrOp::kIsNatural: more.natural = true; break;
    case IrOp::kTagIs:
      if (guard.m > 0) set_tag(more, guard.n);
      break;
    case IrOp::kTagFrom: {
      more.not_tags = tags_below(guard.n);
      // One tag is left: of a Bool@, and of the last jump of a select over a full width.
      const uint32_t left = all_tags(guard.m) & ~(more.not_tags | a.not_tags);
      if (std::has_single_bit(left)) set_tag(more, std::countr_zero(left));
      break;
    }
    case IrOp::kIntWord: more.bits = kMaxPackedBits; break;
    case IrOp::kHeaderIs: more.header = static_cast<uint32_t>(guard.n); break;
    case IrOp::kCodeIs: set_code(more, guard.code); break;
    case IrOp::kArityIs: more.arity = guard.n; break;
    case IrOp::kIsEqual: {
      Facts& b = facts_[index_of(guard.b)];
      more = b;
      add_facts(b, a);
      break;
    }
    default: return;
  }
  add_facts(a, more);
}

const char* unmet_requirement(const FactTable& facts, const IrIns& ins) {
  switch (ins.op) {
    case IrOp::kPackedArg:
    case IrOp::kPackedField:
    case IrOp::kPackUnion:
    case IrOp::kIntOf:
    case IrOp::kOrderKey:
    case IrOp::kChoose:
    case IrOp::kTagIs:
    case IrOp::kTagFrom: return facts[ins.a].packed ? nullptr : "the operand is not known to be packed";
    case IrOp::kField:
    case IrOp::kHeaderIs:
    case IrOp::kCodeIs:
    case IrOp::kArityIs:
    case IrOp::kCall:
    case IrOp::kTailCall: return facts[ins.a].pointer ? nullptr : "the operand is not known to be a pointer";
    case IrOp::kAdd:
    case IrOp::kSub:
    case IrOp::kMul:
    case IrOp::kDiv:
    case IrOp::kMod:
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor:
      if (!facts[ins.b].natural) return "the second operand is not known to be a natural";
      [[fallthrough]];
    case IrOp::kShiftLeft:
    case IrOp::kShiftRight: return facts[ins.a].natural ? nullptr : "the operand is not known to be a natural";
    case IrOp::kIntAdd:
    case IrOp::kIntSub:
    case IrOp::kIntMul:
    case IrOp::kIntDiv:
    case IrOp::kIntRem:
      if (facts[ins.b].bits > kMaxPackedBits) return "the second number is not known to fit in a packed word";
      [[fallthrough]];
    case IrOp::kIntShiftRight:
      return facts[ins.a].bits <= kMaxPackedBits ? nullptr : "the number is not known to fit in a packed word";
    case IrOp::kPackStruct:
    case IrOp::kNoFit:
    case IrOp::kIntrinsic:
      for (const IrRef ref : ins.list) {
        if (!facts[ref].packed) return "an operand is not known to be packed";
      }
      return nullptr;
    default: return nullptr;
  }
}

}  // namespace fble
