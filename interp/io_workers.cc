#include "interp/io_workers.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "gc/clock.h"
#include "interp/detached_thread.h"
#include "interp/io_driver.h"

namespace fble {
namespace {

/// The threads that start as soon as there is work for them. More start when these are stuck.
constexpr size_t kThreads = 64;
/// More than libraries that keep large objects on the heap need.
constexpr size_t kStackBytes = size_t{1} << 20;

}  // namespace

struct IoWorkers::Shared {
  explicit Shared(int event) : descriptor(event) {}
  ~Shared() { close(descriptor); }

  const int descriptor;
  std::mutex lock;  ///< guards all below
  std::condition_variable has_work;
  std::deque<Operation*> waiting;
  std::vector<Operation*> done;
  size_t threads = 0;
  size_t idle = 0;
  int64_t begun_at = 0;  ///< when an operation was begun the last time
  bool is_ending = false;
};

std::unique_ptr<IoWorkers> IoWorkers::make() {
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return nullptr;
  return std::unique_ptr<IoWorkers>(new IoWorkers(std::make_shared<Shared>(event)));
}

IoWorkers::~IoWorkers() {
  const std::lock_guard guard(shared_->lock);
  shared_->is_ending = true;
  // What has not begun is not done. What is under way ends later, and frees itself with the shared part.
  for (Operation* operation : shared_->waiting) delete operation;
  for (Operation* operation : shared_->done) delete operation;
  shared_->waiting.clear();
  shared_->done.clear();
  shared_->has_work.notify_all();
}

int IoWorkers::descriptor() const { return shared_->descriptor; }

void IoWorkers::run(Shared& shared) {
  std::unique_lock guard(shared.lock);
  for (;;) {
    ++shared.idle;
    shared.has_work.wait(guard, [&] { return shared.is_ending || !shared.waiting.empty(); });
    --shared.idle;
    if (shared.is_ending) return;
    Operation* operation = shared.waiting.front();
    shared.waiting.pop_front();
    shared.begun_at = static_cast<int64_t>(now_ns());
    guard.unlock();
    operation->work();
    guard.lock();
    if (shared.is_ending) {
      guard.unlock();
      delete operation;
      return;
    }
    shared.done.push_back(operation);
    if (shared.done.size() == 1) eventfd_write(shared.descriptor, 1);
  }
}

/// Requires: the lock is held.
void IoWorkers::start_thread() {
  if (start_detached_thread(kStackBytes, [shared = shared_] { run(*shared); })) ++shared_->threads;
}

void IoWorkers::start(Operation& operation) {
  std::unique_lock guard(shared_->lock);
  if (shared_->waiting.size() >= shared_->idle && shared_->threads < kThreads) start_thread();
  if (shared_->threads != 0) {
    shared_->waiting.push_back(&operation);
    shared_->has_work.notify_one();
    return;
  }
  guard.unlock();
  operation.work();
  guard.lock();
  shared_->done.push_back(&operation);
  eventfd_write(shared_->descriptor, 1);
}

bool IoWorkers::help() {
  const std::lock_guard guard(shared_->lock);
  if (shared_->waiting.empty()) return false;
  const int64_t now = static_cast<int64_t>(now_ns());
  if (shared_->idle == 0 && now - shared_->begun_at >= kPatienceNs) start_thread();
  return true;
}

std::vector<Operation*> IoWorkers::take_done() {
  eventfd_t count;
  const std::lock_guard guard(shared_->lock);
  eventfd_read(shared_->descriptor, &count);
  return std::exchange(shared_->done, {});
}

}  // namespace fble
