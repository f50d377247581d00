// The processor extensions that machine code needs beyond x86-64.
//
// Code compiled ahead of time runs on every x86-64 processor. Machine code made at run time uses BMI1, BMI2 and
// LZCNT without asking; on a processor that lacks one of them, programs are interpreted.
//
// Tested by tests/unit/jit/x64/cpu_test.cc.
#pragma once

#include <string>

namespace fble {

/// The extensions that machine code uses, as far as a processor has them.
struct CpuExtensions {
  bool bmi1;
  bool bmi2;
  bool lzcnt;
};

/// Returns the extensions of this processor.
CpuExtensions cpu_extensions();

/// Returns the names of the extensions that machine code needs and `present` lacks, separated by commas; empty if there
/// are none.
std::string missing_cpu_extensions(const CpuExtensions& present = cpu_extensions());

}  // namespace fble
