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

bool jit_param_may_be_none(std::string_view name) {
#define FBLE_JIT_PARAM(row, default_value, doc)
#define FBLE_JIT_PARAM_OR_NONE(row, default_value, doc) \
  if (name == #row) return true;
#include "jit/params.def"
#undef FBLE_JIT_PARAM
  return false;
}

}  // namespace fble
