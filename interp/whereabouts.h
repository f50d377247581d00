// What neither registers nor the carrier show to a signal handler that looks at the program from outside.
//
// All of it is written by the OS thread that runs the program, which is also the one that the handler interrupts.
//
// Tested by tests/unit/interp/sampler_test.cc.
#pragma once

#include <atomic>

#include "gc/value.h"

namespace fble {

class CallStack;
struct Code;

/// The place in machine code that C++ works for: its registers are gone, and the carrier's pc and fp are not those of
/// the program. Machine code sets it only if it is asked to (RuntimeEntries::notes_calls); `fp` is set first.
struct MachineCall {
  std::atomic<const void*> address{nullptr};  ///< null: the carrier's pc and fp are right
  std::atomic<Word*> fp{nullptr};             ///< the register for fp at that place
  /// The native stack at that place (interp/native_stack.h); null if the call stack has all return words.
  std::atomic<const Word*> native_stack{nullptr};
};
inline constinit MachineCall machine_call;

/// Has `machine_call` show a place in machine code, until it ends. It may also end what machine code has noted.
class AtMachineCode {
 public:
  /// Does nothing if the address is null.
  AtMachineCode(const void* address, Word* fp) {
    if (address == nullptr) return;
    machine_call.fp.store(fp, std::memory_order_relaxed);
    machine_call.native_stack.store(nullptr, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    machine_call.address.store(address, std::memory_order_relaxed);
  }
  ~AtMachineCode() { end(); }
  AtMachineCode(const AtMachineCode&) = delete;
  AtMachineCode& operator=(const AtMachineCode&) = delete;
  static void end() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    machine_call.address.store(nullptr, std::memory_order_relaxed);
  }
};

/// The frames of a call stack that have not changed since a handler looked at them: those below `end`.
struct UnchangedFrames {
  std::atomic<const CallStack*> stack{nullptr};  ///< null: none is looked at
  std::atomic<const Word*> end{nullptr};
};
inline constinit UnchangedFrames unchanged_frames;

/// Called when frames of the stack from `fp` on may run from now on: the watermark has moved there
/// (interp/call_stack.h). Null stands for all frames.
inline void note_running_frames(const CallStack* stack, const Word* fp) {
  if (unchanged_frames.stack.load(std::memory_order_relaxed) != stack) return;
  const Word* const end = unchanged_frames.end.load(std::memory_order_relaxed);
  if (fp < end) unchanged_frames.end.store(fp, std::memory_order_relaxed);
}

/// Hears of all code that is made, which a program's own code is before it runs.
class CodeListener {
 public:
  virtual ~CodeListener() = default;
  virtual void note_code(const Code& code) = 0;
};
inline constinit CodeListener* code_listener = nullptr;

}  // namespace fble
