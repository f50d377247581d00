// What T and V1 share: OS threads, which the system makes wait.
#pragma once

#include <semaphore.h>

#include <condition_variable>
#include <mutex>

#include "tests/vale/runtime.h"

namespace vale {

class OsThreads : public Runtime {
 public:
  explicit OsThreads(const Limits& limits);

  Tally run(Node& root, Context& context) override { return search_here(root, context); }
  bool fork(Node& node, Context& context, Join& join) override;
  void close(int descriptor) override;
  void perform(Operation& operation) override;
  void expect_reads(int64_t count) override;

 protected:
  /// A search in an OS thread of its own.
  struct Work {
    OsThreads& runtime;
    Node& node;
    Context& context;
    Join& join;
  };

  /// Starts an OS thread that calls `work_on(work)`. False if the system has no more.
  virtual bool start_thread(Work& work) = 0;
  /// Searches in this OS thread.
  virtual Tally search_here(Node& node, Context& context) = 0;
  /// The function of an OS thread.
  static void* work_on(void* work);

  const Limits& limits() const { return limits_; }

 private:
  void end(Join& join, const Tally& tally);
  void open(Operation& operation);
  void read(Operation& operation);
  void yield(int number);
  void join(Operation& operation);

  const Limits limits_;
  std::mutex mutex_;  ///< guards what is below, and each Join
  std::condition_variable file_closed_;
  std::condition_variable read_begun_;
  int64_t searches_ = 1;
  int64_t files_ = 0;
  int64_t reads_ = 0;
  int64_t expected_reads_ = -1;
  sem_t turns_[2];  ///< of dives 0 and 1
};

}  // namespace vale
