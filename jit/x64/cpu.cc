#include "jit/x64/cpu.h"

namespace fble {

std::string missing_cpu_extensions(const CpuExtensions& present) {
  std::string names;
  const auto require = [&](bool has, const char* name) {
    if (!has) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  require(present.bmi1, "BMI1");
  require(present.bmi2, "BMI2");
  require(present.lzcnt, "LZCNT");
  return names;
}

}  // namespace fble
