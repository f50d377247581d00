// A ring of io_uring: the system's queue of operations.
//
// Tested by tests/unit/interp/io_driver_test.cc.
#pragma once

#include <liburing.h>

#include <memory>

namespace fble {

class Operation;

class IoRing {
 public:
  /// Null if the system refuses it.
  static std::unique_ptr<IoRing> make();
  ~IoRing();
  IoRing(const IoRing&) = delete;

  /// Readable when operations are done.
  int descriptor() const { return ring_.ring_fd; }
  /// Queues the operation. False if the ring cannot do it.
  bool start(Operation& operation);
  /// Hands the queued operations to the system.
  void submit();
  /// Calls `take(operation, result)` for each that is done.
  template <typename Take>
  void take_done(Take&& take) {
    io_uring_cqe* done = nullptr;
    while (io_uring_peek_cqe(&ring_, &done) == 0) {
      auto* operation = static_cast<Operation*>(io_uring_cqe_get_data(done));
      const int result = done->res;
      io_uring_cqe_seen(&ring_, done);
      if (operation == nullptr) continue;
      --under_way_;
      take(*operation, result);
    }
  }

 private:
  IoRing() = default;

  io_uring ring_{};
  size_t queued_ = 0;
  size_t under_way_ = 0;  ///< queued or with the system
};

}  // namespace fble
