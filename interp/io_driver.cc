#include "interp/io_driver.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "gc/clock.h"
#include "interp/io_ring.h"
#include "interp/io_workers.h"
#include "interp/scheduler.h"

namespace fble {
namespace {

/// The events that are taken from the system at a time.
constexpr int kMostEvents = 256;

uint64_t next_number() {
  static std::atomic<uint64_t> count{0};
  return ++count;
}

}  // namespace

void Watch::ready(Scheduler& scheduler, bool readable, bool writable) {
  if (readable) scheduler.wake_all(readers);
  if (writable) scheduler.wake_all(writers);
}

void Operation::abandon(Scheduler&, VirtualThread&) {
  thread_ = nullptr;
  // Else its memory is in use, and the driver frees it when it is done.
  if (is_done_) delete this;
}

IoDriver::IoDriver(IoKind kind) : kind_(kind), number_(next_number()), can_use_ring_(kind == IoKind::kUring) {}

IoDriver::~IoDriver() {
  ring_.reset();
  workers_.reset();
  kept_.clear();
  if (epoll_ >= 0) close(epoll_);
}

bool IoDriver::must_share() const { return scheduler_ != nullptr && (scheduler_->must_share() || !kept_.empty()); }

bool IoDriver::open() {
  if (epoll_ < 0) epoll_ = epoll_create1(EPOLL_CLOEXEC);
  return epoll_ >= 0;
}

int IoDriver::watch(Watch& watch) {
  if (watch.driver_ == number_) return 0;
  if (!open()) return errno;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watch;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, watch.descriptor, &event) != 0) return errno;
  watch.driver_ = number_;
  return 0;
}

uint8_t* IoDriver::scratch() {
  if (scratch_ == nullptr) scratch_.reset(new uint8_t[kScratchBytes]);
  return scratch_.get();
}

void IoDriver::start(VirtualThread& thread, std::unique_ptr<Operation> operation) {
  Operation& started = *operation.release();
  started.thread_ = &thread;
  thread.unfinished = &started;
  if (open()) {
    if (can_use_ring_ && ring_ == nullptr) {
      ring_ = IoRing::make(epoll_);
      // Not asked again: it is refused for good, or there are helper threads.
      can_use_ring_ = ring_ != nullptr;
    }
    if (ring_ != nullptr && ring_->start(started)) return;
    if (workers_ == nullptr) {
      workers_ = IoWorkers::make();
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = nullptr;  // no watch
      if (workers_ != nullptr && epoll_ctl(epoll_, EPOLL_CTL_ADD, workers_->descriptor(), &event) != 0) {
        workers_ = nullptr;
      }
    }
    if (workers_ != nullptr) return workers_->start(started);
  }
  started.work();
  finish(*scheduler_, started);
}

void IoDriver::finish(Scheduler& scheduler, Operation& operation) {
  operation.is_done_ = true;
  if (operation.thread_ == nullptr) {
    delete &operation;
  } else {
    scheduler.wake(*operation.thread_);
  }
}

void IoDriver::keep(std::unique_ptr<Lingering> lingering, int64_t until) {
  kept_.push_back({std::move(lingering), until});
}

void IoDriver::extend(const Lingering& lingering, int64_t until) {
  for (Kept& kept : kept_) {
    if (kept.lingering.get() == &lingering) kept.until = until;
  }
}

void IoDriver::forget(const Lingering& lingering) {
  std::erase_if(kept_, [&](const Kept& kept) { return kept.lingering.get() == &lingering; });
}

void IoDriver::end_lingering() {
  if (kept_.empty()) return;
  const int64_t now = static_cast<int64_t>(now_ns());
  std::erase_if(kept_, [&](const Kept& kept) {
    if (now < kept.until) return false;
    kept.lingering->give_up();
    return true;
  });
}

int64_t IoDriver::next_look() {
  int64_t time = INT64_MAX;
  for (const Kept& kept : kept_) time = std::min(time, kept.until);
  if (workers_ == nullptr || !workers_->help()) return time;
  return std::min(time, static_cast<int64_t>(now_ns()) + IoWorkers::kPatienceNs);
}

void IoDriver::wait(int64_t until, const sigset_t& mask) {
  if (ring_ != nullptr) return ring_->wait(until, mask);
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t rest = std::max<int64_t>(until - static_cast<int64_t>(now_ns()), 0);
  const timespec time{.tv_sec = rest / kSecond, .tv_nsec = rest % kSecond};
  pollfd entry{.fd = epoll_, .events = POLLIN, .revents = 0};
  ppoll(&entry, 1, until == INT64_MAX ? nullptr : &time, &mask);
}

void IoDriver::poll(Scheduler& scheduler) {
  if (epoll_ < 0) return;
  end_lingering();
  if (ring_ == nullptr) return take_events(scheduler);
  // The ring shows its operations without a system call, and whether there are events.
  const bool has_events = ring_->take_done([&](Operation& operation, int result) {
    operation.take_result(result);
    finish(scheduler, operation);
  });
  if (has_events) take_events(scheduler);
  ring_->submit();
}

void IoDriver::take_events(Scheduler& scheduler) {
  epoll_event events[kMostEvents];
  const int count = epoll_wait(epoll_, events, kMostEvents, 0);
  for (int i = 0; i < count; ++i) {
    const uint32_t what = events[i].events;
    auto* watch = static_cast<Watch*>(events[i].data.ptr);
    if (watch == nullptr) {
      for (Operation* operation : workers_->take_done()) finish(scheduler, *operation);
      continue;
    }
    constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
    constexpr uint32_t kUnusual = EPOLLPRI | EPOLLRDHUP | kBroken;
    const bool is_readable = (what & (EPOLLIN | kUnusual)) != 0;
    if (is_readable) watch->note_input();
    if ((what & kUnusual) != 0) watch->input_ = Watch::Input::kUnusual;
    watch->ready(scheduler, is_readable, (what & (EPOLLOUT | kBroken)) != 0);
  }
}

}  // namespace fble
