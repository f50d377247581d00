// Stacks and how to change between them: the only assembler of the prototype.
//
// A carrier is an OS thread that runs virtual threads. Its own stack is large and has room for any function of libc,
// whose needs are not known. Virtual threads run on chunks (chunk.h). There are four changes:
//
//   resume       carrier -> virtual thread, until that waits or ends
//   wait_for     virtual thread -> carrier, with an operation that the thread waits for
//   call_chosen  virtual thread -> another chunk of the same thread, and back when the function returns
//   on_carrier   virtual thread -> the carrier's stack, and back when the function returns
//
// All code on chunks is compiled without a red zone, and no signal handler runs on them: the program has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace vale {

struct Chunk;
struct Operation;

/// A virtual thread while it does not run. The assembler knows the places of the first three fields.
struct VirtualThread {
  void* stack_pointer;   ///< null when it has ended
  Operation* operation;  ///< what it waits for
  int64_t result[2];     ///< what its function returned
  Chunk* chunk;          ///< its first one
};

extern "C" {

/// Runs the thread until it waits or ends.
void vale_resume(VirtualThread& thread);

/// Waits until the operation is done: in place if not `is_concurrent`, else by leaving to the carrier.
void vale_wait_for(int64_t is_concurrent, Operation& operation);

/// Calls `function(is_concurrent, first, second)` with the stack pointer at `top`. The type of the result is the
/// function's.
void vale_call_on(int64_t is_concurrent, void* first, void* second, void* function, void* top);

/// Calls `function(data)`: in place if not `is_concurrent`, else on the carrier's stack.
void vale_on_carrier(int64_t is_concurrent, void (*function)(void*), void* data);

/// Where a new thread begins and ends; never called.
void vale_begin();
void vale_end();

/// Does the operation while the OS thread waits. Defined by the program.
void vale_perform(Operation& operation);
}

/// Runs the work where libc has room.
template <typename Work>
inline void on_carrier(int64_t is_concurrent, Work&& work) {
  using Function = std::remove_reference_t<Work>;
  vale_on_carrier(is_concurrent, [](void* data) { (*static_cast<Function*>(data))(); }, std::addressof(work));
}

/// Makes the thread ready to call `function(1, first, second)` on its chunk.
void prepare(VirtualThread& thread, void* first, void* second, void* function);

}  // namespace vale
