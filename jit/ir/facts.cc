#include "jit/ir/facts.h"

#include <utility>

#include "gc/integer.h"
#include "interp/call_frame.h"
#include "jit/ir/fact_rules.h"

namespace fble {

namespace {

int64_t low_header(Word header) { return static_cast<uint32_t>(header); }

}  // namespace

Facts known_facts(Word word) {
  if (is_packed(word)) {
    const FactTable table;
    return FactRules(table).of_packed_word(word);
  }
  Facts facts;
  facts.not_packed = true;
  if (is_pointer(word)) {
    const Object* object = as_object(word);
    facts.pointer = true;
    facts.header = low_header(object->header);
    if (object->kind() == ObjectKind::kClosure) set_code_fact(facts, closure_code(object));
  }
  return facts;
}

void add_facts(Facts& facts, const Facts& more) { merge_facts(facts, more); }

Facts common_facts(const Facts& a, const Facts& b) { return facts_in_common(a, b); }

bool facts_imply(const Facts& facts, const Facts& weaker) {
  Facts both = facts;
  add_facts(both, weaker);
  return both == facts;
}

uint8_t value_facts(const Facts& facts) {
  return static_cast<uint8_t>((facts.packed ? kFactPacked : 0) | (facts.pointer ? kFactPointer : 0) |
                              (facts.natural ? kFactNatural : 0));
}

Truth guard_truth(const IrIns& guard, const Facts& a) { return truth_of_guard<const FactTable>(guard, a); }

bool result_fits(const FactTable& facts, const IrIns& ins) { return FactRules(facts).result_fits(ins); }

void FactTable::append(const IrIns& ins) {
  facts_.push_back(FactRules(std::as_const(*this)).of_result(ins));
  if (ir_is_guard(ins.op) && ins.a != kNoRef) learn(ins);
}

void FactTable::learn(const IrIns& guard) {
  if (guard.op == IrOp::kLayoutIs) layouts_.push_back({guard.a, guard.m, guard.x});
  FactRules rules(std::as_const(*this));
  const Facts first = rules.learned(guard);
  const Facts second = rules.learned_of_second(guard);
  add_facts(facts_[index_of(guard.a)], first);
  if (guard.b != kNoRef) add_facts(facts_[index_of(guard.b)], second);
}

Word FactTable::layout_of(const IrIns& field) const {
  for (const KnownLayout& known : layouts_) {
    if (known.ref == field.a && known.fields == field.m) return known.layout;
  }
  return 0;
}

Facts FactTable::of_object(const IrIns& ins) const {
  switch (ins.op) {
    case IrOp::kConstant: {
      if (!ins.raw) return known_facts(ins.x);
      const auto value = static_cast<int64_t>(ins.x);
      Facts facts;
      facts.bits = static_cast<uint8_t>(std::bit_width(value < 0 ? 0 - ins.x : ins.x));
      return facts;
    }
    case IrOp::kSlot: {
      Facts facts;
      // Calls of this code enter here, and the closure is in the slot where they stored it.
      if (ins.n == kClosureSlot && trace_->kind == TraceKind::kFunction && trace_->code != nullptr) {
        set_code_fact(facts, trace_->code);
      }
      return facts;
    }
    case IrOp::kField: {
      // A collection may move a constant's field, but its value stays the same.
      const IrIns& object = trace_->at(ins.a);
      if (object.op != IrOp::kConstant || object.raw || !is_pointer(object.x)) return {};
      const Object* target = as_object(object.x);
      const auto index = static_cast<uint32_t>(ins.n);
      if (index < target->first_value() || index >= target->count()) return {};
      const Word word = target->fields[index];
      return is_placeholder(word) ? Facts{} : known_facts(word);
    }
    case IrOp::kNew: {
      Facts facts;
      facts.pointer = facts.not_packed = true;
      facts.header = low_header(ins.x);
      if (ins.code != nullptr) set_code_fact(facts, ins.code);
      return facts;
    }
    default: return {};
  }
}

const char* unmet_requirement(const FactTable& facts, const IrIns& ins) {
  switch (ins.op) {
    case IrOp::kPackedArg:
    case IrOp::kPackedField:
    case IrOp::kPackUnion:
    case IrOp::kIntOf:
    case IrOp::kOrderKey:
    case IrOp::kChoose:
    case IrOp::kTagIn:
    case IrOp::kTagIs:
    case IrOp::kTagFrom: return facts[ins.a].packed ? nullptr : "the operand is not known to be packed";
    case IrOp::kLayoutIs: return ins.m == 1 || facts[ins.a].packed ? nullptr : "the operand is not known to be packed";
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
    case IrOp::kBitAnd:
    case IrOp::kBitOr:
    case IrOp::kBitXor:
    case IrOp::kTallyBits:
      return is_bit(facts[ins.a]) && is_bit(facts[ins.b]) ? nullptr : "an operand is not known to be one bit";
    case IrOp::kPackStruct:
    case IrOp::kNoFit:
    case IrOp::kIntrinsic:
    case IrOp::kRecall:
    case IrOp::kCountedRecall:
      for (const IrRef ref : ins.list) {
        if (!facts[ref].packed) return "an operand is not known to be packed";
      }
      return nullptr;
    default: return nullptr;
  }
}

}  // namespace fble
