// The reasons to abort a recording: the rows of abort_reasons.def.
//
// Each step between the recorder and the machine code names its reason by the enumerator. A state
// that only a fault of ours can cause is no reason: it stops the process (FBLE_BUG).
#pragma once

#include <cstdint>

namespace fble {

enum class AbortReason : uint8_t {
#define FBLE_ABORT(Name, text, doc) k##Name,
#include "jit/abort_reasons.def"
#undef FBLE_ABORT
  kCount
};

/// Returns the reason's text in the table, as logs and --stats print it.
constexpr const char* abort_reason_text(AbortReason reason) {
  constexpr const char* kTexts[] = {
#define FBLE_ABORT(Name, text, doc) text,
#include "jit/abort_reasons.def"
#undef FBLE_ABORT
  };
  return kTexts[static_cast<int>(reason)];
}

}  // namespace fble
