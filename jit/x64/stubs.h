// Machine code that all traces of a code cache share, at its beginning.
// Tested by tests/unit/jit/x64/assemble_test.cc.
#pragma once

#include <asmjit/asmjit.h>

#include "jit/x64/assemble.h"
#include "jit/x64/regs.h"

namespace fble::x64 {

/// The places of the stubs in the cache, as distances from its first byte.
inline constexpr uint32_t kExitCommon = 0;
inline constexpr uint32_t kFoldHelper = 384;
inline constexpr uint32_t kEnterTrace = 512;
inline constexpr uint32_t kNoteEntry = 640;
inline constexpr uint32_t kNativeHelper = 768;
inline constexpr uint32_t kForceCommon = 960;
inline constexpr uint32_t kSlowEntry = 1280;
inline constexpr uint32_t kStrideHelper = 1408;
inline constexpr uint32_t kStubBytes = 1536;

/// Installs the stubs if the cache is empty. Returns false if that fails.
bool ensure_stubs(CodeCache& cache, const RuntimeEntries& runtime);

/// Returns the cache's first byte.
const uint8_t* stubs_of(const CodeCache& cache);

/// Returns the register of an argument of a call.
inline asmjit::x86::Gp argument_register(uint32_t index) {
  return asmjit::x86::gpq(static_cast<uint32_t>(kArgumentRegisters[index]));
}

/// Emits the load of an address.
inline void load_address(asmjit::x86::Assembler& a, Register to, const void* address) {
  a.mov(asmjit::x86::gpq(to), asmjit::imm(reinterpret_cast<uint64_t>(address)));
}

/// Emits what finds the counter of a table's row, whose address is in a register. A counter is smaller than a row by
/// `shift` bits. May change both registers.
asmjit::x86::Mem counter_of_row(asmjit::x86::Assembler& a, Register row, Register other, const void* rows,
                                const uint64_t* counters, unsigned shift);

/// Emits a jump to `otherwise` unless all arguments of the call are packed words. May change rax.
void emit_check_packed(asmjit::x86::Assembler& a, uint32_t arity, const asmjit::Label& otherwise);

/// Copies code, assembled for cache.next_address(), into the cache. Returns null if that fails.
const uint8_t* install(asmjit::CodeHolder& holder, CodeCache& cache);

/// Emits the push of the outermost return address (interp/native_stack.h). May change rax.
void emit_push_return_by_frame(asmjit::x86::Assembler& a);

}  // namespace fble::x64
