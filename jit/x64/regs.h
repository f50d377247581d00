// The roles of the machine registers in machine code.
//
// The pinned ones are those in which clang's preserve_none convention passes the
// parameters of a handler (interp/handler.h), so handlers and machine code jump to
// one another:
//
//   r12 pc   r13 fp   r14 carrier   r15 ap   rdi table   rsi value
//
// A trace does not use pc, and uses `value` only at calls' returns, so those two are
// allocated like the rest. rdi never holds a value of the trace: it is the last resort
// for moves between memory and memory and is reloaded from the carrier. rsp and rbp
// belong to the C++ function that called the first handler.
#pragma once

#include <cstdint>

#include "interp/machine_registers.h"

namespace fble::x64 {

// clang-format off
enum Register : int8_t {
  kNoRegister = -1,
  kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi,
  kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15,
};
// clang-format on

inline constexpr Register kPcRegister = kR12;
inline constexpr Register kFpRegister = kR13;
inline constexpr Register kThreadRegister = kR14;
inline constexpr Register kApRegister = kR15;
inline constexpr Register kTableRegister = kRdi;
inline constexpr Register kValueRegister = kRsi;
static_assert(kPcRegister == register_of(RegisterRole::kPc) && kFpRegister == register_of(RegisterRole::kFp) &&
              kThreadRegister == register_of(RegisterRole::kThread) && kApRegister == register_of(RegisterRole::kAp) &&
              kTableRegister == register_of(RegisterRole::kTable) &&
              kValueRegister == register_of(RegisterRole::kValue));
static_assert(kR15 + 1 == kRegisterCount);

/// The registers of the allocator, in the order in which it uses them: those with
/// short encodings first, the one for results as late as possible.
inline constexpr Register kAllocatable[] = {kRax, kRcx, kRdx, kRbx, kR8, kR9, kR10, kR11, kR12, kRsi};

constexpr uint32_t bit(int reg) { return register_bit(reg); }

constexpr bool arguments_are_allocatable() {
  for (const int reg : kArgumentRegisters) {
    if ((kAllocatableRegisters & bit(reg)) == 0 || reg == kRax || reg == kPcRegister || reg == kValueRegister)
      return false;
  }
  return true;
}
static_assert(arguments_are_allocatable(), "calls need rax, and a continuation the result, besides the arguments");

constexpr uint32_t allocatable_mask() {
  uint32_t mask = 0;
  for (const Register reg : kAllocatable) mask |= bit(reg);
  return mask;
}
static_assert(allocatable_mask() == kAllocatableRegisters);

}  // namespace fble::x64
