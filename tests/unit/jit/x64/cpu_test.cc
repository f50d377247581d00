// The processor check: which extensions machine code needs, and whether this processor has them.
#include "jit/x64/cpu.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace fble {
namespace {

TEST(Cpu, NamesWhatIsMissing) {
  EXPECT_EQ(missing_cpu_extensions({.bmi1 = true, .bmi2 = true, .lzcnt = true}), "");
  EXPECT_EQ(missing_cpu_extensions({.bmi1 = true, .bmi2 = false, .lzcnt = true}), "BMI2");
  EXPECT_EQ(missing_cpu_extensions({.bmi1 = false, .bmi2 = false, .lzcnt = false}), "BMI1, BMI2, LZCNT");
}

/// Compares with the kernel, which reads the same bits. It calls LZCNT "abm".
TEST(Cpu, AgreesWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {}
  std::istringstream words(line);
  const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
  ASSERT_TRUE(flags.contains("sse2"));
  const CpuExtensions present = cpu_extensions();
  EXPECT_EQ(present.bmi1, flags.contains("bmi1"));
  EXPECT_EQ(present.bmi2, flags.contains("bmi2"));
  EXPECT_EQ(present.lzcnt, flags.contains("abm"));
}

}  // namespace
}  // namespace fble
