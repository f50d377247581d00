// The heap's tunables as constants; gc/params.def explains them.
#pragma once

#include <cstddef>

namespace fble {

#define FBLE_GC_PARAM(name, value, doc) inline constexpr size_t name = value;
#include "gc/params.def"
#undef FBLE_GC_PARAM

}  // namespace fble
