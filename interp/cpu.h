// The processor extensions beyond x86-64.
//
// Code that is compiled ahead of time runs on every x86-64 processor. The interpreter has some handlers twice, with and
// without these extensions; machine code made at run time needs them (jit/x64/cpu.h).
//
// Tested by tests/unit/jit/x64/cpu_test.cc and tests/unit/interp/interpreter_test.cc.
#pragma once

namespace fble {

/// Which extensions a processor has.
struct CpuExtensions {
  bool bmi1;
  bool bmi2;
  bool lzcnt;
};

/// Returns the extensions of this processor.
CpuExtensions cpu_extensions();

}  // namespace fble
