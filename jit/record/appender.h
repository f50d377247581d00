// The interface with which all parts of the recorder append to the trace.
//
// An instruction gets the position in the bytecode that is being recorded and its activation, a guard the state of the
// frames before that bytecode instruction. Only the recorder knows the frames, so it provides the
// snapshot.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and all of tests/lang in JIT modes.
#pragma once

#include <vector>

#include "interp/carrier.h"
#include "jit/ir/builder.h"

namespace fble {

/// A value: its reference in the trace, and its word in the watched run.
struct Operand {
  IrRef ref;
  Word word;
};
using Operands = std::vector<Operand>;

class Appender {
 public:
  Appender(Carrier& carrier, IrBuilder& builder) : carrier_(carrier), builder_(builder) {}

  IrRef append(IrOp op, IrRef a = kNoRef, IrRef b = kNoRef, int32_t n = 0, uint32_t m = 0);
  IrRef append(IrIns ins);
  IrRef constant(Word word);
  /// Appends a word that is no Fble value.
  IrRef raw_constant(Word word);
  /// Guards that the value is packed, as it is now. Returns it.
  IrRef packed(Operand value);
  /// Returns `first` if the Bool@ is true, else `second`, without a guard.
  IrRef choose(IrRef condition, IrRef first, IrRef second);

  /// Returns the state before the bytecode instruction that is being recorded.
  virtual uint32_t snapshot() = 0;
  const Trace& trace() const { return builder_.trace(); }

 protected:
  ~Appender() = default;

  Carrier& carrier_;
  IrBuilder& builder_;
  uint32_t site_ = 0;  ///< of the activation that runs the bytecode instruction
};

}  // namespace fble
