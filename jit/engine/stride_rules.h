// Strides: a recursive function on packed words is computed several digits at a time.
//
// A number that is a linked union of digits is a packed word with a digit in each two bits. A function on such numbers
// looks at the lowest digits, calls itself with the others, and puts a digit before the result: a call for each digit,
// and mostly a jump that is mispredicted. What it does with the lowest bits (the *stride*) of its arguments does not
// depend on the others. So it is worked out once, from bytecode, for each combination of strides that occurs:
//
//   Add(..010110 , ..110101)   is   ..01 11 10 before AddCarry(.. , ..)
//
// The rows are in a table (jit/ir/stride_table.h). Machine code goes along the words, a row for each stride
// (jit/x64/stride_code.h). Where that does not lead to a packed result, the function is called as usual: it is pure, so
// that nothing has happened.
//
// To work out a row is to run bytecode with arguments of which only the strides are known. A call that has to look
// further is left: it is what the rest of the result comes from. A row needs that
//
//   - at most one call is left, and all of the result but its first bits is that call's result, so no call that fails
//     or does not end is dropped;
//   - each argument of it is the rest of an argument, or a small constant.
//
// Everything else that bytecode can do (objects, natives, failures) is left to calls in the same way.
//
// Tested by tests/unit/jit/engine/stride_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interp/code.h"
#include "jit/ir/stride_table.h"

namespace fble {

/// How often an instruction runs in the calls that a row stands for.
struct RowStep {
  const Code* code = nullptr;
  const uint32_t* pc = nullptr;
  uint32_t times = 0;
};

/// The rules of one function: works out rows.
class StrideRules {
 public:
  /// Requires: the function has one to kMostStrideArguments arguments and no captures. The globals outlive the rules.
  StrideRules(const Code& function, const Word* globals);

  /// Returns the number of bits of a stride that suits the function: those of three digits, if they are small.
  unsigned stride_bits() const { return bits_; }
  uint32_t arity() const { return states_.front().code->arity; }

  /// Works out the row with the key. Sets `steps`, if it is not null, to the instructions that the row stands for.
  StrideRow row(uint32_t key, std::vector<RowStep>* steps = nullptr);

 private:
  /// Where an argument of a state is: in a register, or it is a constant.
  struct Formal {
    bool is_constant = false;
    uint32_t index = 0;  ///< of the register
    Word word = 0;       ///< the constant
    bool operator==(const Formal&) const = default;
  };
  /// A call that a walk has come to.
  struct State {
    const Code* code = nullptr;
    std::vector<Formal> formals;
    bool operator==(const State&) const = default;
  };
  class Run;

  /// Returns the number of the state; kMostStates if there are too many.
  uint32_t number_of(const State& state);

  static constexpr uint32_t kMostStates = 128;

  const Word* globals_;
  unsigned bits_ = 0;
  std::vector<State> states_;  ///< the first one is a call of the function with all registers in their order
};

}  // namespace fble
