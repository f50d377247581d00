// Oracles for traces: passes against the model, register allocation against its checker.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fble {

/// Which random trace (tests/support/ir_gen.h), and what is done to it.
struct TraceChoices {
  uint64_t seed = 0;
  size_t instructions = 40;
  bool ends_in_self_call = false;
  bool forward_passes = false;
  uint8_t pass = 0;

  static TraceChoices from(std::span<const uint8_t> bytes);
};

/// Empty if the trace does after a pass what it did before, on many inputs.
std::string check_passes(const TraceChoices& choices);

/// Empty if the allocation of the trace's registers is right.
std::string check_registers(const TraceChoices& choices);

}  // namespace fble
