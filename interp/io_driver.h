// The io driver: what virtual threads wait for outside of the program.
//
// A native never waits in place while other threads could run. It looks whether it can do its work; if not it asks for
// what is missing, parks its thread and is run again later. So nothing is consumed before all that it needs is there,
// and a thread that is stopped while it waits has lost nothing. There are two ways to ask:
//
//   readiness    of a descriptor for streams: pipes, terminals, connections. One epoll instance watches them,
//                edge-triggered, and each descriptor is registered once. A native tries first and waits after EAGAIN
//                only, so no edge is lost.
//   operations   for what has no readiness: files, names, directories. io_uring does them, or helper threads do.
//                An operation owns all that it uses, until it is done, even if its thread has been stopped.
//
// The driver makes no system call before the first native waits, so a program without threads has no cost.
//
// Tested by tests/unit/interp/io_driver_test.cc, and tests/std/Threads in all modes.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <vector>

#include "interp/virtual_thread.h"

struct io_uring_sqe;

namespace fble {

class IoRing;
class IoWorkers;
class Scheduler;

enum class IoKind : uint8_t {
#define FBLE_IO_KIND(Name, text, doc) k##Name,
#include "interp/io_kinds.def"
#undef FBLE_IO_KIND
};

/// What a native has begun and not ended: its thread refers to it while it waits, and until the native has run again.
class Unfinished {
 public:
  virtual ~Unfinished() = default;
  /// Ends it: the thread unwinds instead of running the native again. The thread does not refer to it any more.
  virtual void abandon(Scheduler& scheduler, VirtualThread& thread) = 0;
};

/// A descriptor and the threads that wait for it. It does not own the descriptor.
class Watch {
 public:
  explicit Watch(int number) : descriptor(number) {}
  virtual ~Watch() = default;
  Watch(const Watch&) = delete;

  /// Called when the descriptor may be ready, or has failed. Wakes the threads; each native tries again.
  virtual void ready(Scheduler& scheduler, bool readable, bool writable);
  void wake_all(Scheduler& scheduler) { Watch::ready(scheduler, true, true); }

  /// Returns whether a read may find something. If not, an event will say when: a look in vain costs a system call.
  bool may_have_input() const { return input_ != Input::kTaken; }
  /// Notes that a read has taken all that there was.
  void note_taken() {
    if (input_ != Input::kUnusual) input_ = Input::kTaken;
  }
  /// Notes that there may be more.
  void note_input() {
    if (input_ == Input::kTaken) input_ = Input::kPossible;
  }

  int descriptor;
  ThreadList readers;
  ThreadList writers;

 private:
  friend class IoDriver;
  enum class Input : uint8_t {
    kPossible,
    kTaken,
    /// An end, an error or urgent bytes have been reported. A read stops at each of them, so that it has less than it
    /// has asked for says no more that there is nothing behind.
    kUnusual,
  };

  Input input_ = Input::kPossible;
  uint64_t driver_ = 0;  ///< the number of the driver that it is registered with
};

/// Work outside of the program that a thread waits for.
class Operation : public Unfinished {
 public:
  /// Does the work: on a helper thread, or in place.
  virtual void work() = 0;
  /// Writes it as an operation for io_uring. False if there is none for it.
  virtual bool prepare(io_uring_sqe&) { return false; }
  /// Takes the result of io_uring: at least 0, or an error number negated.
  virtual void take_result(int) {}

  void abandon(Scheduler& scheduler, VirtualThread& thread) override;

 private:
  friend class IoDriver;
  VirtualThread* thread_ = nullptr;  ///< that waits; null once it has been stopped
  bool is_done_ = false;
};

/// What works on when the program does not refer to it any more, such as output that is not written yet.
class Lingering {
 public:
  virtual ~Lingering() = default;
  /// Its time has ended.
  virtual void give_up() = 0;
};

/// Guesses whether the system has in memory what is asked for next: what is so for one file is often so for the next.
/// A look that finds nothing is a system call in vain, since io_uring looks itself.
class MemoryGuess {
 public:
  /// Returns whether to look first. One time in several in any case, to learn that files are in memory again.
  bool should_look() { return was_there_ || ++left_out_ % kLookOneIn == 0; }
  void note(bool was_there) { was_there_ = was_there; }

 private:
  static constexpr uint32_t kLookOneIn = 16;
  bool was_there_ = true;
  uint32_t left_out_ = 0;
};

/// Belongs to a machine. Waiting threads are in lists of watches or of the driver, and the scheduler's.
class IoDriver {
 public:
  explicit IoDriver(IoKind kind);
  ~IoDriver();
  IoDriver(const IoDriver&) = delete;

  IoKind kind() const { return kind_; }
  /// The scheduler, while it exists.
  void set_scheduler(Scheduler* scheduler) { scheduler_ = scheduler; }
  Scheduler* scheduler() const { return scheduler_; }
  /// Returns whether a native must let others run instead of waiting in place.
  bool must_share() const;

  /// Watches a descriptor, until it is closed. Returns 0, or why not: EPERM for a file that is always ready.
  [[nodiscard]] int watch(Watch& watch);
  /// Starts an operation for a thread, which has parked.
  void start(VirtualThread& thread, std::unique_ptr<Operation> operation);
  /// Wakes the threads whose waits have ended, without waiting itself.
  void poll(Scheduler& scheduler);
  /// Waits until `poll` may have something to do, the time (CLOCK_MONOTONIC, ns) or a signal that the mask lets
  /// through.
  void wait(int64_t until, const sigset_t& mask);
  /// Returns whether anything was opened to wait with.
  bool is_open() const { return epoll_ >= 0; }
  /// Returns the time (CLOCK_MONOTONIC, ns) at which `poll` should be called in any case.
  int64_t next_look();

  /// The threads that wait for operations.
  ThreadList operations;
  /// The threads that wait for a descriptor to be free.
  ThreadList descriptor_waiters;

  /// Memory for one read; its contents are lost with the next use.
  static constexpr size_t kScratchBytes = size_t{1} << 16;
  uint8_t* scratch();

  MemoryGuess names;     ///< of files that are opened
  MemoryGuess contents;  ///< of files, at their beginning
  /// Returns whether to look in memory before an operation is started.
  bool should_look(MemoryGuess& guess) const { return !can_use_ring_ || guess.should_look(); }

  /// Keeps what works on when the program does not refer to it any more, until the time; see Lingering.
  void keep(std::unique_ptr<Lingering> lingering, int64_t until);
  /// Gives it more time.
  void extend(const Lingering& lingering, int64_t until);
  void forget(const Lingering& lingering);

 private:
  bool open();
  void take_events(Scheduler& scheduler);
  void finish(Scheduler& scheduler, Operation& operation);
  void end_lingering();

  const IoKind kind_;
  const uint64_t number_;
  Scheduler* scheduler_ = nullptr;
  int epoll_ = -1;
  std::unique_ptr<IoRing> ring_;
  bool can_use_ring_;
  std::unique_ptr<IoWorkers> workers_;
  std::unique_ptr<uint8_t[]> scratch_;
  struct Kept {
    std::unique_ptr<Lingering> lingering;
    int64_t until;
  };
  std::vector<Kept> kept_;
};

}  // namespace fble
