// Scopes own threads: Within does not end before all threads of its scope have. Tasks are handles on
// threads, and have their outcome.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#pragma once

#include <string>

#include "gc/object.h"
#include "interp/thread_store.h"
#include "interp/virtual_thread.h"

namespace fble {

/// One run of Within. The frame of Within holds it, so it lives longer than its threads.
class Scope final : public NativeResource {
 public:
  VirtualThread* owner = nullptr;  ///< null once it has ended
  size_t frame = 0;                ///< slot of the owner's frame of Within
  Scope* outer = nullptr;          ///< the owner's scope around it
  uint32_t depth = 0;              ///< the number of the owner's scopes around it
  size_t count = 0;                ///< threads that have not ended
  VirtualThread* youngest = nullptr;
  ThreadList waiting;  ///< the owner, while it waits for the threads
  bool has_failed = false;
  RunError error;  ///< of the first thread that failed
};

enum class TaskOutcome : uint8_t { kNone, kDone, kFailed, kStopped };

/// What is known of a thread from outside.
class Task final : public TracedResource {
 public:
  static void* operator new(size_t bytes, ThreadStore& store) { return store.new_object(bytes); }
  static void operator delete(void* task) { Cells::give(task); }
  ~Task() override {
    if (thread != nullptr) thread->task = nullptr;
  }
  void visit_values(const std::function<void(Word&)>& visit) override {
    if (value != 0) visit(value);
  }

  VirtualThread* thread = nullptr;  ///< null once it has ended
  TaskOutcome outcome = TaskOutcome::kNone;
  Word value = 0;       ///< for kDone
  std::string failure;  ///< for kFailed: the first line of the error
  WaiterList waiting;   ///< what waits for its end
};

}  // namespace fble
