// Proves each rule of jit/ir/fact_rules.h: for all operands that satisfy what is known of them, a result has the facts
// that are claimed, a guard that is said to hold holds, and what is said to fit fits.
//
// Facts are terms: one query is for all facts of the operands at once. Headers, codes and arities of objects are
// uninterpreted functions of the word.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "jit/ir/fact_rules.h"
#include "tests/proofs/claims.h"
#include "tests/proofs/ir_terms.h"

namespace fble::proofs {

inline Unsigned least(const Unsigned& a, const Unsigned& b) {
  return Unsigned(z3::ite(z3::ule(a.term, b.term), a.term, b.term));
}
inline Unsigned most(const Unsigned& a, const Unsigned& b) {
  return Unsigned(z3::ite(z3::ule(a.term, b.term), b.term, a.term));
}
inline Bool is_natural(const Unsigned& word) { return Bool(is_natural_word(word.term)); }

/// A function of words that is not interpreted.
z3::expr uninterpreted(const char* name, const z3::expr& word) {
  return z3::function(name, word.get_sort(), word.get_sort())(word);
}

/// A closure's code. 0 is none.
struct KnownCode {
  KnownCode(std::nullptr_t = nullptr) {}
  explicit KnownCode(const z3::expr& term) : term(term) {}
  friend Bool operator==(const KnownCode& a, const KnownCode& b) { return Bool(a.term == b.term); }
  friend Bool operator!=(const KnownCode& a, const KnownCode& b) { return Bool(a.term != b.term); }
  z3::expr term = bits_of(0);
};
Signed arity_of(const KnownCode& code) { return Signed(uninterpreted("arity", code.term)); }

struct TermFacts {
  Bool packed, pointer, natural;
  Signed header = -1;
  KnownCode code;
  Signed arity = -1;
  Signed tag = -1;
  Unsigned not_tags;
  Bool not_packed;
  Unsigned bits = word_bits - 2;
  Unsigned least_bits;
};

/// All of them are the same.
z3::expr same_facts(const TermFacts& a, const TermFacts& b) {
  return a.packed.term == b.packed.term && a.pointer.term == b.pointer.term && a.natural.term == b.natural.term &&
         a.header.term == b.header.term && a.code.term == b.code.term && a.arity.term == b.arity.term &&
         a.tag.term == b.tag.term && a.not_tags.term == b.not_tags.term && a.not_packed.term == b.not_packed.term &&
         a.bits.term == b.bits.term && a.least_bits.term == b.least_bits.term;
}

/// A word of the trace, of a sort of ir_ops.def. `width` is the tag width of the union that it may be.
struct Word {
  z3::expr value;
  char sort;
  z3::expr width;
  TermFacts facts;
};

/// What it means that a word has the facts.
z3::expr satisfies(const Word& word, const TermFacts& facts) {
  const z3::expr magnitude = z3::ite(word.value < 0, -word.value, word.value);
  if (word.sort == 'I') return z3::lshr(magnitude, facts.bits.term) == 0;
  const z3::expr& value = word.value;
  const z3::expr is_packed = is_packed_word(value);
  const z3::expr is_pointer = (value & 3) == 0;
  const z3::expr tag = tag_of(value, word.width);
  const z3::expr code = uninterpreted("code", value);
  const unsigned tags = std::min(kTagBits, word_bits / 2);
  z3::expr holds = z3::implies(facts.packed.term, is_packed);
  holds = holds && z3::implies(facts.pointer.term, is_pointer);
  holds = holds && z3::implies(facts.natural.term, is_natural_word(value) && is_packed);
  holds = holds && z3::implies(facts.not_packed.term, (value & 1) == 0);
  holds =
      holds && z3::implies(facts.header.term >= 0, is_pointer && uninterpreted("header", value) == facts.header.term);
  holds = holds && z3::implies(facts.code.term != 0, is_pointer && code == facts.code.term);
  holds = holds && z3::implies(facts.arity.term >= 0, uninterpreted("arity", code) == facts.arity.term);
  holds = holds && z3::implies(facts.tag.term >= 0, is_packed && tag == facts.tag.term);
  holds = holds && z3::implies(is_packed && z3::ult(tag, bits_of(tags)), (z3::lshr(facts.not_tags.term, tag) & 1) == 0);
  // content_bits(value) <= bits, as a shift: the solver likes this better. Likewise at least least_bits.
  holds =
      holds && (facts.least_bits.term == 0 || (is_packed && z3::lshr(z3::lshr(value, 1), facts.least_bits.term) != 0));
  return holds && z3::implies(is_packed, z3::lshr(z3::lshr(value, 2), facts.bits.term) == 0);
}

/// What is true of all facts, and of all words, whether or not the word has the facts.
z3::expr well_formed(const Word& word) {
  const TermFacts& facts = word.facts;
  const z3::expr& value = word.value;
  const unsigned tags = std::min(kTagBits, word_bits / 2);
  z3::expr result = z3::ule(facts.bits.term, bits_of(word.sort == 'I' ? word_bits : word_bits - 2));
  result = result && facts.header.term >= -1 && facts.arity.term >= -1 && facts.tag.term >= -1;
  result = result && z3::ule(facts.least_bits.term, bits_of(word.sort == 'I' ? 0 : word_bits - 2));
  result = result && z3::implies(facts.least_bits.term != 0, facts.packed.term);
  result = result && z3::lshr(facts.not_tags.term, bits_of(tags)) == 0;
  result = result && z3::implies(facts.natural.term, facts.packed.term);
  result = result && z3::implies(facts.header.term >= 0 || facts.code.term != 0, facts.pointer.term);
  result = result && z3::implies(facts.pointer.term, facts.not_packed.term);
  if (word.sort == 'V') {
    result = result && value != 0 && (value & 3) != 2 && z3::implies((value & 1) == 1, is_packed_word(value));
    result = result && z3::ult(word.width, bits_of(word_bits / 2));
  }
  return result;
}

TermFacts fresh_facts() {
  static int count = 0;
  const auto flag = [&](const char* name) {
    return Bool(context().bool_const((name + std::to_string(count)).c_str()));
  };
  TermFacts facts;
  facts.packed = flag("packed");
  facts.pointer = flag("pointer");
  facts.natural = flag("natural");
  facts.not_packed = flag("not_packed");
  facts.header = Signed(fresh("header"));
  facts.code = KnownCode(fresh("code"));
  facts.arity = Signed(fresh("arity"));
  facts.tag = Signed(fresh("tag"));
  facts.not_tags = Unsigned(fresh("not_tags"));
  facts.bits = Unsigned(fresh("bits"));
  facts.least_bits = Unsigned(fresh("least_bits"));
  ++count;
  return facts;
}

Word fresh_word(char sort) { return {fresh("value"), sort, fresh("width"), fresh_facts()}; }

/// The table that rules ask.
class TermTable {
 public:
  using KnownFacts = TermFacts;
  using Bits = Unsigned;
  using Ref = int;
  struct Ins {
    IrOp op = IrOp::kCount;
    int a = -1;
    int b = -1;
    Signed n;
    Unsigned m;
    Unsigned x;
    KnownCode code;
    std::vector<int> list;
    Intrinsic which = Intrinsic::kNone;
    bool narrowed = false;
    int32_t tag = 0;  ///< of tag guards, which have it as a number
    uint32_t width = 0;
  };

  std::vector<Word> words;

  const TermFacts& operator[](int ref) const { return words[static_cast<size_t>(ref)].facts; }
  static Unsigned max_packed_bits() { return word_bits - 2; }
  static Unsigned word_size() { return word_bits; }
  static Unsigned content_bits(const Unsigned& word) { return Unsigned(proofs::content_bits(word.term)); }
  static Unsigned bits_of_layout(const Ins& guard) { return content_bits(guard.x); }
  /// Fields at known places have a proof of their own.
  bool has_place(const Ins&) const { return false; }
  Unsigned bits_of_place(const Ins&) const { return {}; }
  static Unsigned stored(const Unsigned& bits) { return bits; }
  static Intrinsic intrinsic_of(const Ins& ins) { return ins.which; }
  static uint32_t width_of(const Ins& ins) { return ins.width; }
  static int32_t tag_of_guard(const Ins& ins) { return ins.tag; }
  static Signed header_of_guard(const Ins& ins) { return ins.n; }
  TermFacts of_object(const Ins&) const { return {}; }
  bool is_nonzero_constant(int ref) const {
    return static_cast<bool>(Bool(words[static_cast<size_t>(ref)].value != 0)) && Walk::current()->choose();
  }
};

namespace {

struct Subject {
  IrOp op;
  size_t list = 0;
  uint32_t width = 0;
  int32_t tag = 0;
  Intrinsic which = Intrinsic::kNone;
  bool narrowed = false;

  std::string name() const {
    std::string text = ir_op_info(op).name;
    if (which != Intrinsic::kNone) return text + " " + intrinsic_info(which).name;
    if (op == IrOp::kPackStruct || op == IrOp::kPackedField) return text + " of " + std::to_string(list + width);
    return text;
  }
  /// The name of its test.
  std::string test() const {
    const std::string op_name = ir_op_info(op).name;
    return which == Intrinsic::kNone ? op_name : op_name + "_" + intrinsic_info(which).name;
  }
};

/// Claims that are too much for the solver at 64 bits.
const Covered kCovered[] = {
    {"div: result", 8},
    {"int_add: result", 8},
    {"int_div: result", 8},
    {"int_mul: fits", 8},
    {"int_mul: result", 8},
    {"int_rem: result", 8},
    {"int_sub: result", 8},
    {"intrinsic int_modulo: result", 8},
    {"intrinsic int_mul: result", 8},
    {"mod: result", 8},
    {"mul: fits", 8},
    {"mul: result", 8},
    {"pack_struct of 2: fits", 16},
    {"pack_struct of 2: result", 16},
    {"pack_struct of 3: fits", 16},
    {"pack_struct of 3: result", 16},
    {"packed_field of 2: result", 16},
    {"packed_field of 3: result", 16},
};

Claims claims("facts", kCovered);

/// An instruction on a walk, whose operands satisfy their facts.
class Setting {
 public:
  explicit Setting(const Subject& subject) : subject(subject) {}

  void prepare() {
    table.words.clear();
    ins = instruction();
    for (const Word& word : table.words) walk.assume(well_formed(word) && satisfies(word, word.facts));
    meant = meaning();
    if (meant) walk.assume(meant->requires_);
    if (subject.op == IrOp::kTagIs || subject.op == IrOp::kTagFrom) assume_width(table.words[0]);
    if (subject.op == IrOp::kShiftLeft || subject.op == IrOp::kShiftRight || subject.op == IrOp::kIntShiftRight) {
      walk.assume(z3::ult(ins.n.term, bits_of(word_bits - 2)));
    }
    if (subject.op == IrOp::kPackUnion) {
      walk.assume(z3::ult(ins.m.term, bits_of(word_bits / 2)) && z3::ult(ins.n.term, z3::shl(bits_of(1), ins.m.term)));
    }
    if (subject.op == IrOp::kChoose) walk.assume(table.words[0].width == 1);
    if (subject.op == IrOp::kTagIn) walk.assume(table.words[0].width == ins.m.term);
    if (subject.op == IrOp::kLayoutIs) {
      walk.assume(is_packed_word(ins.x.term) && layout_of_struct(ins.x.term, subject.width) == ins.x.term);
    }
    if (subject.op == IrOp::kPackedArg) walk.assume(table.words[0].width == ins.n.term);
    // Guards on objects have something to compare with.
    if (subject.op == IrOp::kHeaderIs || subject.op == IrOp::kArityIs) walk.assume(ins.n.term >= 0);
    if (subject.op == IrOp::kCodeIs) walk.assume(ins.code.term != 0);
    // Words that are compared have one type.
    if (subject.op == IrOp::kIsEqual) walk.assume(table.words[0].width == table.words[1].width);
  }

  /// The result, as a word. The type of what is passed on is the type of the result.
  Word result() {
    const z3::expr width = subject.op == IrOp::kPackUnion ? ins.m.term : fresh("width");
    Word result{meant->value, ir_op_info(subject.op).result[0], width, {}};
    const bool passes_on = subject.op == IrOp::kChoose || subject.which == Intrinsic::kCharFromInt ||
                           subject.which == Intrinsic::kIntFromChar;
    if (passes_on) {
      for (const int ref : ins.list) walk.assume(table.words[static_cast<size_t>(ref)].width == width);
    }
    if (result.sort == 'V') walk.assume(result.value != 0);
    return result;
  }

  /// Guards on objects have no meaning of their own.
  z3::expr leaves() const {
    const z3::expr& value = table.words[0].value;
    const z3::expr is_pointer = (value & 3) == 0;
    const z3::expr code = uninterpreted("code", value);
    switch (subject.op) {
      case IrOp::kHeaderIs: return !(is_pointer && uninterpreted("header", value) == ins.n.term);
      case IrOp::kCodeIs: return !(is_pointer && code == ins.code.term);
      case IrOp::kArityIs: return uninterpreted("arity", code) != ins.n.term;
      default: return meant->leaves;
    }
  }

  const Subject& subject;
  Walk walk;
  TermTable table;
  TermTable::Ins ins;
  std::optional<Meaning> meant;

 private:
  TermTable::Ins instruction() {
    TermTable::Ins made;
    made.op = subject.op;
    made.which = subject.which;
    made.narrowed = subject.narrowed;
    made.tag = subject.tag;
    made.width = subject.width;
    made.n = Signed(fresh("n"));
    made.m = Unsigned(fresh("m"));
    made.x = Unsigned(fresh("x"));
    made.code = KnownCode(fresh("code"));
    const char sort = takes_numbers(subject.op) ? 'I' : 'V';
    const std::string_view operands = ir_op_info(subject.op).operands;
    const auto add = [&](char of) {
      table.words.push_back(fresh_word(of));
      return static_cast<int>(table.words.size()) - 1;
    };
    if (operands.find('A') != operands.npos) made.a = add(sort);
    if (operands.find('B') != operands.npos) made.b = add(sort);
    for (size_t i = 0; i < subject.list; ++i) made.list.push_back(add(sort));
    if (subject.op == IrOp::kTagIs || subject.op == IrOp::kTagFrom || subject.op == IrOp::kPackedField ||
        subject.op == IrOp::kLayoutIs) {
      made.n = Signed(subject.tag);
      made.m = Unsigned(subject.width);
    }
    return made;
  }

  static bool takes_numbers(IrOp op) {
    return op == IrOp::kIntWord || op == IrOp::kIntAdd || op == IrOp::kIntSub || op == IrOp::kIntMul ||
           op == IrOp::kIntDiv || op == IrOp::kIntRem || op == IrOp::kIntShiftRight;
  }

  void assume_width(const Word& word) {
    if (!subject.narrowed) {
      walk.assume(word.width == bits_of(subject.width));
      return;
    }
    // A guard that looks at fewer bits than the tag has knows that they tell.
    const z3::expr tag = tag_of(word.value, word.width);
    const z3::expr wanted = bits_of(static_cast<uint64_t>(subject.tag));
    walk.assume(z3::ult(bits_of(subject.width), word.width));
    walk.assume(z3::implies((tag & bits_of((uint64_t{1} << subject.width) - 1)) == wanted, tag == wanted));
  }

  std::optional<Meaning> meaning() const {
    Operands operands;
    operands.op = ins.op;
    if (ins.a >= 0) operands.a = table.words[static_cast<size_t>(ins.a)].value;
    if (ins.b >= 0) operands.b = table.words[static_cast<size_t>(ins.b)].value;
    operands.n = ins.n.term.simplify();
    operands.m = ins.m.term.simplify();
    operands.x = ins.x.term;
    for (const int ref : ins.list) operands.list.push_back(table.words[static_cast<size_t>(ref)].value);
    operands.intrinsic = ins.which;
    return meaning_of(operands);
  }
};

void prove_result(const Subject& subject) {
  const std::string name = subject.name() + ": result";
  const WordSize size(claims.bits_for(name));
  Setting at(subject);
  TermFacts facts;
  at.walk.run(
      [&] {
        at.prepare();
        at.walk.assume(!at.meant->leaves);
        facts = FactRules<TermTable>(at.table).of_result(at.ins);
      },
      [&] { claims.decide(at.walk, name, satisfies(at.result(), facts)); });
  EXPECT_GT(claims.paths(name), 0) << name;
}

void prove_fits(const Subject& subject) {
  const std::string name = subject.name() + ": fits";
  const WordSize size(claims.bits_for(name));
  Setting at(subject);
  bool fits = false;
  at.walk.run(
      [&] {
        at.prepare();
        fits = FactRules<TermTable>(at.table).result_fits(at.ins);
      },
      [&] {
        if (fits) claims.decide(at.walk, name, !at.meant->leaves);
      });
}

void prove_operands(const Subject& subject) {
  const std::string name = subject.name() + ": operand";
  Setting at(subject);
  TermFacts first, second;
  at.walk.run(
      [&] {
        at.prepare();
        at.walk.assume(!at.leaves());
        first = FactRules<TermTable>(at.table).learned(at.ins);
        second = FactRules<TermTable>(at.table).learned_of_second(at.ins);
      },
      [&] {
        claims.decide(at.walk, name, satisfies(at.table.words[0], first));
        if (at.ins.b >= 0) claims.decide(at.walk, name, satisfies(at.table.words[1], second));
      });
  EXPECT_GT(claims.paths(name), 0) << name;
}

void prove_truth(const Subject& subject) {
  Setting at(subject);
  Truth truth = Truth::kUnknown;
  at.walk.run(
      [&] {
        at.prepare();
        truth = truth_of_guard<TermTable>(at.ins, at.table.words[0].facts);
      },
      [&] {
        if (truth == Truth::kTrue) claims.decide(at.walk, subject.name() + ": holds", !at.leaves());
        if (truth == Truth::kFalse) claims.decide(at.walk, subject.name() + ": fails", at.leaves());
      });
}

bool has_operand(IrOp op) { return std::string_view(ir_op_info(op).operands).find('A') != std::string_view::npos; }

void prove(const Subject& subject) {
  if (ir_has_result(subject.op)) {
    prove_result(subject);
    prove_fits(subject);
  }
  if (ir_is_guard(subject.op) && has_operand(subject.op)) {
    prove_operands(subject);
    prove_truth(subject);
  }
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> subjects;
  for (int number = 0; number < static_cast<int>(IrOp::kCount); ++number) {
    const auto op = static_cast<IrOp>(number);
    switch (op) {
      case IrOp::kTagIs:
      case IrOp::kTagFrom:
        for (uint32_t width = 0; width < 7; ++width) {
          const int32_t tags = int32_t{1} << width;
          // All tags of narrow unions, of wide ones those around the end of not_tags.
          for (int32_t tag = 0; tag < tags + (op == IrOp::kTagFrom ? 1 : 0); ++tag) {
            if (width > 4 && tag > 3 && (tag < 30 || tag > 33)) continue;
            subjects.push_back({op, 0, width, tag});
            if (op == IrOp::kTagIs && width > 0) subjects.push_back({op, 0, width, tag, Intrinsic::kNone, true});
          }
        }
        break;
      case IrOp::kPackStruct:
        for (size_t fields = 0; fields < 4; ++fields) subjects.push_back({op, fields});
        break;
      case IrOp::kPackedField:
        for (uint32_t fields = 1; fields < 4; ++fields) {
          for (uint32_t field = 0; field < fields; ++field)
            subjects.push_back({op, 0, fields, static_cast<int32_t>(field)});
        }
        break;
      case IrOp::kIntRem: subjects.push_back({op, 1}); break;
      case IrOp::kChoose: subjects.push_back({op, 2}); break;
      case IrOp::kNoFit: break;  // nothing is learned from it
      case IrOp::kLayoutIs:
        for (uint32_t fields = 1; fields < 4; ++fields) subjects.push_back({op, 0, fields});
        break;
      case IrOp::kHeaderIs:
      case IrOp::kCodeIs:
      case IrOp::kArityIs: subjects.push_back({op}); break;
      case IrOp::kIntrinsic:
        for (uint32_t index = 1; index < static_cast<uint32_t>(Intrinsic::kCount); ++index) {
          const auto which = static_cast<Intrinsic>(index);
          subjects.push_back({op, intrinsic_info(which).arity, 0, 0, which});
        }
        break;
      default: {
        Operands operands;
        operands.op = op;
        if (meaning_of(operands)) subjects.push_back({op});
      }
    }
  }
  return subjects;
}

/// A test is for an op or for an intrinsic.
class FactProof : public testing::TestWithParam<std::string> {};

TEST_P(FactProof, IsProved) {
  std::set<IrOp> ops;
  for (const Subject& subject : all_subjects()) {
    if (subject.test() != GetParam()) continue;
    prove(subject);
    ops.insert(subject.op);
  }
  // Each guard that facts may decide is decided both ways.
  for (const IrOp op : ops) {
    const std::string name = ir_op_info(op).name;
    const bool may_be_decided = op == IrOp::kIsPacked || op == IrOp::kIsPointer || op == IrOp::kIsNatural ||
                                op == IrOp::kLayoutIs || op == IrOp::kTagIs || op == IrOp::kTagFrom ||
                                op == IrOp::kHeaderIs || op == IrOp::kCodeIs || op == IrOp::kArityIs;
    EXPECT_EQ(claims.paths(name + ": holds") > 0, may_be_decided) << name;
    EXPECT_EQ(claims.paths(name + ": fails") > 0, may_be_decided) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(, FactProof, testing::ValuesIn(names_of_tests(all_subjects())),
                         [](const auto& row) { return row.param; });

/// A word, and two sets of facts that may be about it.
struct Pair {
  Walk walk;
  TermFacts a, b;
  Word word{bits_of(0), 'V', bits_of(0), {}};

  void prepare() {
    word = fresh_word('V');
    Word same = word;
    a = word.facts;
    b = same.facts = fresh_facts();
    walk.assume(well_formed(word) && well_formed(same));
  }
};

TEST(FactProofOfSets, Merge) {
  Pair at;
  TermFacts result;
  at.walk.run(
      [&] {
        at.prepare();
        at.walk.assume(satisfies(at.word, at.a) && satisfies(at.word, at.b));
        result = at.a;
        merge_facts(result, at.b);
      },
      [&] { claims.decide(at.walk, "merge_facts", satisfies(at.word, result)); });
  EXPECT_GT(claims.paths("merge_facts"), 0);
}

TEST(FactProofOfSets, InCommon) {
  Pair at;
  TermFacts result;
  at.walk.run(
      [&] {
        at.prepare();
        at.walk.assume(satisfies(at.word, at.a) || satisfies(at.word, at.b));
        result = facts_in_common(at.a, at.b);
      },
      [&] { claims.decide(at.walk, "facts_in_common", satisfies(at.word, result)); });
  EXPECT_GT(claims.paths("facts_in_common"), 0);
}

/// What merging does not change follows.
TEST(FactProofOfSets, Imply) {
  Pair at;
  TermFacts result;
  at.walk.run(
      [&] {
        at.prepare();
        at.walk.assume(satisfies(at.word, at.a));
        result = at.a;
        merge_facts(result, at.b);
        at.walk.assume(same_facts(result, at.a));
      },
      [&] { claims.decide(at.walk, "facts_imply", satisfies(at.word, at.b)); });
  EXPECT_GT(claims.paths("facts_imply"), 0);
}

TEST(FactProofOfSets, OfPackedWord) {
  Pair at;
  TermFacts result;
  at.walk.run(
      [&] {
        at.word = fresh_word('V');
        at.walk.assume(is_packed_word(at.word.value));
        TermTable table;
        result = FactRules<TermTable>(table).of_packed_word(Unsigned(at.word.value));
      },
      [&] { claims.decide(at.walk, "of_packed_word", satisfies(at.word, result)); });
  EXPECT_GT(claims.paths("of_packed_word"), 0);
}

/// A field of a struct whose layout is known has as many bits as its place says, and is packed.
TEST(FactProofOfSets, FieldsAtKnownPlaces) {
  const std::vector<std::vector<fble::Word>> structs = {{5, 7}, {5, 5, 5, 5, 5, 5, 5, 5},      {3, 9, 3},
                                                        {3, 3}, {uint64_t{1} << 20, 7, 3, 33}, {255, 3, 3, 3, 255}};
  for (const std::vector<fble::Word>& fields : structs) {
    const auto count = static_cast<uint32_t>(fields.size());
    const fble::Word layout = packed_layout(pack_struct(count, [&](uint32_t i) { return fields[i] | 1; }), count);
    for (uint32_t i = 0; i < count; ++i) {
      Walk walk;
      std::optional<Word> field;
      walk.run(
          [&] {
            const Word whole = fresh_word('V');
            walk.assume(is_packed_word(whole.value) && layout_of_struct(whole.value, count) == bits_of(layout));
            field = Word{field_of_struct(whole.value, i, count), 'V', fresh("width"), {}};
          },
          [&] {
            const auto bits = static_cast<unsigned>(field_place(layout, i, count).bits);
            claims.decide(walk, "placed field",
                          is_packed_word(field->value) && content_bits(field->value) == bits_of(bits));
          });
    }
  }
  EXPECT_GT(claims.paths("placed field"), 20);
}

/// A row of the list that no claim has would be forgotten.
TEST(FactProofOfSets, CoveredClaimsAreMade) {
  std::set<std::string> made;
  for (const Subject& subject : all_subjects()) {
    made.insert(subject.name() + ": result");
    made.insert(subject.name() + ": fits");
  }
  for (const Covered& row : kCovered) EXPECT_TRUE(made.contains(row.claim)) << row.claim;
}

}  // namespace
}  // namespace fble::proofs
