// Oracles for traces: passes against the model, register allocation against its checker.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fble {

/// The choice of a random trace (tests/support/ir_gen.h) and of the passes on it.
struct TraceChoices {
  uint64_t seed = 0;
  size_t instructions = 40;
  bool ends_in_self_call = false;
  bool forward_passes = false;
  bool bits = false;
  uint8_t pass = 0;

  static TraceChoices from(std::span<const uint8_t> bytes);
};

/// Checks that the trace behaves the same after each pass, on many inputs. Returns an empty text if it does.
std::string check_passes(const TraceChoices& choices);

/// Checks the register allocation of the trace. Returns an empty text if it is right.
std::string check_registers(const TraceChoices& choices);

}  // namespace fble
