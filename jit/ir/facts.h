// What is known of values, derived from the instructions alone.
//
// Guards tell something about their operands, and results have properties by the
// instruction that makes them. Data never changes, so what is known stays known
// to the end of the trace. The forward passes ask this table which guards are
// needed, and the verifier whether none is missing; both walk the trace in order.
//
// The rules are in fact_rules.h, in a form that is proved, too.
//
// Tested by tests/unit/jit/ir/facts_test.cc and tests/proofs/fact_proof_test.cc.
#pragma once

#include <vector>

#include "jit/ir/trace.h"

namespace fble {

enum class Truth : uint8_t { kUnknown, kTrue, kFalse };

/// Everything about a word. An object's fields are not followed.
Facts known_facts(Word word);

/// Makes `facts` what both it and `more` say.
void add_facts(Facts& facts, const Facts& more);
/// What holds of a value that is either of the two.
Facts common_facts(const Facts& a, const Facts& b);
/// True if all that `weaker` says follows from `facts`.
bool facts_imply(const Facts& facts, const Facts& weaker);

/// The ValueFact bits for a snapshot's slot.
uint8_t value_facts(const Facts& facts);

/// What facts about its operand say of the guard. kUnknown for guards that
/// compare two values, and for what is no guard on data.
Truth guard_truth(const IrIns& guard, const Facts& operand);

/// True if what the instruction makes is sure to fit in a packed word.
class FactTable;
bool result_fits(const FactTable& facts, const IrIns& ins);

class FactTable {
 public:
  // What the rules of fact_rules.h ask for.
  using KnownFacts = Facts;
  using Bits = unsigned;
  using Ins = IrIns;
  using Ref = IrRef;

  FactTable() = default;  ///< of no trace
  explicit FactTable(const Trace& trace) : trace_(&trace) {}

  const Facts& operator[](IrRef ref) const { return facts_[index_of(ref)]; }
  size_t size() const { return facts_.size(); }
  bool is_nonzero_constant(IrRef ref) const { return trace_->at(ref).op == IrOp::kConstant && trace_->at(ref).x != 0; }
  static constexpr unsigned max_packed_bits() { return kMaxPackedBits; }
  static constexpr unsigned word_size() { return 64; }
  static unsigned content_bits(Word packed) { return packed_bits(packed); }
  static constexpr uint8_t stored(unsigned bits) { return static_cast<uint8_t>(bits); }
  static Intrinsic intrinsic_of(const IrIns& ins) { return static_cast<Intrinsic>(ins.n); }
  static uint32_t width_of(const IrIns& guard) { return guard.m; }
  static int32_t tag_of_guard(const IrIns& guard) { return guard.n; }
  static int64_t header_of_guard(const IrIns& guard) { return static_cast<uint32_t>(guard.n); }
  /// What is known of constants, and of what comes from or makes objects and frames.
  Facts of_object(const IrIns& ins) const;

  /// Adds the instruction that is next by number: what its result is known to
  /// be, and what its not having left tells.
  void append(const IrIns& ins);
  void add(IrRef ref, const Facts& more) { add_facts(facts_[index_of(ref)], more); }

 private:
  void learn(const IrIns& guard);

  const Trace* trace_ = nullptr;
  std::vector<Facts> facts_;
};

/// Null if the facts meet what the instruction's row requires, else what is missing.
const char* unmet_requirement(const FactTable& facts, const IrIns& ins);

}  // namespace fble
