// Intrinsics: natives with a fast path of their own. The table is intrinsics.def.
#pragma once

#include "interp/code.h"

namespace fble {

struct IntrinsicInfo {
  const char* name;
  uint32_t arity;
  const char* effects;
  const char* doc;
};
/// Returns the row of the intrinsic. Requires: not kNone.
const IntrinsicInfo& intrinsic_info(Intrinsic intrinsic);

/// Returns the target of calls of the native, with fp at the new frame and pc
/// at the native's code: the handler continues there if it cannot compute the
/// result.
Handler intrinsic_entry(Intrinsic intrinsic);

/// Returns the handler that runs it at its call in bytecode (Code::direct).
Handler intrinsic_direct(Intrinsic intrinsic);

/// Returns the result for packed arguments; 0 if it is an error or not a packed word.
Word fold_packed(Intrinsic intrinsic, const Word* args);

}  // namespace fble
