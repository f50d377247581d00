#include "jit/engine/options.h"

namespace fble {

bool set_jit_param(JitParams& params, std::string_view name, uint32_t value) {
#define FBLE_JIT_PARAM(row, default_value, doc) \
  if (name == #row) {                           \
    params.row = value;                         \
    return true;                                \
  }
#include "jit/params.def"
#undef FBLE_JIT_PARAM
  return false;
}

}  // namespace fble
