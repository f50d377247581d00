// A trace as terms of the solver: for each instruction when it leaves and what its result is, for any start state.
//
// Objects do not change, so a load is an uninterpreted function of the object, and an allocation one of its fields;
// two objects made of equal fields are equal, for no program can distinguish them. Natives are uninterpreted
// functions, too.
//
// Tested by trace_proof_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "jit/ir/trace.h"
#include "tests/proofs/ir_terms.h"

namespace fble::proofs {

/// The common part of two traces: names of uninterpreted functions, and what always holds.
class TraceModel {
 public:
  /// With `is_abstract`, multiplication, division, intrinsics and packing are uninterpreted functions, too, with the
  /// properties that the proofs of rules show: less can be proved, faster.
  explicit TraceModel(bool is_abstract) : is_abstract_(is_abstract) {}

  bool is_abstract() const { return is_abstract_; }
  const std::vector<z3::expr>& axioms() const { return axioms_; }
  void assume(const z3::expr& axiom) { axioms_.push_back(axiom); }

  /// Returns a Fble value of the name: any word that can be one.
  z3::expr value(const std::string& name);
  z3::expr field(const z3::expr& object, int32_t index);
  z3::expr header(const z3::expr& object) { return apply("header", {object}); }
  z3::expr code(const z3::expr& closure) { return apply("code", {closure}); }
  z3::expr arity(const z3::expr& code) { return apply("arity", {code}); }
  z3::expr code_constant(const Code* code);
  /// Returns a constant of a trace: what can be read from it is known.
  z3::expr constant(Word word);
  /// Returns the object that has the fields. `name` tells it from others with these operands.
  z3::expr object(const std::string& name, const std::vector<z3::expr>& operands) { return apply(name, operands); }
  /// Assumes that the word is an object with the header, the code if there is one, and the fields.
  void describe(const z3::expr& object, Word header, const Code* code, const std::vector<z3::expr>& fields);
  z3::expr apply(const std::string& name, const std::vector<z3::expr>& arguments);
  /// Assumes that the word can be a Fble value, and returns it.
  z3::expr well_formed(const z3::expr& word);

 private:
  bool is_abstract_;
  std::vector<z3::expr> axioms_;
  std::map<std::string, z3::expr> values_;
  std::map<Word, z3::expr> constants_;
  std::map<const Code*, z3::expr> codes_;
};

/// Executes all instructions of a trace for the values of a start state.
class TraceTerms {
 public:
  using Start = std::function<z3::expr(int32_t slot)>;

  struct Step {
    z3::expr requires_;
    z3::expr leaves;
    z3::expr value;
    /// The instruction leaves where the program would go another way, so that the trace must end. Otherwise it
    /// leaves where its result has another form, and if that is not needed it need not leave.
    bool decides = false;
    bool yields = false;  ///< it may leave at any time
  };

  /// With `is_given`, assumes what the instructions require: that the trace gets to one shows that the words have the
  /// right form.
  TraceTerms(TraceModel& model, const Trace& trace, bool is_given, Start start);

  const Trace& trace() const { return trace_; }
  const std::vector<Step>& steps() const { return steps_; }
  const z3::expr& value(IrRef ref) const { return steps_[index_of(ref)].value; }
  z3::expr start(int32_t slot) const { return start_(slot); }

  /// Returns the frame slots that the trace has written before the instruction.
  std::map<int32_t, z3::expr> stored(size_t before) const;
  /// The same, and those that the snapshot lists.
  std::map<int32_t, z3::expr> state(const Snapshot& snapshot, size_t before) const;
  /// Returns what an instruction computes from other operands.
  z3::expr computed(const IrIns& ins, const std::function<z3::expr(IrRef)>& operand) const {
    return step(ins, operand).value;
  }

 private:
  Step step(const IrIns& ins, const std::function<z3::expr(IrRef)>& operand) const;
  void add_group(size_t begin, size_t end);

  TraceModel& model_;
  const Trace& trace_;
  Start start_;
  std::vector<Step> steps_;
};

/// Returns what the facts say about a word, as separate claims; of tags, for each of the widths.
std::vector<z3::expr> facts_terms(TraceModel& model, const Facts& facts, const z3::expr& word,
                                  const std::vector<uint32_t>& widths);

}  // namespace fble::proofs
