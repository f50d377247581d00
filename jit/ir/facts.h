// Facts about values, derived from the instructions alone.
//
// Guards establish facts about their operands, and instructions establish facts
// about their results. Data never changes, so facts stay true to the end of the
// trace. The forward passes use this table to find which guards are needed, and
// the verifier to find whether one is missing; both walk the trace in order.
//
// The rules are in fact_rules.h, in a form that is proved, too.
//
// Tested by tests/unit/jit/ir/facts_test.cc and tests/proofs/fact_proof_test.cc.
#pragma once

#include <vector>

#include "jit/ir/trace.h"

namespace fble {

enum class Truth : uint8_t { kUnknown, kTrue, kFalse };

/// Returns all facts about a word. An object's fields are not followed.
Facts known_facts(Word word);

/// Adds the facts of `more` to `facts`: both hold.
void add_facts(Facts& facts, const Facts& more);
/// Returns the facts of a value that is either of the two.
Facts common_facts(const Facts& a, const Facts& b);
/// Returns whether `facts` imply all of `weaker`.
bool facts_imply(const Facts& facts, const Facts& weaker);

/// Returns whether the value is a packed union of two tags without contents, or the like: the word 5 or 7.
template <typename Facts>
auto is_bit(const Facts& facts) {
  return facts.bits == 1u && facts.least_bits == 1u;
}

/// Returns the ValueFact bits for a snapshot's slot.
uint8_t value_facts(const Facts& facts);

/// Returns whether facts about its operand decide the guard. kUnknown for
/// guards that compare two values, and for instructions that are no guard on
/// data.
Truth guard_truth(const IrIns& guard, const Facts& operand);

/// Returns whether the result of the instruction certainly fits in a packed word.
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
  static unsigned bits_of_layout(const IrIns& guard) { return packed_bits(guard.x); }
  /// Returns whether an earlier guard tells where the packed_field is.
  bool has_place(const IrIns& field) const { return layout_of(field) != 0; }
  unsigned bits_of_place(const IrIns& field) const {
    return static_cast<unsigned>(field_place(layout_of(field), static_cast<uint32_t>(field.n), field.m).bits);
  }
  static Intrinsic intrinsic_of(const IrIns& ins) { return static_cast<Intrinsic>(ins.n); }
  static uint32_t width_of(const IrIns& guard) { return guard.m; }
  static int32_t tag_of_guard(const IrIns& guard) { return guard.n; }
  static int64_t header_of_guard(const IrIns& guard) { return static_cast<uint32_t>(guard.n); }
  /// What is known of constants, and of what comes from or makes objects and frames.
  Facts of_object(const IrIns& ins) const;

  /// Adds the instruction that is next by number: the facts about its result,
  /// and those that hold because it has not left the trace.
  void append(const IrIns& ins);
  void add(IrRef ref, const Facts& more) { add_facts(facts_[index_of(ref)], more); }

 private:
  void learn(const IrIns& guard);
  /// Returns the layout of the struct that the packed_field is taken from, 0 if it is not known.
  Word layout_of(const IrIns& field) const;

  /// A guard on a layout.
  struct KnownLayout {
    IrRef ref;
    uint32_t fields;
    Word layout;
  };

  const Trace* trace_ = nullptr;
  std::vector<Facts> facts_;
  std::vector<KnownLayout> layouts_;
};

/// Returns null if the facts meet the requirements of the instruction's row, else the missing one.
const char* unmet_requirement(const FactTable& facts, const IrIns& ins);

}  // namespace fble
