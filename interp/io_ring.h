// A ring of io_uring: the system's queue of operations.
//
// Tested by tests/unit/interp/io_driver_test.cc.
#pragma once

#include <liburing.h>

#include <csignal>
#include <cstdint>
#include <memory>

namespace fble {

class Operation;

class IoRing {
 public:
  /// A ring that also watches the descriptor. Null if the system refuses it.
  static std::unique_ptr<IoRing> make(int watched);
  ~IoRing();
  IoRing(const IoRing&) = delete;

  /// Queues the operation. False if the ring cannot do it.
  bool start(Operation& operation);
  /// Hands the queued operations to the system.
  void submit();
  /// Does the same, and waits until one is done, the watched descriptor is ready, the time (CLOCK_MONOTONIC, ns) or a
  /// signal that the mask lets through.
  void wait(int64_t until, const sigset_t& mask);
  /// Calls `take(operation, result)` for each that is done. Returns whether the watched descriptor was ready.
  template <typename Take>
  bool take_done(Take&& take) {
    bool was_ready = false;
    io_uring_cqe* done = nullptr;
    while (io_uring_peek_cqe(&ring_, &done) == 0) {
      auto* operation = static_cast<Operation*>(io_uring_cqe_get_data(done));
      const int result = done->res;
      io_uring_cqe_seen(&ring_, done);
      if (operation == nullptr) continue;
      if (static_cast<void*>(operation) == &watched_) {
        was_ready = must_watch_ = true;
        continue;
      }
      --under_way_;
      take(*operation, result);
    }
    return was_ready;
  }

 private:
  IoRing() = default;

  void queue_watching();
  void note_submitted(int count);

  io_uring ring_{};
  int watched_ = -1;
  bool must_watch_ = true;  ///< no watching of `watched_` is under way
  size_t queued_ = 0;
  size_t under_way_ = 0;  ///< queued or with the system
};

}  // namespace fble
