// OS threads that do what io_uring cannot, such as reading folders, while the carrier continues.
//
// Tested by tests/vale/vale_test.py.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace vale {

struct Operation;

class Helpers {
 public:
  Helpers();

  /// Has a helper call `work(operation)`. Starts one more if all are busy and there are few.
  void start(Operation& operation, void (*work)(Operation& operation));
  /// The operations that are done and were not taken before.
  std::vector<Operation*> take_done();
  /// Whether there are operations that were not taken.
  bool are_busy() const { return under_way_ != 0; }
  /// An eventfd that is readable when operations are done.
  int descriptor() const { return descriptor_; }

 private:
  struct Work {
    Operation* operation;
    void (*work)(Operation& operation);
  };

  void help();

  const int descriptor_;
  size_t under_way_ = 0;  ///< the carrier's, as is:
  size_t count_ = 0;      ///< of helpers
  std::mutex mutex_;      ///< guards what is below
  std::condition_variable begun_;
  std::deque<Work> waiting_;
  std::vector<Operation*> done_;
};

}  // namespace vale
