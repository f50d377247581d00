// What --chaos does to the engine: the decisions are jit/engine/chaos.h's, here is how they are carried out.
//
// Tested by tests/unit/jit/engine/chaos_test.cc and tests/lang in mode chaos.
#pragma once

#include <string>

#include "interp/thread.h"
#include "jit/engine/chaos.h"
#include "jit/engine/options.h"
#include "jit/record/recorder.h"

namespace fble {

class Disturbances {
 public:
  Disturbances(Thread& thread, const JitOptions& options);

  /// At an opportunity: whether it happens now.
  bool happens(ChaosKind kind);
  /// Of a recording that begins.
  RecorderLimits limits(const RecorderLimits& usual);
  /// See SpillChoice in jit/x64/regalloc.h.
  int choose_spill(uint32_t occupied);
  /// An exit was taken, perhaps since a guard was made to fail: then draws the distance to the next one.
  void note_exit(uint32_t trace, uint32_t exit, IrOp guard);
  /// Collects or asks for attention where the interpreter's state is whole. False if the run has to stop.
  bool disturb(Thread& thread);

  const Chaos& chaos() const { return chaos_; }

 private:
  void log(ChaosKind kind, const std::string& detail) const;
  void arrange_exit();

  Thread& thread_;
  const bool logs_;
  Chaos chaos_;
};

}  // namespace fble
