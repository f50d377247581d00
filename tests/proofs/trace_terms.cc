#include "tests/proofs/trace_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "interp/call_frame.h"

namespace fble::proofs {

using z3::expr;

namespace {

expr yes() { return context().bool_val(true); }
expr no() { return context().bool_val(false); }

expr fresh_bool(const char* name) {
  static unsigned count = 0;
  return context().bool_const((std::string(name) + std::to_string(count++)).c_str());
}

/// Returns whether the solver takes long for the instruction.
bool is_hard(const IrIns& ins) {
  switch (ins.op) {
    case IrOp::kMul:
    case IrOp::kDiv:
    case IrOp::kMod:
    case IrOp::kIntMul:
    case IrOp::kIntDiv:
    case IrOp::kIntRem:
    case IrOp::kIntrinsic:
    case IrOp::kPackUnion:
    case IrOp::kPackStruct:
    case IrOp::kPackedArg:
    case IrOp::kPackedField: return true;
    default: return false;
  }
}

expr low_header(Word header) { return bits_of(static_cast<uint32_t>(header)); }

}  // namespace

// ---- what traces have in common ---------------------------------------------

expr TraceModel::apply(const std::string& name, const std::vector<expr>& arguments) {
  const z3::sort word = context().bv_sort(word_bits);
  if (arguments.empty()) return context().constant(name.c_str(), word);
  z3::sort_vector domain(context());
  z3::expr_vector list(context());
  for (const expr& argument : arguments) {
    domain.push_back(word);
    list.push_back(argument);
  }
  return context().function((name + "/" + std::to_string(arguments.size())).c_str(), domain, word)(list);
}

expr TraceModel::well_formed(const expr& word) {
  assume(word != 0 && (word & 3) != 2 && z3::implies((word & 1) == 1, is_packed_word(word)));
  return word;
}

expr TraceModel::value(const std::string& name) {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  return values_.emplace(name, well_formed(apply(name, {}))).first->second;
}

expr TraceModel::field(const expr& object, int32_t index) {
  return well_formed(apply("field" + std::to_string(index), {object}));
}

expr TraceModel::code_constant(const Code* code) {
  const auto found = codes_.find(code);
  if (found != codes_.end()) return found->second;
  const expr word = bits_of(Code::from_code(code));
  assume(arity(word) == bits_of(code->arity));
  return codes_.emplace(code, word).first->second;
}

expr TraceModel::constant(Word word) {
  const auto found = constants_.find(word);
  if (found != constants_.end()) return found->second;
  const expr term = bits_of(word);
  constants_.emplace(word, term);
  if (!is_pointer(word)) return term;
  const Object& object = *as_object(word);
  const bool is_closure = object.kind() == ObjectKind::kClosure;
  assume(header(term) == low_header(object.header));
  if (is_closure) assume(code(term) == code_constant(closure_code(&object)));
  for (uint32_t i = object.first_value(); i < object.count(); ++i) {
    if (is_placeholder(object.fields[i])) continue;
    assume(apply("field" + std::to_string(i), {term}) == constant(object.fields[i]));
  }
  return term;
}

void TraceModel::describe(const expr& object, Word header_word, const Code* made_code,
                          const std::vector<expr>& fields) {
  assume((object & 3) == 0 && object != 0);
  assume(header(object) == low_header(header_word));
  int32_t index = 0;
  if (made_code != nullptr) {
    assume(code(object) == code_constant(made_code));
    index = 1;
  }
  for (const expr& value : fields) assume(apply("field" + std::to_string(index++), {object}) == value);
}

// ---- one trace --------------------------------------------------------------

TraceTerms::TraceTerms(TraceModel& model, const Trace& trace, bool is_given, Start start)
    : model_(model), trace_(trace), start_(std::move(start)) {
  for (size_t i = 0; i < trace.ins.size();) {
    size_t end = i;
    while (end < trace.ins.size() && trace.ins[end].recursive) ++end;
    if (end > i) {
      add_group(i, end);
      i = end;
      continue;
    }
    steps_.push_back(step(trace.ins[i++], [&](IrRef ref) { return value(ref); }));
  }
  if (!is_given) return;
  expr path = yes();
  for (const Step& step : steps_) {
    model.assume(z3::implies(path, step.requires_));
    if (!step.yields) path = path && !step.leaves;
  }
}

/// Adds objects that may refer to one another, also forwards. Each is a function of what can be reached from it:
/// through the objects that reach it, too, and what else those refer to. What the function is called says how. So an
/// object is the same wherever a pass puts it, also beside another group.
void TraceTerms::add_group(size_t begin, size_t end) {
  const auto is_member = [&](IrRef ref) { return index_of(ref) >= begin && index_of(ref) < end; };
  std::vector<std::set<size_t>> reached(end - begin);
  for (size_t member = begin; member < end; ++member) {
    std::set<size_t>& from = reached[member - begin];
    for (std::vector<size_t> work{member}; !work.empty();) {
      const IrIns& ins = trace_.ins[work.back()];
      work.pop_back();
      for (const IrRef ref : ins.list) {
        if (is_member(ref) && from.insert(index_of(ref)).second) work.push_back(index_of(ref));
      }
    }
  }
  std::map<size_t, expr> terms;
  const std::function<expr(size_t)> term = [&](size_t member) {
    if (const auto known = terms.find(member); known != terms.end()) return known->second;
    std::string shape = "group";
    std::vector<expr> others;
    std::vector<size_t> cycle{member};
    for (size_t next = 0; next < cycle.size(); ++next) {
      const IrIns& ins = trace_.ins[cycle[next]];
      shape += fmt::format("{:x}:{:x}(", ins.x, ins.code == nullptr ? 0 : Code::from_code(ins.code));
      for (const IrRef ref : ins.list) {
        const size_t index = index_of(ref);
        const bool is_in_cycle = is_member(ref) && reached[index - begin].contains(member);
        if (!is_in_cycle) {
          shape += "o ";
          others.push_back(is_member(ref) ? term(index) : value(ref));
          continue;
        }
        const auto known = std::ranges::find(cycle, index);
        shape += fmt::format("{} ", known - cycle.begin());
        if (known == cycle.end()) cycle.push_back(index);
      }
      shape += ")";
    }
    return terms.emplace(member, model_.object(shape, others)).first->second;
  };
  for (size_t member = begin; member < end; ++member) steps_.push_back({yes(), no(), term(member)});
  for (size_t i = begin; i < end; ++i) {
    std::vector<expr> fields;
    for (const IrRef ref : trace_.ins[i].list) fields.push_back(value(ref));
    model_.describe(steps_[i].value, trace_.ins[i].x, trace_.ins[i].code, fields);
  }
}

TraceTerms::Step TraceTerms::step(const IrIns& ins, const std::function<expr(IrRef)>& operand) const {
  const expr none = bits_of(0);
  const auto a = [&] { return operand(ins.a); };
  const auto pure = [&](const expr& value) { return Step{yes(), no(), value}; };
  const auto guard = [&](const expr& leaves) { return Step{yes(), leaves, none, true}; };
  std::vector<expr> list;
  for (const IrRef ref : ins.list) list.push_back(operand(ref));
  switch (ins.op) {
    case IrOp::kConstant: return pure(ins.raw ? bits_of(ins.x) : model_.constant(ins.x));
    case IrOp::kSlot: return pure(start_(ins.n));
    case IrOp::kInherit: return pure(model_.value("inherited" + std::to_string(ins.n)));
    case IrOp::kResult: return pure(model_.value("result"));
    case IrOp::kGlobal: return pure(model_.value("global" + std::to_string(ins.n)));
    case IrOp::kPhi: return pure(model_.value(fmt::format("phi{}", steps_.size())));
    case IrOp::kField: return pure(model_.field(a(), ins.n));
    case IrOp::kHeaderIs: return guard(model_.header(a()) != bits_of(static_cast<uint32_t>(ins.n)));
    case IrOp::kCodeIs: return guard(model_.code(a()) != model_.code_constant(ins.code));
    case IrOp::kArityIs: return guard(model_.arity(model_.code(a())) != bits_of(static_cast<uint32_t>(ins.n)));
    case IrOp::kNew: {
      const std::string name = fmt::format("new{:x}:{:x}", ins.x, ins.code == nullptr ? 0 : Code::from_code(ins.code));
      const expr object = model_.object(name, list);
      model_.describe(object, ins.x, ins.code, list);
      return pure(object);
    }
    case IrOp::kNative: {
      const std::string name = fmt::format("native{:x}", Code::from_code(ins.code));
      return {yes(), model_.apply(name + "fails", list) != 0, model_.well_formed(model_.apply(name, list)), true};
    }
    case IrOp::kRecall:
    case IrOp::kCountedRecall: {
      const std::string name = fmt::format("recall{:x}", Code::from_code(ins.code));
      const expr value = model_.apply(name, list);
      model_.assume(is_packed_word(value));
      return {yes(), model_.apply(name + "fails", list) != 0, value, true};
    }
    case IrOp::kAllocCheck:
    case IrOp::kStackCheck:
    case IrOp::kLoopBack:
    case IrOp::kDeoptPoint: return {yes(), fresh_bool("yields"), none, false, true};
    case IrOp::kExit: return guard(yes());
    case IrOp::kStore:
    case IrOp::kCall:
    case IrOp::kTailCall:
    case IrOp::kReturn:
    case IrOp::kTally:
    case IrOp::kTallyBits:
    case IrOp::kLoopStart: return pure(none);
    default: break;
  }
  Operands operands;
  operands.op = ins.op;
  if (ins.a != kNoRef) operands.a = a();
  if (ins.b != kNoRef) operands.b = operand(ins.b);
  operands.n = bits_of(static_cast<uint64_t>(static_cast<int64_t>(ins.n)));
  operands.m = bits_of(ins.m);
  operands.x = bits_of(ins.x);
  operands.list = list;
  if (ins.op == IrOp::kIntrinsic) operands.intrinsic = static_cast<Intrinsic>(ins.n);
  const Meaning meaning = *meaning_of(operands);
  Step result{meaning.requires_, meaning.leaves, meaning.value,
              ir_is_guard(ins.op) && (!ir_has_result(ins.op) || may_be_error(trace_, ins))};
  if (!model_.is_abstract() || !is_hard(ins)) return result;
  // Its numbers are part of the function's name.
  std::string name = fmt::format("{}:{}:{}", ir_op_info(ins.op).name, ins.n, ins.m);
  std::vector<expr> arguments;
  if (operands.a) arguments.push_back(*operands.a);
  if (operands.b) arguments.push_back(*operands.b);
  if (ins.op != IrOp::kIntRem) arguments.insert(arguments.end(), list.begin(), list.end());
  result.requires_ = yes();
  result.value = model_.apply(name, arguments);
  if (ir_is_guard(ins.op)) result.leaves = model_.apply(name + "leaves", arguments) != 0;
  const auto where_it_fits = [&](const expr& fact) { model_.assume(z3::implies(!result.leaves, fact)); };
  switch (ins.op) {
    case IrOp::kMul:
    case IrOp::kDiv:
    case IrOp::kMod: where_it_fits(is_natural_word(result.value)); break;
    case IrOp::kIntMul:
    case IrOp::kIntDiv:
    case IrOp::kIntRem: break;
    case IrOp::kPackUnion:
      where_it_fits(model_.apply(fmt::format("packed_arg:{}:0", ins.m), {result.value}) == a());
      where_it_fits(tag_of(result.value, bits_of(ins.m)) == bits_of(static_cast<uint64_t>(ins.n)));
      where_it_fits(is_packed_word(result.value));
      break;
    case IrOp::kPackStruct:
      for (size_t i = 0; i < list.size(); ++i) {
        where_it_fits(model_.apply(fmt::format("packed_field:{}:{}", i, list.size()), {result.value}) == list[i]);
      }
      [[fallthrough]];
    default: where_it_fits(is_packed_word(result.value));
  }
  return result;
}

std::map<int32_t, expr> TraceTerms::stored(size_t before) const {
  std::map<int32_t, expr> slots;
  for (size_t i = 0; i < before; ++i) {
    const IrIns& ins = trace_.ins[i];
    if (ins.op == IrOp::kStore) slots.insert_or_assign(ins.n, value(ins.a));
  }
  return slots;
}

std::map<int32_t, expr> TraceTerms::state(const Snapshot& snapshot, size_t before) const {
  std::map<int32_t, expr> slots = stored(before);
  for (const SnapshotSlot& slot : snapshot.slots) slots.insert_or_assign(slot.slot, value(slot.ref));
  return slots;
}

std::vector<expr> facts_terms(TraceModel& model, const Facts& facts, const expr& word,
                              const std::vector<uint32_t>& widths) {
  std::vector<expr> terms;
  if (facts.packed) terms.push_back(is_packed_word(word));
  if (facts.pointer) terms.push_back((word & 3) == 0);
  if (facts.not_packed) terms.push_back((word & 1) == 0);
  if (facts.natural) terms.push_back(is_natural_word(word));
  if (facts.header >= 0) terms.push_back(model.header(word) == bits_of(static_cast<uint64_t>(facts.header)));
  if (facts.code != nullptr) terms.push_back(model.code(word) == model.code_constant(facts.code));
  if (facts.arity >= 0) {
    terms.push_back(model.arity(model.code(word)) == bits_of(static_cast<uint64_t>(facts.arity)));
  }
  if (facts.packed && facts.bits < kMaxPackedBits) terms.push_back(z3::ule(content_bits(word), bits_of(facts.bits)));
  for (const uint32_t width : widths) {
    const expr tag = tag_of(word, bits_of(width));
    if (facts.tag >= 0) terms.push_back(tag == bits_of(static_cast<uint64_t>(facts.tag)));
    for (uint32_t not_tag = 0; not_tag < 32; ++not_tag) {
      if ((facts.not_tags >> not_tag & 1) != 0) terms.push_back(tag != bits_of(not_tag));
    }
  }
  return terms;
}

}  // namespace fble::proofs
