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
/// Requires: not kNone.
const IntrinsicInfo& intrinsic_info(Intrinsic intrinsic);

/// Where calls of the native jump, with fp at the new frame and pc at the
/// native's code: that is where the handler goes on when it cannot do it.
Handler intrinsic_entry(Intrinsic intrinsic);

/// What runs it where it is called in bytecode (Code::direct).
Handler intrinsic_direct(Intrinsic intrinsic);

/// The result for packed arguments; 0 if it is not a packed word or an error.
Word fold_packed(Intrinsic intrinsic, const Word* args);

}  // namespace fble
