// Proves each rule of jit/opt/fold_rules.h: for all words that satisfy what is known, an instruction and what the
// rule makes of it leave in the same cases and have the same result.
//
// The rules run on a trace of terms. An operand is made by whichever instruction a rule asks for: the walk tries both
// answers, and where it is yes the operand is what the instruction makes. Likewise for facts and for earlier guards.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <regex>
#include <set>

#include "jit/opt/fold_rules.h"
#include "tests/proofs/claims.h"
#include "tests/proofs/ir_terms.h"
#include "tests/reference/ir_interp.h"

namespace fble::proofs {

struct Ref {
  Ref(IrRef none = kNoRef) { FBLE_ASSERT(none == kNoRef); }
  explicit Ref(int number) : number(number) {}
  int number = -1;
};

inline Unsigned packed_tag(const Unsigned& word, unsigned width) { return Unsigned(tag_of(word.term, bits_of(width))); }
inline Signed unpack_int(const Unsigned& word) { return Signed(number_of(word.term)); }
inline Unsigned pack_int(const Signed& number) { return Unsigned(word_of_number(number.term)); }
inline bool int_fits(const Signed& number) { return static_cast<bool>(Bool(number_fits(number.term))); }

class ProofTrace;
/// The trace that is asked; operators on references have no other way to it.
ProofTrace* the_trace = nullptr;

/// Who is older is not known.
struct Age {};
Age index_of(Ref) { return {}; }
bool operator>(Age, Age) { return Walk::current()->choose(); }
bool operator<(Age, size_t) { return Walk::current()->choose(); }
bool operator==(Ref a, Ref b);

/// An operand's op, as far as it has been asked for.
struct Op {
  int number;
};
bool operator==(Op op, IrOp is);

struct Known {
  Bool natural;
  Signed tag;
  Unsigned not_tags;
  Unsigned bits;
  Unsigned least_bits;
};

struct Node {
  z3::expr value;
  char sort;
  z3::expr width;  ///< of the union that the value may be
  Op op;
  Ref a, b;
  Signed n;
  Unsigned m;
  std::vector<Ref> list;
  std::optional<IrOp> made_by;
  std::set<IrOp> not_made_by;
  std::optional<Known> known;
  int same_as = -1;
};

class ProofTrace {
 public:
  using Word = Unsigned;
  using Int = Signed;
  using Number = Signed;
  using Ref = proofs::Ref;
  struct Ins {
    IrOp op = IrOp::kCount;
    Ref a, b;
    Signed n;
    Unsigned m;
    Unsigned x;
    std::vector<Ref> list;
    Intrinsic which = Intrinsic::kNone;
    uint32_t width = 0;
    bool narrowed = false;
    uint32_t snapshot = 0;
  };

  explicit ProofTrace(Walk& walk) : table{*this}, walk_(walk) { the_trace = this; }

  struct Table {
    ProofTrace& trace;
    const Known& operator[](Ref ref) { return trace.known(ref); }
  } table;
  size_t barrier = 0;
  std::string fired;
  size_t list_size = 0;                     ///< of the instruction, for structs that its fields come from
  std::vector<z3::expr> claims;             ///< of constants that are made
  std::vector<z3::expr> claims_where_left;  ///< of values where the instruction leaves

  void rule(const char* name) { fired = name; }
  Unsigned top_bit() const { return bits(uint64_t{1} << (word_bits - 1)); }
  Unsigned max_natural() const { return Unsigned(max_packed_int()); }
  Unsigned max_packed_bits() const { return bits(word_bits - 2); }
  Unsigned max_shift() const { return bits(word_bits - 3); }
  static Unsigned bits(uint64_t value) { return Unsigned(bits_of(value)); }

  Ref make(char sort) {
    const z3::expr value = fresh("value");
    const z3::expr width = fresh("width");
    walk_.assume(z3::ult(width, bits_of(word_bits / 2)));
    if (sort == 'V') {
      walk_.assume(value != 0 && (value & 3) != 2 && z3::implies((value & 1) == 1, is_packed_word(value)));
    } else if (sort == 'K') {
      const z3::expr word = fresh("word");
      Operands key;
      key.op = IrOp::kOrderKey;
      key.a = word;
      walk_.assume(is_packed_word(word) && value == meaning_of(key)->value);
    }
    return add(value, sort, width);
  }

  Node& node(Ref ref) {
    int number = ref.number;
    while (nodes_.at(static_cast<size_t>(number))->same_as >= 0) number = nodes_[static_cast<size_t>(number)]->same_as;
    return *nodes_[static_cast<size_t>(number)];
  }
  const Node& at(Ref ref) { return node(ref); }
  z3::expr value(Ref ref) { return node(ref).value; }
  Unsigned word_of(Ref ref) { return Unsigned(value(ref)); }
  bool is_constant(Ref ref) { return node(ref).sort == 'V' && made_by(ref, IrOp::kConstant); }
  bool is_raw_constant(Ref ref) { return node(ref).sort != 'V' && made_by(ref, IrOp::kConstant); }

  Ref constant(Unsigned word) {
    claims.push_back(is_packed_word(word.term));
    const Ref ref = add(word.term, 'V', fresh("width"));
    node(ref).made_by = IrOp::kConstant;
    return ref;
  }
  Ref raw_constant(Unsigned word) {
    const Ref ref = add(word.term, 'I', fresh("width"));
    node(ref).made_by = IrOp::kConstant;
    return ref;
  }

  /// The operands of what is made have to be bits.
  Ref append_bit_xor(const Ins&, Ref a, Ref b) {
    Ins made;
    made.op = IrOp::kBitXor;
    made.a = a;
    made.b = b;
    const Meaning means = *meaning(made);
    claims.push_back(means.requires_);
    const Ref ref = add(means.value, 'V', fresh("width"));
    node(ref).made_by = IrOp::kBitXor;
    node(ref).a = a;
    node(ref).b = b;
    return ref;
  }

  bool has(IrOp op, Ref a, Ref b) {
    if (!walk_.choose()) return false;
    Operands guard;
    guard.op = op;
    guard.a = value(a);
    guard.b = value(b);
    walk_.assume(!meaning_of(guard)->leaves);
    return true;
  }

  IrOp maker_of(Ref ref) {
    for (const IrOp op : {IrOp::kLess, IrOp::kLessEqual, IrOp::kEqual, IrOp::kUnequal, IrOp::kCompare}) {
      if (made_by(ref, op)) return op;
    }
    return IrOp::kSlot;
  }
  static Intrinsic intrinsic_of(const Ins& ins) { return ins.which; }
  static uint32_t width_of(const Ins& ins) { return ins.width; }
  bool tag_guard_is_settled(const Ins&) { return walk_.choose(); }
  void settle(Ins& guard, Unsigned word) { claims_where_left.push_back(value(guard.a) == word.term); }

  Unsigned fold_intrinsic(Intrinsic which, const std::vector<Ref>& args) {
    Operands ins;
    ins.op = IrOp::kIntrinsic;
    ins.intrinsic = which;
    for (const Ref ref : args) ins.list.push_back(value(ref));
    return Unsigned(meaning_of(ins)->value);
  }
  Unsigned pack_union_of(const Ins& ins) { return Unsigned(packed_union(value(ins.a), ins.m.term, ins.n.term)); }
  Unsigned pack_fields(const Ins& ins) { return Unsigned(packed_struct(values(ins.list))); }
  bool fields_fit(const Ins& ins) {
    const z3::expr fields = packed_struct(values(ins.list));
    return static_cast<bool>(Bool(fields != 0 && packed_union(fields, ins.m.term, bits_of(0)) != 0));
  }
  bool has_tag(const Ins& ins) { return static_cast<bool>(Bool(z3::ule(ins.n.term, content_bits(value(ins.a))))); }
  Unsigned packed_arg_of(const Ins& ins) { return Unsigned(meaning(ins)->value); }
  bool has_fields(const Ins& ins) { return static_cast<bool>(Bool(is_struct_of(value(ins.a), number(ins.m.term)))); }
  Unsigned layout_of(const Ins& ins) { return Unsigned(layout_of_struct(value(ins.a), number(ins.m.term))); }
  Unsigned packed_field_of(const Ins& ins) { return Unsigned(meaning(ins)->value); }

  std::vector<z3::expr> values(const std::vector<Ref>& list) {
    std::vector<z3::expr> result;
    for (const Ref ref : list) result.push_back(value(ref));
    return result;
  }
  static uint32_t number(const z3::expr& term) { return static_cast<uint32_t>(term.simplify().get_numeral_uint64()); }

  std::optional<Meaning> meaning(const Ins& ins) {
    Operands operands;
    operands.op = ins.op;
    if (ins.a.number >= 0) operands.a = value(ins.a);
    if (ins.b.number >= 0) operands.b = value(ins.b);
    operands.n = ins.n.term.simplify();
    operands.m = ins.m.term.simplify();
    operands.x = ins.x.term;
    operands.list = values(ins.list);
    operands.intrinsic = ins.which;
    return meaning_of(operands);
  }

  /// Whether the operand's instruction is of the kind. Yes gives it operands of its own.
  bool made_by(Ref ref, IrOp op) {
    Node& asked = node(ref);
    if (asked.made_by) return *asked.made_by == op;
    const char sort = op == IrOp::kConstant ? asked.sort : ir_op_info(op).result[0];
    if (sort != asked.sort || asked.not_made_by.contains(op)) return false;
    // A key is a constant or made of an integer.
    const IrOp other = op == IrOp::kConstant ? IrOp::kOrderKey : IrOp::kConstant;
    const bool only_way = asked.sort == 'K' && asked.not_made_by.contains(other);
    if (!only_way && !walk_.choose()) {
      asked.not_made_by.insert(op);
      if (op == IrOp::kConstant && asked.sort == 'K') made_by(ref, IrOp::kOrderKey);
      return false;
    }
    asked.made_by = op;
    if (op == IrOp::kConstant) return true;
    Ins made;
    made.op = op;
    char operand = 'V';
    if (op == IrOp::kIntWord) operand = 'I';
    const bool compares = op == IrOp::kLess || op == IrOp::kLessEqual || op == IrOp::kCompare;
    if (compares && walk_.choose()) operand = 'K';
    made.a = make(operand);
    if (std::string_view(ir_op_info(op).operands).find('B') != std::string_view::npos) made.b = make(operand);
    const bool is_field = op == IrOp::kPackedField;
    bool of_other = false;
    if (is_field) {
      // Of a struct with as many fields as the instruction has; or another one, of which nothing is said.
      uint32_t index = 0;
      while (index < list_size && !walk_.choose()) ++index;
      of_other = index == list_size;
      made.n = Signed(of_other ? -1 : static_cast<int>(index));
      made.m = Unsigned(static_cast<unsigned>(list_size));
    } else if (op == IrOp::kPackedArg) {
      made.n = Signed(node(made.a).width);
    }
    if (op == IrOp::kLess || op == IrOp::kLessEqual || op == IrOp::kEqual || op == IrOp::kUnequal) {
      walk_.assume(node(ref).width == 1);
    } else if (op == IrOp::kCompare) {
      walk_.assume(node(ref).width == 2);
    }
    Node& maker = node(ref);
    maker.a = made.a;
    maker.b = made.b;
    maker.n = made.n;
    maker.m = made.m;
    if (of_other) return true;
    const Meaning means = *meaning(made);
    walk_.assume(means.requires_ && !means.leaves && maker.value == means.value);
    return true;
  }

  /// Whether two references are one.
  bool same(Ref a, Ref b) {
    Node& first = node(a);
    Node& second = node(b);
    if (&first == &second) return true;
    if (different_.contains({&first, &second}) || first.sort != second.sort) return false;
    if (!walk_.choose()) {
      different_.insert({&first, &second});
      different_.insert({&second, &first});
      return false;
    }
    unite(a, b);
    return true;
  }

 private:
  Ref add(const z3::expr& value, char sort, const z3::expr& width) {
    const int number = static_cast<int>(nodes_.size());
    nodes_.push_back(std::make_unique<Node>(Node{value, sort, width, Op{number}}));
    return Ref{number};
  }

  void unite(Ref a, Ref b) {
    Node* first = &node(a);
    Node* second = &node(b);
    if (first == second) return;
    if (!first->made_by) std::swap(first, second);
    walk_.assume(first->value == second->value && first->width == second->width);
    if (second->made_by && *second->made_by != *first->made_by) throw Walk::Impossible();
    if (first->made_by && second->not_made_by.contains(*first->made_by)) throw Walk::Impossible();
    if (second->made_by) {
      walk_.assume(first->n.term == second->n.term && first->m.term == second->m.term);
      if (first->a.number >= 0) unite(first->a, second->a);
      if (first->b.number >= 0) unite(first->b, second->b);
    }
    first->not_made_by.insert(second->not_made_by.begin(), second->not_made_by.end());
    second->same_as = first->op.number;
  }

  const Known& known(Ref ref) {
    Node& about = node(ref);
    if (about.known) return *about.known;
    const z3::expr natural = context().bool_const(("natural" + std::to_string(about.op.number)).c_str());
    const z3::expr tag = fresh("tag");
    const z3::expr not_tags = fresh("not_tags");
    const z3::expr bits = fresh("bits");
    const z3::expr least_bits = fresh("least_bits");
    const z3::expr is = tag_of(about.value, about.width);
    const unsigned tags = word_bits / 2;
    walk_.assume(z3::implies(natural, is_natural_word(about.value)));
    walk_.assume(tag >= -1 && z3::implies(tag >= 0, is_packed_word(about.value) && tag == is));
    walk_.assume(z3::lshr(not_tags, bits_of(tags)) == 0);
    walk_.assume(z3::implies(z3::ult(is, bits_of(tags)), (z3::lshr(not_tags, is) & 1) == 0));
    walk_.assume(z3::ule(bits, bits_of(word_bits)));
    walk_.assume(z3::implies(is_packed_word(about.value), z3::ule(content_bits(about.value), bits)));
    walk_.assume(z3::ule(least_bits, bits_of(word_bits)));
    walk_.assume(least_bits == 0 || (is_packed_word(about.value) && z3::ule(least_bits, content_bits(about.value))));
    about.known = Known{Bool(natural), Signed(tag), Unsigned(not_tags), Unsigned(bits), Unsigned(least_bits)};
    return *about.known;
  }

  Walk& walk_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::set<std::pair<Node*, Node*>> different_;
};

bool operator==(Op op, IrOp is) { return the_trace->made_by(Ref{op.number}, is); }
bool operator==(Ref a, Ref b) { return the_trace->same(a, b); }

namespace {

/// An instruction to run the rules on.
struct Subject {
  IrOp op;
  char sort = 'V';
  size_t list = 0;
  uint32_t width = 0;  ///< of tag guards
  int index = 0;       ///< of packed_field
  Intrinsic which = Intrinsic::kNone;

  /// The name of its test.
  std::string test() const {
    const std::string op_name = ir_op_info(op).name;
    return which == Intrinsic::kNone ? op_name : op_name + "_" + intrinsic_info(which).name;
  }
};

/// Claims that are too much for the solver at 64 bits. Structs have 16, as their fields have offsets.
const Covered kCovered[] = {
    {"add_offset of add", 8},
    {"add_offset of sub", 8},
    {"div_power of div", 8},
    {"int_div_power of int_div", 8},
    {"int_rem_constant of int_rem", 8},
    {"intrinsic_constant of intrinsic_int_mul", 8},
    {"intrinsic_modulo of intrinsic_int_modulo", 8},
    {"intrinsic_mul of intrinsic_int_mul", 8},
    {"intrinsic_quotient of intrinsic_int_quotient", 8},
    {"intrinsic_shift_left of intrinsic_int_shift_left", 8},
    {"intrinsic_shift_right of intrinsic_int_shift_right", 8},
    {"intrinsic_xor of intrinsic_int_xor", 8},
    {"mod_power of mod", 8},
    {"mul_power of mul", 8},
    {"naturals_constant of mul", 8},
    {"no_fit_constant of no_fit", 16},
    {"no_fit_small of no_fit", 16},
    {"numbers_constant of int_div", 8},
    {"order_operands of int_mul", 8},
    {"order_operands of mul", 8},
    {"pack_struct_again of pack_struct", 16},
    {"pack_union_again of pack_union", 8},
};

Claims claims("folds", kCovered);

ProofTrace::Ins instruction(const Subject& subject, ProofTrace& trace, Walk& walk) {
  ProofTrace::Ins ins;
  ins.op = subject.op;
  ins.which = subject.which;
  ins.width = subject.width;
  trace.list_size = subject.list;
  const std::string_view operands = ir_op_info(subject.op).operands;
  if (operands.find('A') != operands.npos) ins.a = trace.make(subject.sort);
  if (operands.find('B') != operands.npos) ins.b = trace.make(subject.sort);
  for (size_t i = 0; i < subject.list; ++i) ins.list.push_back(trace.make(subject.op == IrOp::kIntRem ? 'I' : 'V'));
  switch (subject.op) {
    case IrOp::kShiftLeft:
    case IrOp::kShiftRight:
    case IrOp::kIntShiftRight:
      ins.n = Signed(fresh("count"));
      walk.assume(z3::ult(ins.n.term, bits_of(word_bits - 2)));
      break;
    case IrOp::kTagIs:
    case IrOp::kTagFrom: {
      const Node& of = trace.at(ins.a);
      ins.n = Signed(fresh("tag"));
      ins.m = Unsigned(subject.width);
      ins.narrowed = subject.op == IrOp::kTagIs && walk.choose();
      const uint64_t tags = uint64_t{1} << subject.width;
      walk.assume(z3::ult(ins.n.term, bits_of(tags + (subject.op == IrOp::kTagFrom ? 1 : 0))));
      // A guard that looks at fewer bits than the tag has knows that they tell.
      const z3::expr tag = tag_of(of.value, of.width);
      if (!ins.narrowed) {
        walk.assume(of.width == ins.m.term);
      } else {
        walk.assume(z3::ult(ins.m.term, of.width));
        walk.assume(z3::implies((tag & bits_of(tags - 1)) == ins.n.term, tag == ins.n.term));
      }
      break;
    }
    case IrOp::kTagIn:
      ins.m = Unsigned(subject.width);
      ins.x = Unsigned(fresh("tags"));
      walk.assume(trace.at(ins.a).width == ins.m.term);
      break;
    case IrOp::kPackedArg: ins.n = Signed(trace.at(ins.a).width); break;
    case IrOp::kPackUnion:
    case IrOp::kNoFit:
      ins.m = Unsigned(fresh("width"));
      walk.assume(z3::ult(ins.m.term, bits_of(word_bits / 2)));
      if (subject.op == IrOp::kNoFit) break;
      ins.n = Signed(fresh("tag"));
      walk.assume(z3::ult(ins.n.term, z3::shl(bits_of(1), ins.m.term)));
      break;
    case IrOp::kPackedField:
      ins.n = Signed(subject.index);
      ins.m = Unsigned(subject.width);
      break;
    case IrOp::kLayoutIs:
      ins.m = Unsigned(subject.width);
      ins.x = Unsigned(fresh("layout"));
      break;
    case IrOp::kChoose: walk.assume(trace.at(ins.a).width == 1); break;
    default: break;
  }
  return ins;
}

/// Returns what has to be true of what the rules have made of the instruction; nothing if that is the instruction.
std::optional<z3::expr> claim_of(ProofTrace& trace, const ProofTrace::Ins& before, const ProofTrace::Ins& ins,
                                 const BasicAnswer<Ref>& answer, const Meaning& meant) {
  using Kind = BasicAnswer<Ref>;
  const bool is_same = before.op == ins.op && before.a.number == ins.a.number && before.b.number == ins.b.number;
  if (answer.kind == Kind::kAppend && is_same) return std::nullopt;
  z3::expr claim = context().bool_val(true);
  const bool has_result = ir_has_result(before.op);
  switch (answer.kind) {
    case Kind::kReplace: claim = !meant.leaves && trace.value(answer.ref) == meant.value; break;
    case Kind::kDrop: claim = !meant.leaves; break;
    case Kind::kFails: claim = meant.leaves; break;
    case Kind::kAppend:
    case Kind::kAgain: {
      const Meaning now = *trace.meaning(ins);
      claim = now.requires_ && now.leaves == meant.leaves;
      if (has_result) claim = claim && z3::implies(!meant.leaves, now.value == meant.value);
      break;
    }
  }
  for (const z3::expr& made : trace.claims) claim = claim && made;
  for (const z3::expr& left : trace.claims_where_left) claim = claim && z3::implies(meant.leaves, left);
  return claim;
}

/// What is done with the claim of a rule, which has to follow from what the walk has assumed.
using TakeClaim = std::function<void(Walk& walk, const std::string& rule, const z3::expr& claim)>;

/// Runs the rules on the instruction, on all paths.
void walk_rules(const Subject& subject, const TakeClaim& take) {
  Walk walk;
  std::unique_ptr<ProofTrace> trace;
  ProofTrace::Ins before, ins;
  BasicAnswer<Ref> answer;
  std::optional<Meaning> meant;
  walk.run(
      [&] {
        trace = std::make_unique<ProofTrace>(walk);
        ins = instruction(subject, *trace, walk);
        before = ins;
        meant = trace->meaning(ins);
        walk.assume(meant->requires_);
        answer = FoldRules<ProofTrace>(*trace, ins).fold();
      },
      [&] {
        const std::optional<z3::expr> claim = claim_of(*trace, before, ins, answer, *meant);
        if (claim) take(walk, answer.kind == BasicAnswer<Ref>::kAppend ? "order_operands" : trace->fired, *claim);
      });
}

/// Decides the claims about the instruction that words of this size are for.
void prove(const Subject& subject) {
  walk_rules(subject, [&](Walk& walk, const std::string& rule, const z3::expr& claim) {
    const std::string name = rule + " of " + subject.test();
    if (claims.bits_for(name) == word_bits) claims.decide(walk, name, claim);
  });
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> subjects;
  for (int number = 0; number < static_cast<int>(IrOp::kCount); ++number) {
    const auto op = static_cast<IrOp>(number);
    switch (op) {
      case IrOp::kTagIs:
      case IrOp::kTagFrom:
        for (uint32_t width = 0; width < 8; ++width) subjects.push_back({op, 'V', 0, width});
        break;
      case IrOp::kTagIn:
        for (uint32_t width = 1; width < 7; ++width) subjects.push_back({op, 'V', 0, width});
        break;
      case IrOp::kPackStruct:
      case IrOp::kNoFit:
        for (size_t fields = 0; fields < 4; ++fields) subjects.push_back({op, 'V', fields});
        break;
      case IrOp::kPackedField:
        for (uint32_t fields = 1; fields < 4; ++fields) {
          for (uint32_t field = 0; field < fields; ++field) {
            subjects.push_back({op, 'V', 0, fields, static_cast<int>(field)});
          }
        }
        break;
      case IrOp::kLayoutIs:
        for (uint32_t fields = 1; fields < 6; ++fields) subjects.push_back({op, 'V', 0, fields});
        break;
      case IrOp::kLess:
      case IrOp::kLessEqual:
      case IrOp::kCompare:
      case IrOp::kIsLess:
      case IrOp::kNotLess:
        subjects.push_back({op, 'V'});
        subjects.push_back({op, 'K'});
        break;
      case IrOp::kIntWord:
      case IrOp::kIntAdd:
      case IrOp::kIntSub:
      case IrOp::kIntMul:
      case IrOp::kIntDiv:
      case IrOp::kIntShiftRight: subjects.push_back({op, 'I'}); break;
      case IrOp::kIntRem: subjects.push_back({op, 'I', 1}); break;
      case IrOp::kChoose: subjects.push_back({op, 'V', 2}); break;
      case IrOp::kIntrinsic:
        for (uint32_t index = 1; index < static_cast<uint32_t>(Intrinsic::kCount); ++index) {
          const auto which = static_cast<Intrinsic>(index);
          subjects.push_back({op, 'V', intrinsic_info(which).arity, 0, 0, which});
        }
        break;
      default: {
        Operands operands;
        operands.op = op;
        if (meaning_of(operands)) subjects.push_back({op, 'V'});
      }
    }
  }
  return subjects;
}

/// The names of the rules, as the source has them.
std::set<std::string> names_of_rules() {
  std::ifstream stream(FBLE_SOURCE_DIR "/jit/opt/fold_rules.h");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::set<std::string> names;
  const std::regex rule("FBLE_RULE\\(\\s*([a-z_0-9]+),");
  for (std::sregex_iterator at(text.begin(), text.end(), rule), end; at != end; ++at) names.insert((*at)[1]);
  names.erase("name");
  return names;
}

/// A test is for an op or for an intrinsic.
class FoldProof : public testing::TestWithParam<std::string> {};

TEST_P(FoldProof, IsProved) {
  std::set<unsigned> sizes = {64};
  for (const Covered& row : kCovered) {
    if (row.claim.ends_with(" of " + GetParam())) sizes.insert(row.bits);
  }
  for (const unsigned bits : sizes) {
    const WordSize size(bits);
    for (const Subject& subject : all_subjects()) {
      if (subject.test() == GetParam()) prove(subject);
    }
  }
  for (const Covered& row : kCovered) {
    if (row.claim.ends_with(" of " + GetParam())) EXPECT_GT(claims.paths(row.claim), 0) << row.claim;
  }
}

INSTANTIATE_TEST_SUITE_P(, FoldProof, testing::ValuesIn(names_of_tests(all_subjects())),
                         [](const auto& row) { return row.param; });

/// A rule that no path reaches would be proved by saying nothing.
TEST(FoldProofOfAll, EachRuleIsReached) {
  std::set<std::string> reached;
  const WordSize size(16);  // as in each of the tests above, but soon done
  for (const Subject& subject : all_subjects()) {
    walk_rules(subject, [&](Walk&, const std::string& rule, const z3::expr&) { reached.insert(rule); });
  }
  std::set<std::string> names = names_of_rules();
  names.insert("order_operands");
  EXPECT_EQ(reached, names);
}

TEST(FoldProofOfAll, CoveredClaimsAreOfTests) {
  const std::vector<std::string> tests = names_of_tests(all_subjects());
  for (const Covered& row : kCovered) {
    const std::string test = row.claim.substr(row.claim.find(" of ") + 4);
    EXPECT_TRUE(std::ranges::find(tests, test) != tests.end()) << row.claim;
  }
}

}  // namespace
}  // namespace fble::proofs
