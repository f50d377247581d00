// The machine registers and their roles, for all code outside of jit/x64.
//
// Handlers pass their six parameters in registers that stay pinned from handler to handler
// (interp/handler.h), and machine code keeps to them. clang's preserve_none convention determines them,
// and interp/native_stack.cc enters handlers accordingly. An exit stub stores all registers by their
// numbers (interp/exit_state.h). On another processor this header has another table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fble {

/// The number of general registers. A side table has four bits for a register.
inline constexpr int kRegisterCount = 16;

/// The names of the registers, by number.
inline constexpr std::array<const char*, kRegisterCount> kRegisterNames = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

constexpr const char* register_name(int number) {
  return number >= 0 && number < kRegisterCount ? kRegisterNames[static_cast<size_t>(number)] : "r?";
}

/// The role of a pinned register: it holds the parameter of handlers of that name. The value is the register's number.
enum class RegisterRole : int8_t { kPc = 12, kFp = 13, kThread = 14, kAp = 15, kTable = 7, kValue = 6 };

constexpr int register_of(RegisterRole role) { return static_cast<int>(role); }
constexpr uint32_t register_bit(int number) { return uint32_t{1} << number; }

/// The registers that may hold values of a trace, a bit for each: all but the stack pointer, the frame
/// pointer of C++ and the roles that a trace keeps.
inline constexpr uint32_t kAllocatableRegisters =
    ((uint32_t{1} << kRegisterCount) - 1) &
    ~(register_bit(4) | register_bit(5) | register_bit(register_of(RegisterRole::kFp)) |
      register_bit(register_of(RegisterRole::kThread)) | register_bit(register_of(RegisterRole::kAp)) |
      register_bit(register_of(RegisterRole::kTable)));

/// The registers in which calls from machine code pass the first arguments (Code::native_entry), in their order.
/// Further arguments are in their slots.
inline constexpr std::array<int, 4> kArgumentRegisters = {1, 2, 3, 8};

}  // namespace fble
