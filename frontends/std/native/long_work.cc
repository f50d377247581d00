#include "frontends/std/native/long_work.h"

#include <semaphore.h>

#include <memory>

#include "frontends/std/native/waiting.h"
#include "interp/detached_thread.h"

namespace fble {
namespace {

/// The size of the stack: more than libraries that keep large objects on the heap need.
constexpr size_t kStackBytes = size_t{1} << 20;

struct Job {
  explicit Job(std::function<void()> what) : work(std::move(what)) { sem_init(&done, 0, 0); }
  ~Job() { sem_destroy(&done); }

  std::function<void()> work;
  sem_t done;
};

/// The shared job: the thread and its waiter own it, and the last one destroys it.
using SharedJob = std::shared_ptr<Job>;

/// Starts a thread for the job. Returns false if it cannot be started.
bool start(const SharedJob& job) {
  return start_detached_thread(kStackBytes, [job] {
    job->work();
    job->work = nullptr;  // the other owner destroys the data that it used
    sem_post(&job->done);
  });
}

}  // namespace

bool finish_long_work(std::function<void()> work) {
  if (interrupt_requested()) return false;
  const auto job = std::make_shared<Job>(std::move(work));
  if (!start(job)) {
    job->work();
    return true;
  }
  return wait_in([&] { return sem_wait(&job->done); }) == 0;
}

}  // namespace fble
