// A model of /Std/Io/Thread%: what programs with threads say in the usual order of turns.
//
// It shares nothing with the implementation: threads are coroutines of C++, and unwinding is an exception. Time is
// virtual: it passes only while all threads wait.
//
// Tested by fuzz/tests/thread_gen_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fble {

struct ThreadOp;
/// Done one after the other. The first is kSay.
using ThreadBody = std::vector<ThreadOp>;

/// A part of a program with threads. Channels and tasks are numbers.
struct ThreadOp {
  enum class Kind : uint8_t {
    kSay,      ///< says `number`
    kCompute,  ///< says the sum of the numbers up to `number`
    kYield,
    kSleep,    ///< for `number` nanoseconds
    kSend,     ///< sends `number` to the channel `object`, and says whether it was sent
    kReceive,  ///< says the item, or "none"
    kClose,
    kFork,  ///< runs `body` in the scope of the kWithin around it in the text; its result is `number`
    kJoin,  ///< says the result
    kStop,
    kWithin,
    kShield,
    kAttempt,  ///< says "ok" or "error"
    kEnsure,   ///< with `cleanup`
    kFail,     ///< has a run-time error
    kKeep,     ///< says `number` after `body`: an item that was made before
    kRepeat,   ///< `body`, `number` times
  };

  Kind kind = Kind::kSay;
  uint32_t object = 0;  ///< the channel, or the task
  uint32_t number = 0;
  ThreadBody body;
  ThreadBody cleanup;
};

struct ThreadProgram {
  std::vector<uint32_t> capacities;  ///< of the channels
  ThreadBody body;                   ///< of the main thread, in a scope
  bool has_times = false;            ///< contains kSleep
};

struct ThreadModelEnding {
  std::string output;    ///< what was said, each with a space after it
  bool is_good = false;  ///< not by an error
};

ThreadModelEnding run_thread_model(const ThreadProgram& program);

}  // namespace fble
