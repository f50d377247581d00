// The functions are in assembler because C++ cannot express changes of the stack pointer. The registers in
// them are the roles in interp/machine_registers.h.
#include "interp/native_stack.h"

#include "gc/frozen_slabs.h"
#include "interp/debug_state.h"
#include "interp/interpreter.h"
#include "interp/offsets.h"

// The unwinding rule of `enter`, for the assembler below that runs on the native stack: from there it does not matter
// what is on it. That of machine code is the same (jit/x64/unwind_info.h).
#define FBLE_UNWIND_TO_ENTER                                                   \
  ".cfi_def_cfa %%rbp, 16\n .cfi_offset %%rbp, -16\n .cfi_offset %%rbx, -24\n" \
  ".cfi_offset %%r12, -32\n .cfi_offset %%r13, -40\n .cfi_offset %%r14, -48\n" \
  ".cfi_offset %%r15, -56\n"

namespace fble {

namespace {

struct HandlerCall {
  Handler handler;
  const uint32_t* pc;
  Word* fp;
  Carrier* carrier;
  Word* ap;
  const HandlerTable* table;
  Word value;
  void* stack;  ///< the beginning of the native stack, aligned to 16; null: the present place
};

// C++ expects rbx, rbp and r12 to r15 to be preserved; handlers do not use rbp. Errors pass through here, too.
__attribute__((naked)) void enter(const HandlerCall*) {
  asm volatile(R"(
      pushq %%rbp
      .cfi_def_cfa_offset 16
      .cfi_offset %%rbp, -16
      movq %%rsp, %%rbp
      .cfi_def_cfa_register %%rbp
      pushq %%rbx
      pushq %%r12
      pushq %%r13
      pushq %%r14
      pushq %%r15
      .cfi_offset %%rbx, -24
      .cfi_offset %%r12, -32
      .cfi_offset %%r13, -40
      .cfi_offset %%r14, -48
      .cfi_offset %%r15, -56
      subq $8, %%rsp
      movq %c[stack](%%rdi), %%rax
      testq %%rax, %%rax
      cmovneq %%rax, %%rsp
      movq %c[pc](%%rdi), %%r12
      movq %c[fp](%%rdi), %%r13
      movq %c[carrier](%%rdi), %%r14
      movq %c[ap](%%rdi), %%r15
      movq %c[value](%%rdi), %%rsi
      movq %c[handler](%%rdi), %%rax
      movq %c[table](%%rdi), %%rdi
      leaq -8(%%rsp), %%rcx
      movq %%rcx, %c[native](%%r14)
      callq *%%rax
      leaq -40(%%rbp), %%rsp
      popq %%r15
      popq %%r14
      popq %%r13
      popq %%r12
      popq %%rbx
      popq %%rbp
      .cfi_def_cfa %%rsp, 8
      retq
      )" ::[stack] "i"(offsetof(HandlerCall, stack)),
               [pc] "i"(offsetof(HandlerCall, pc)), [fp] "i"(offsetof(HandlerCall, fp)),
               [carrier] "i"(offsetof(HandlerCall, carrier)), [ap] "i"(offsetof(HandlerCall, ap)),
               [value] "i"(offsetof(HandlerCall, value)), [handler] "i"(offsetof(HandlerCall, handler)),
               [table] "i"(offsetof(HandlerCall, table)), [native] "i"(offsets::kNativeStack));
}

}  // namespace

// The address sanitizer must be notified of stack switches, and handlers have no place to do so: sanitized builds stay
// on the C++ stack.
#if __has_feature(address_sanitizer)
constexpr bool kHasStackOfItsOwn = false;
#else
constexpr bool kHasStackOfItsOwn = true;
#endif

void enter_handler(Handler handler, const uint32_t* pc, Word* fp, Carrier& carrier, Word* ap, Word value) {
  prepare_signal_stack();
  void* const outer = carrier.native_stack;
  void* const stack = outer == nullptr && kHasStackOfItsOwn ? carrier.native_stack_begin() : nullptr;
  const HandlerCall call{handler, pc, fp, &carrier, ap, carrier.table, value, stack};
  // An exception may end the run.
  struct Restore {
    Carrier& carrier;
    void* outer;
    const Carrier* outer_carrier;
    ~Restore() {
      carrier.native_stack = outer;
      fble_debug_state.carrier.store(outer_carrier, std::memory_order_relaxed);
    }
  } restore{carrier, outer, fble_debug_state.carrier.exchange(&carrier, std::memory_order_relaxed)};
  enter(&call);
}

__attribute__((naked)) void return_by_frame() {
  asm volatile(FBLE_UNWIND_TO_ENTER
               "jmpq *%c[address](%%r13)" ::[address] "i"(offsets::slot_offset(kReturnAddressSlot)));
}

__attribute__((naked)) void write_return_words() {
  asm volatile(FBLE_UNWIND_TO_ENTER R"(
      leaq %c[last](%%rip), %%rcx
   1: movq (%%r9), %%rax
      cmpq %%rcx, %%rax
      je 2f
      cmpb %[jump], (%%rax)
      jne 3f
      movq %c[position_at](%%rax), %%r11
      movq %%r11, %c[position](%%r10)
      leaq %c[by_frame](%%rax), %%r11
      movq %%r11, %c[address](%%r10)
      movl %c[distance_at](%%rax), %%r11d
      subq %%r11, %%r10
      addq $8, %%r9
      jmp 1b
   3: addq %[memo], %%r9
      jmp 1b
   2: retq
      )" ::[jump] "i"(kJumpByte),
               [memo] "i"(kMemoWords * sizeof(Word)), [last] "i"(&return_by_frame),
               [position_at] "i"(kReturnPositionAt), [by_frame] "i"(kEntryByFrame), [distance_at] "i"(kDistanceAt),
               [position] "i"(offsets::slot_offset(kReturnPositionSlot)),
               [address] "i"(offsets::slot_offset(kReturnAddressSlot)));
}

__attribute__((naked)) void leave_by_sled() {
  asm volatile(FBLE_UNWIND_TO_ENTER "jmpq *%c[exit_common](%%r14)" ::[exit_common] "i"(offsets::kExitCommon));
}

// It stores four words even if there are fewer arguments: no slot after them is in use yet, and the room above the
// limit of the stack is enough.
static_assert(kArgumentRegisters == std::array<int, 4>{1, 2, 3, 8} && kGuardSlots >= kArgumentRegisters.size());
#define FBLE_LEAVE_BY_CALL \
  FBLE_UNWIND_TO_ENTER R"(
      movq %%rcx, (%%r13)
      movq %%rdx, 8(%%r13)
      movq %%rbx, 16(%%r13)
      movq %%r8, 24(%%r13)
      movq %%rsp, %%r9
      movq %%r13, %%r10
      callq %c[write]
      movq %c[native](%%r14), %%rsp
      movq %c[closure](%%r13), %%rax
      movq %c[code](%%rax), %%rax
      movq %c[start](%%rax), %%r12
      )"
#define FBLE_LEAVE_BY_CALL_OPERANDS                                                       \
  [native] "i"(offsets::kNativeStack), [closure] "i"(offsets::slot_offset(kClosureSlot)), \
      [code] "i"(offsets::kClosureCode), [start] "i"(offsets::kCodeStart), [write] "i"(&write_return_words)

__attribute__((naked)) void leave_by_call() {
  asm volatile(
      FBLE_LEAVE_BY_CALL "jmpq *%c[entry](%%rax)" ::FBLE_LEAVE_BY_CALL_OPERANDS, [entry] "i"(offsets::kCodeEntry));
}

__attribute__((naked)) void leave_by_native_call() {
  asm volatile(FBLE_LEAVE_BY_CALL "jmp %c[entry]" ::FBLE_LEAVE_BY_CALL_OPERANDS, [entry] "i"(&native_call_entry));
}

}  // namespace fble
