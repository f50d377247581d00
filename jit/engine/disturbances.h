// Carries out the disturbances of --chaos. jit/engine/chaos.h makes the decisions.
//
// Tested by tests/unit/jit/engine/chaos_test.cc and tests/lang in mode chaos.
#pragma once

#include <string>

#include "jit/engine/chaos.h"
#include "jit/engine/options.h"
#include "jit/record/recorder.h"

namespace fble {

struct Carrier;

class Disturbances {
 public:
  Disturbances(Carrier& carrier, const JitOptions& options);

  /// Returns whether the disturbance happens at this opportunity.
  bool happens(ChaosKind kind);
  /// Returns the limits of a recording that begins.
  RecorderLimits limits(const RecorderLimits& usual);
  /// Chooses a register to spill; see SpillChoice in jit/x64/regalloc.h.
  int choose_spill(uint32_t occupied);
  /// Notes that an exit was taken. If its guard was made to fail, draws the distance to the next one.
  void note_exit(uint32_t trace, uint32_t exit, IrOp guard);
  /// Collects or requests attention at a point where the interpreter's state is complete. Returns false if the run has
  /// to stop.
  bool disturb(Carrier& carrier);

  const Chaos& chaos() const { return chaos_; }

 private:
  void log(ChaosKind kind, const std::string& detail) const;
  void arrange_exit();

  Carrier& carrier_;
  const bool logs_;
  Chaos chaos_;
};

}  // namespace fble
