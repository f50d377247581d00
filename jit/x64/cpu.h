// The processor extensions that machine code needs beyond x86-64: BMI1, BMI2 and LZCNT. It uses them without asking; on
// a processor that lacks one of them, programs are interpreted.
//
// Tested by tests/unit/jit/x64/cpu_test.cc.
#pragma once

#include <string>

#include "interp/cpu.h"

namespace fble {

/// Returns the names of the extensions that machine code needs and `present` lacks, separated by commas; empty if there
/// are none.
std::string missing_cpu_extensions(const CpuExtensions& present = cpu_extensions());

}  // namespace fble
