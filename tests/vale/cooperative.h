// What V2 and A share: one OS thread, a line of searches that can continue, a ring of io_uring for what they wait for,
// and helpers that read folders, as the ring cannot.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <deque>

#include "tests/vale/helpers.h"
#include "tests/vale/runtime.h"

namespace vale {

class Cooperative : public Runtime {
 public:
  explicit Cooperative(const Limits& limits);

  /// Begins an operation; its waiter continues when it is done.
  void start(Operation& operation);

  Tally run(Node& root, Context& context) override;
  bool fork(Node& node, Context& context, Join& join) override;
  void close(int descriptor) override;
  void perform(Operation& operation) override;
  void expect_reads(int64_t count) override { expected_reads_ = count; }

 protected:
  /// Makes a search that has not begun: what `resume` is called with.
  virtual void* make(Node& node, Context& context, Join& join) = 0;
  /// Runs a search until it waits or has ended.
  virtual void resume(void* waiter) = 0;
  /// Notes the end of a search.
  void end(Join& join, const Tally& tally);

 private:
  io_uring_sqe* entry();
  void start_open(Operation& operation);
  void watch_helpers();
  void wait();

  io_uring ring_{};
  Limits limits_;
  std::deque<void*> ready_;          ///< searches that can continue
  std::deque<Operation*> unopened_;  ///< files to open when another one is closed
  Helpers helpers_;
  Operation watching_;  ///< a read of the helpers' descriptor
  uint64_t wakes_ = 0;  ///< what it reads
  bool is_watching_ = false;
  int64_t searches_ = 0;
  int64_t files_ = 0;
  int64_t reads_ = 0;  ///< that were begun
  int64_t expected_reads_ = -1;
};

/// The runtime, for coroutines.
Cooperative* cooperative();

}  // namespace vale
