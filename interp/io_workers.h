// Helper threads that do operations for which the system has no way that does not wait.
//
// They start when there is work for them, and get no signals: those are for the thread that runs the program.
//
// Tested by tests/unit/interp/io_driver_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace fble {

class Operation;

class IoWorkers {
 public:
  /// Null if the system has no descriptor left.
  static std::unique_ptr<IoWorkers> make();
  ~IoWorkers();
  IoWorkers(const IoWorkers&) = delete;

  /// Readable when operations are done.
  int descriptor() const;
  /// Does the operation, on this thread if there can be no other.
  void start(Operation& operation);
  /// Returns the operations that are done since the last call.
  std::vector<Operation*> take_done();
  /// Starts one more thread if operations wait and none has begun for kPatienceNs: all threads may be waiting for other
  /// programs. Returns whether operations wait, so that it should be called again after that time.
  bool help();
  static constexpr int64_t kPatienceNs = 10'000'000;

 private:
  struct Shared;
  explicit IoWorkers(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  static void run(Shared& shared);
  void start_thread();

  /// The threads own it, too: one that cannot end keeps it.
  std::shared_ptr<Shared> shared_;
};

}  // namespace fble
