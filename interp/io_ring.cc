#include "interp/io_ring.h"

#include "interp/io_driver.h"

namespace fble {
namespace {

/// Operations that are handed over together at most; any number may be under way.
constexpr unsigned kEntries = 256;

}  // namespace

std::unique_ptr<IoRing> IoRing::make() {
  std::unique_ptr<IoRing> made(new IoRing);
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_CLAMP;
  if (io_uring_queue_init_params(kEntries, &made->ring_, &parameters) != 0) {
    made->ring_.ring_fd = -1;
    return nullptr;
  }
  // What does not fit the queue of results is kept for us since Linux 5.5; before, the ring is of no use.
  if ((parameters.features & IORING_FEAT_NODROP) == 0 || (parameters.features & IORING_FEAT_RW_CUR_POS) == 0)
    return nullptr;
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

void IoRing::submit() {
  while (queued_ != 0) {
    const int count = io_uring_submit(&ring_);
    if (count == -EINTR) continue;
    // Short of memory, or results wait to be taken: what is left is handed over the next time.
    if (count <= 0) return;
    queued_ -= static_cast<size_t>(count);
  }
}

}  // namespace fble
