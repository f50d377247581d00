#include "frontends/std/native/long_work.h"

#include <pthread.h>
#include <semaphore.h>

#include <csignal>
#include <memory>

#include "frontends/std/native/waiting.h"

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

void* do_job(void* owned) {
  const std::unique_ptr<SharedJob> job(static_cast<SharedJob*>(owned));
  (*job)->work();
  (*job)->work = nullptr;  // the other owner destroys the data that it used
  sem_post(&(*job)->done);
  return nullptr;
}

/// Starts a thread that gets no signals, as they are for the waiting thread. Returns false if it cannot be started.
bool start(const SharedJob& job) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  auto owned = std::make_unique<SharedJob>(job);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, do_job, owned.get()) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (started) static_cast<void>(owned.release());
  return started;
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
