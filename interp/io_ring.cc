#include "interp/io_ring.h"

#include <poll.h>

#include <algorithm>

#include "gc/clock.h"
#include "interp/io_driver.h"

namespace fble {
namespace {

/// Operations that are handed over together at most; any number may be under way.
constexpr unsigned kEntries = 256;

}  // namespace

std::unique_ptr<IoRing> IoRing::make(int watched) {
  std::unique_ptr<IoRing> made(new IoRing);
  made->watched_ = watched;
  // Linux need not interrupt the program for a result: it looks for them often enough. Older ones do not know of that.
  const unsigned flags[] = {IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
                            IORING_SETUP_CLAMP};
  io_uring_params parameters{};
  int result = -1;
  for (const unsigned each : flags) {
    parameters = {};
    parameters.flags = each;
    result = io_uring_queue_init_params(kEntries, &made->ring_, &parameters);
    if (result == 0) break;
  }
  if (result != 0) {
    made->ring_.ring_fd = -1;
    return nullptr;
  }
  // What does not fit the queue of results is kept for us since Linux 5.5, and a wait has a time and a mask since 5.11;
  // before, the ring is of no use.
  constexpr unsigned kNeeded = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_EXT_ARG;
  if ((parameters.features & kNeeded) != kNeeded) return nullptr;
  return made;
}

IoRing::~IoRing() {
  if (ring_.ring_fd < 0) return;
  submit();
  if (io_uring_sqe* entry = under_way_ == 0 ? nullptr : io_uring_get_sqe(&ring_); entry != nullptr) {
    io_uring_prep_cancel(entry, nullptr, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    io_uring_sqe_set_data(entry, nullptr);
    ++queued_;
    submit();
  }
  // The system may write to the memory of what cannot be cancelled in this time, so that is never freed.
  __kernel_timespec patience{.tv_sec = 0, .tv_nsec = 100'000'000};
  for (io_uring_cqe* done = nullptr; under_way_ != 0 && io_uring_wait_cqe_timeout(&ring_, &done, &patience) == 0;) {
    take_done([](Operation& operation, int) { delete &operation; });
  }
  io_uring_queue_exit(&ring_);
}

bool IoRing::start(Operation& operation) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    submit();
    entry = io_uring_get_sqe(&ring_);
  }
  if (entry == nullptr) return false;
  ++queued_;
  if (!operation.prepare(*entry)) {
    // The entry must be used.
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data(entry, nullptr);
    return false;
  }
  io_uring_sqe_set_data(entry, &operation);
  ++under_way_;
  return true;
}

void IoRing::note_submitted(int count) {
  if (count > 0) queued_ -= std::min(queued_, static_cast<size_t>(count));
}

/// Has the ring look at the watched descriptor, again after it was ready.
void IoRing::queue_watching() {
  io_uring_sqe* entry = must_watch_ ? io_uring_get_sqe(&ring_) : nullptr;
  if (entry == nullptr) return;
  io_uring_prep_poll_add(entry, watched_, POLLIN);
  io_uring_sqe_set_data(entry, &watched_);
  ++queued_;
  must_watch_ = false;
}

void IoRing::submit() {
  queue_watching();
  while (queued_ != 0) {
    const int count = io_uring_submit(&ring_);
    // Short of memory, or results wait to be taken: what is left is handed over the next time.
    if (count <= 0) return;
    note_submitted(count);
  }
}

void IoRing::wait(int64_t until, const sigset_t& mask) {
  queue_watching();
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t rest = std::max<int64_t>(until - static_cast<int64_t>(now_ns()), 0);
  __kernel_timespec time{.tv_sec = rest / kSecond, .tv_nsec = rest % kSecond};
  io_uring_cqe* done = nullptr;
  sigset_t let_through = mask;
  note_submitted(
      io_uring_submit_and_wait_timeout(&ring_, &done, 1, until == INT64_MAX ? nullptr : &time, &let_through));
}

}  // namespace fble
