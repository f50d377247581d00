// The frames of a recording.
#pragma once

#include <cstdint>
#include <vector>

#include "interp/code.h"
#include "jit/ir/ir.h"

namespace fble {

/// A call frame as the trace sees it.
struct ShadowFrame {
  Code* code = nullptr;
  uint32_t site = 0;                          ///< into Trace::sites
  int32_t base = 0;                           ///< slots above the root frame
  bool in_memory = false;                     ///< its return words are on the call stack
  bool closure_in_memory = false;             ///< and so is its closure
  IrRef closure = kNoRef;                     ///< known reference, if any
  const uint32_t* return_position = nullptr;  ///< the position after the frame above has returned
  std::vector<IrRef> slots;                   ///< kNoRef: in memory, or dead
  std::vector<const Code*> past;              ///< codes that tail calls have replaced
};

}  // namespace fble
