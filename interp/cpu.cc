#include "interp/cpu.h"

// The header is for C.
#define _Bool bool  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
#include <sys/platform/x86.h>
#undef _Bool

namespace fble {

// The C library has asked the processor already. Under a hypervisor each question takes longer than a system call, and
// the compiler's own way asks again whenever a process starts.
CpuExtensions cpu_extensions() {
  return {.bmi1 = CPU_FEATURE_ACTIVE(BMI1), .bmi2 = CPU_FEATURE_ACTIVE(BMI2), .lzcnt = CPU_FEATURE_ACTIVE(LZCNT)};
}

}  // namespace fble
