#include "tests/vale/os_threads.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

namespace vale {

OsThreads::OsThreads(const Limits& limits) : limits_(limits) {
  for (sem_t& turn : turns_) sem_init(&turn, 0, 0);
}

bool OsThreads::fork(Node& node, Context& context, Join& join) {
  {
    const std::scoped_lock lock(mutex_);
    if (searches_ == limits_.searches) return false;
    ++searches_;
    ++join.running;
  }
  auto work = std::make_unique<Work>(Work{*this, node, context, join});
  if (start_thread(*work)) {
    work.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now.
    return true;
  }
  const std::scoped_lock lock(mutex_);
  --searches_;
  --join.running;
  return false;
}

void* OsThreads::work_on(void* pointer) {
  const std::unique_ptr<Work> work(static_cast<Work*>(pointer));
  work->runtime.end(work->join, work->runtime.search_here(work->node, work->context));
  return nullptr;
}

void OsThreads::end(Join& join, const Tally& tally) {
  const std::scoped_lock lock(mutex_);
  --searches_;
  join.tally += tally;
  if (--join.running == 0 && join.waiting != nullptr)
    static_cast<std::condition_variable*>(join.waiting->waiter)->notify_one();
}

void OsThreads::perform(Operation& operation) {
  switch (operation.what) {
    case Operation::What::kOpen: open(operation); break;
    case Operation::What::kRead: read(operation); break;
    case Operation::What::kList: list_folder(operation); break;
    case Operation::What::kYield: yield(operation.descriptor); break;
    case Operation::What::kJoin: join(operation); break;
  }
}

void OsThreads::open(Operation& operation) {
  {
    std::unique_lock lock(mutex_);
    file_closed_.wait(lock, [&] { return files_ < limits_.files; });
    ++files_;
  }
  operation.result = ::open(operation.data, O_RDONLY | O_CLOEXEC);
  if (operation.result >= 0) return;
  operation.result = -errno;
  close(-1);
}

void OsThreads::read(Operation& operation) {
  {
    const std::scoped_lock lock(mutex_);
    if (++reads_ == expected_reads_) read_begun_.notify_one();
  }
  operation.result = ::read(operation.descriptor, operation.data, operation.size);
  if (operation.result < 0) operation.result = -errno;
}

/// The two alternate: dive 0 begins.
void OsThreads::yield(int number) {
  sem_t& own = turns_[number];
  sem_t& other = turns_[1 - number];
  if (number == 1) sem_wait(&own);
  sem_post(&other);
  if (number == 0) sem_wait(&own);
}

void OsThreads::join(Operation& operation) {
  std::condition_variable ended;
  std::unique_lock lock(mutex_);
  operation.waiter = &ended;
  operation.join->waiting = &operation;
  ended.wait(lock, [&] { return operation.join->running == 0; });
}

void OsThreads::close(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  const std::scoped_lock lock(mutex_);
  --files_;
  file_closed_.notify_one();
}

void OsThreads::expect_reads(int64_t count) {
  if (!when_all_read) return;
  {
    std::unique_lock lock(mutex_);
    expected_reads_ = count;
    read_begun_.wait(lock, [&] { return reads_ == count; });
  }
  // What has been begun does not wait yet.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  when_all_read(count);
}

}  // namespace vale
