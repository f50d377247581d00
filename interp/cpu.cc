#include "interp/cpu.h"

namespace fble {

CpuExtensions cpu_extensions() {
  __builtin_cpu_init();
  return {.bmi1 = __builtin_cpu_supports("bmi") != 0,
          .bmi2 = __builtin_cpu_supports("bmi2") != 0,
          .lzcnt = __builtin_cpu_supports("lzcnt") != 0};
}

}  // namespace fble
