// Registers the code cache with debuggers, by the interface that gdb documents as "JIT Compilation Interface": a list
// of object files in memory, and a function that a debugger has a breakpoint in.
//
// There is one object for the whole cache. It has a symbol and the rule for unwinding (jit/x64/unwind_info.h), so a
// debugger shows machine code as one frame between handlers and C++; scripts/gdb/fble_gdb.py shows what is in that
// frame. It is a few hundred bytes, so each run has it, and a debugger may come at any time or read a core file.
//
// Tested by tests/unit/jit/x64/unwind_info_test.cc and tests/gdb/gdb_test.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fble {

/// Code that debuggers know for as long as the object lives.
class RegisteredCode {
 public:
  RegisteredCode();
  ~RegisteredCode();
  RegisteredCode(const RegisteredCode&) = delete;

  /// Registers memory for machine code. To be called once at most.
  void add(const uint8_t* start, size_t bytes);

 private:
  struct Entry;
  std::unique_ptr<Entry> entry_;
};

}  // namespace fble
