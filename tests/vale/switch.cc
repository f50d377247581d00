#include "tests/vale/switch.h"

#include "tests/vale/chunk.h"

// Of the carrier that this OS thread is: its stack pointer while a virtual thread runs, and that thread.
extern "C" {
constinit thread_local void* vale_carrier_stack = nullptr;
constinit thread_local vale::VirtualThread* vale_current = nullptr;
}

// FUNCTION begins a function that uses `bytes` bytes below its return address. It notes the size where the compiler
// notes those of its functions, so that stack_need.py finds all in one place.
//
// A switch ends with a jump. The processor predicts that a return leads to behind the last call, which is on the other
// stack: with returns, a switch took 45 ns instead of 27.
asm(R"(
  .macro FUNCTION name, bytes
    .text
    .p2align 4
    .globl \name
    .type \name, @function
    .pushsection .stack_sizes, "o", @progbits, .text
    .quad \name
    .byte \bytes
    .popsection
  \name:
  .endm

  FUNCTION vale_resume, 56
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    mov %rsp, %fs:vale_carrier_stack@tpoff
    mov %rdi, %fs:vale_current@tpoff
    mov (%rdi), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    pop %rcx
    jmp *%rcx
  .size vale_resume, .-vale_resume

  FUNCTION vale_wait_for, 48
    test %rdi, %rdi
    jz 1f
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %fs:vale_current@tpoff, %rax
    mov %rsp, (%rax)
    mov %rsi, 8(%rax)
  .Lto_carrier:
    mov %fs:vale_carrier_stack@tpoff, %rsp
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    pop %rcx
    jmp *%rcx
  1:
    mov %rsi, %rdi
    lea vale_perform(%rip), %rax
    jmp *%rax
  .size vale_wait_for, .-vale_wait_for

  FUNCTION vale_begin, 0
    mov $1, %edi
    mov %r12, %rsi
    mov %r13, %rdx
    jmp *%rbx
  .size vale_begin, .-vale_begin

  FUNCTION vale_end, 0
    mov %fs:vale_current@tpoff, %rcx
    movq $0, (%rcx)
    mov %rax, 16(%rcx)
    mov %rdx, 24(%rcx)
    jmp .Lto_carrier
  .size vale_end, .-vale_end

  FUNCTION vale_call_on, 8
    push %rbp
    mov %rsp, %rbp
    mov %r8, %rsp
    call *%rcx
    mov %rbp, %rsp
    pop %rbp
    ret
  .size vale_call_on, .-vale_call_on

  FUNCTION vale_on_carrier, 8
    test %rdi, %rdi
    mov %rdx, %rdi
    jz 1f
    push %rbp
    mov %rsp, %rbp
    mov %fs:vale_carrier_stack@tpoff, %rsp
    call *%rsi
    mov %rbp, %rsp
    pop %rbp
    ret
  1:
    jmp *%rsi
  .size vale_on_carrier, .-vale_on_carrier
)");

namespace vale {

void prepare(VirtualThread& thread, void* first, void* second, void* function) {
  // What vale_resume pops, the last first.
  auto* sp = static_cast<void**>(thread.chunk->top());
  *--sp = reinterpret_cast<void*>(vale_end);
  *--sp = reinterpret_cast<void*>(vale_begin);
  *--sp = nullptr;   // rbp
  *--sp = function;  // rbx
  *--sp = first;     // r12
  *--sp = second;    // r13
  *--sp = nullptr;   // r14
  *--sp = nullptr;   // r15
  thread.stack_pointer = sp;
}

}  // namespace vale
