// What the process does, for a signal handler that asks: one byte, which costs two stores where it changes.
//
// Tested by tests/unit/interp/sampler_test.cc.
#pragma once

#include <atomic>
#include <cstdint>

namespace fble {

enum class Activity : uint8_t {
#define FBLE_ACTIVITY(Name, text, doc) k##Name,
#include "gc/activities.def"
#undef FBLE_ACTIVITY
  kCount
};

const char* activity_text(Activity activity);

/// The activity of the OS thread that runs the program.
inline constinit std::atomic<Activity> current_activity{Activity::kProgram};

/// An activity, for the lifetime of the object.
class Doing {
 public:
  explicit Doing(Activity activity) : before_(current_activity.load(std::memory_order_relaxed)) { set(activity); }
  ~Doing() { set(before_); }
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  /// A handler runs in the same thread: only the compiler must not move the store.
  static void set(Activity activity) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    current_activity.store(activity, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  const Activity before_;
};

}  // namespace fble
