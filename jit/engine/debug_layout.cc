#include "jit/engine/debug_layout.h"

#include <cstddef>

#include "interp/carrier.h"
#include "interp/debug_state.h"
#include "interp/native_stack.h"
#include "jit/engine/compiled_traces.h"

namespace fble {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"  // as in interp/offsets.h

extern "C" {
__attribute__((used, retain)) constexpr DebugLayoutRow fble_debug_layout[] = {
#define FBLE_DEBUG_FIELD(Struct, field) {#Struct "." #field, offsetof(Struct, field)},
#define FBLE_DEBUG_NUMBER(name, value) {name, static_cast<int64_t>(value)},
#include "jit/engine/debug_layout.def"
#undef FBLE_DEBUG_NUMBER
#undef FBLE_DEBUG_FIELD
    {nullptr, 0}};
}

#pragma clang diagnostic pop

}  // namespace fble
