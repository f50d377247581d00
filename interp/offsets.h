// The offsets that machine code and the assembly of interp/native_stack.cc rely on.
//
// A change in the layout of a struct needs changes only here.
#pragma once

#include <cstddef>

#include "interp/carrier.h"
#include "interp/interpreter.h"

namespace fble::offsets {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"  // Carrier has a base class; clang's answer is right all the same

inline constexpr int32_t kAllocLimit = offsetof(Carrier, alloc_limit);
inline constexpr int32_t kMachineStackLimit = offsetof(Carrier, machine_stack_limit);
inline constexpr int32_t kGlobals = offsetof(Carrier, globals);
inline constexpr int32_t kTable = offsetof(Carrier, table);
inline constexpr int32_t kExitFuel = offsetof(Carrier, exit_fuel);
inline constexpr int32_t kCarrierPc = offsetof(Carrier, pc);
inline constexpr int32_t kCarrierFp = offsetof(Carrier, fp);
inline constexpr int32_t kCarrierAp = offsetof(Carrier, ap);
inline constexpr int32_t kCarrierValue = offsetof(Carrier, value);
inline constexpr int32_t kRegisters = offsetof(Carrier, exit_state.registers);
inline constexpr int32_t kSpill = offsetof(Carrier, exit_state.spill);

inline constexpr int32_t kExitCommon = offsetof(Carrier, exit_common);
inline constexpr int32_t kNativeStack = offsetof(Carrier, native_stack);
inline constexpr int32_t kCodeEntry = offsetof(Code, entry);
inline constexpr int32_t kNativeEntry = offsetof(Code, native_entry);
inline constexpr int32_t kCodeStart = offsetof(Code, start);
inline constexpr int32_t kCodeArity = offsetof(Code, arity);
inline constexpr int32_t kLeave = offsetof(HandlerTable, leave);
inline constexpr int32_t kHandlers = offsetof(HandlerTable, handlers);

#pragma clang diagnostic pop

inline constexpr int32_t kHeader = offsetof(Object, header);
inline constexpr int32_t field_offset(int32_t index) {
  return static_cast<int32_t>(offsetof(Object, fields)) + 8 * index;
}
inline constexpr int32_t kClosureCode = field_offset(0);
inline constexpr int32_t slot_offset(int32_t slot) { return 8 * slot; }
inline constexpr int32_t register_offset(int32_t reg) { return kRegisters + 8 * reg; }
inline constexpr int32_t spill_offset(int32_t index) { return kSpill + 8 * index; }

// Instructions access the fields with these sizes.
static_assert(sizeof(Code::entry) == 8 && sizeof(Code::native_entry) == 8 && sizeof(Code::start) == 8 &&
              sizeof(Code::arity) == 4);
static_assert(sizeof(Carrier::exit_fuel) == 4 && sizeof(Word) == 8);
static_assert(kHeader == 0, "a pointer to an object is the address of its header");
static_assert(sizeof(Handler) == 8 && sizeof(HandlerTable::leave) == 8);
static_assert(sizeof(*Code::start) == 4, "an opcode is 32 bits");

/// The places of the arguments of helpers, and of the helper's number: registers[] is
/// free while a trace runs.
inline constexpr int kHelperNumberAt = kRegisterCount - 1;
inline constexpr int32_t kHelperNumber = register_offset(kHelperNumberAt);

}  // namespace fble::offsets
