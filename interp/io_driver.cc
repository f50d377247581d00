#include "interp/io_driver.h"

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

bool IoDriver::must_share() const { return scheduler_ != nullptr && (!scheduler_->is_alone() || !kept_.empty()); }

bool IoDriver::open() {
  if (epoll_ < 0) epoll_ = epoll_create1(EPOLL_CLOEXEC);
  return epoll_ >= 0;
}

int IoDriver::watch(Watch& watch) {
  if (watch.driver_ == number_) return 0;
  if (!open()) return errno;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
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
  const auto listen_to = [&](int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;  // no watch
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
  };
  if (open()) {
    if (can_use_ring_ && ring_ == nullptr) {
      ring_ = IoRing::make();
      if (ring_ != nullptr && !listen_to(ring_->descriptor())) ring_ = nullptr;
      // Not asked again: it is refused for good, or there are helper threads.
      can_use_ring_ = ring_ != nullptr;
    }
    if (ring_ != nullptr && ring_->start(started)) return;
    if (workers_ == nullptr) {
      workers_ = IoWorkers::make();
      if (workers_ != nullptr && !listen_to(workers_->descriptor())) workers_ = nullptr;
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

void IoDriver::poll(Scheduler& scheduler) {
  if (epoll_ < 0) return;
  if (ring_ != nullptr) ring_->submit();
  epoll_event events[kMostEvents];
  const int count = epoll_wait(epoll_, events, kMostEvents, 0);
  bool has_operations = false;
  for (int i = 0; i < count; ++i) {
    const uint32_t what = events[i].events;
    auto* watch = static_cast<Watch*>(events[i].data.ptr);
    if (watch == nullptr) {
      has_operations = true;
      continue;
    }
    constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
    watch->ready(scheduler, (what & (EPOLLIN | EPOLLRDHUP | kBroken)) != 0, (what & (EPOLLOUT | kBroken)) != 0);
  }
  end_lingering();
  if (!has_operations) return;
  if (ring_ != nullptr) {
    ring_->take_done([&](Operation& operation, int result) {
      operation.take_result(result);
      finish(scheduler, operation);
    });
  }
  if (workers_ == nullptr) return;
  for (Operation* operation : workers_->take_done()) finish(scheduler, *operation);
}

}  // namespace fble
