#include "tests/vale/cooperative.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace vale {
namespace {

/// Operations that are handed over together at most, as in the product; any number may be under way.
constexpr unsigned kEntries = 256;

}  // namespace

Cooperative* cooperative() { return static_cast<Cooperative*>(runtime); }

Cooperative::Cooperative(const Limits& limits) : limits_(limits) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  const int result = io_uring_queue_init_params(kEntries, &ring_, &parameters);
  if (result != 0) {
    fmt::print(stderr, "zork: the system refuses io_uring: {}\n", std::strerror(-result));
    std::exit(1);
  }
}

Tally Cooperative::run(Node& root, Context& context) {
  Join join;
  fork(root, context, join);
  while (join.running != 0) {
    while (!ready_.empty()) {
      void* waiter = ready_.front();
      ready_.pop_front();
      resume(waiter);
    }
    if (join.running != 0) wait();
  }
  return join.tally;
}

bool Cooperative::fork(Node& node, Context& context, Join& join) {
  if (searches_ == limits_.searches) return false;
  ++searches_;
  ++join.running;
  ready_.push_back(make(node, context, join));
  return true;
}

void Cooperative::end(Join& join, const Tally& tally) {
  --searches_;
  join.tally += tally;
  if (--join.running == 0 && join.waiting != nullptr) ready_.push_back(join.waiting->waiter);
}

void Cooperative::start(Operation& operation) {
  switch (operation.what) {
    case Operation::What::kOpen:
      if (files_ == limits_.files) {
        unopened_.push_back(&operation);
      } else {
        start_open(operation);
      }
      break;
    case Operation::What::kRead: {
      io_uring_sqe* read = entry();
      // Offset -1: where the file stands.
      io_uring_prep_read(read, operation.descriptor, operation.data, static_cast<unsigned>(operation.size),
                         uint64_t(-1));
      io_uring_sqe_set_data(read, &operation);
      ++reads_;
      break;
    }
    case Operation::What::kList: helpers_.start(operation, list_folder); break;
    case Operation::What::kYield: ready_.push_back(operation.waiter); break;
    case Operation::What::kJoin:
      if (operation.join->running == 0) {
        ready_.push_back(operation.waiter);
      } else {
        operation.join->waiting = &operation;
      }
      break;
  }
}

void Cooperative::start_open(Operation& operation) {
  ++files_;
  io_uring_sqe* open = entry();
  io_uring_prep_openat(open, AT_FDCWD, operation.data, O_RDONLY | O_CLOEXEC, 0);
  io_uring_sqe_set_data(open, &operation);
}

io_uring_sqe* Cooperative::entry() {
  while (true) {
    if (io_uring_sqe* found = io_uring_get_sqe(&ring_); found != nullptr) return found;
    io_uring_submit(&ring_);
  }
}

/// Has the ring wait for the helpers, too.
void Cooperative::watch_helpers() {
  if (is_watching_ || !helpers_.are_busy()) return;
  is_watching_ = true;
  io_uring_sqe* read = entry();
  io_uring_prep_read(read, helpers_.descriptor(), &wakes_, sizeof(wakes_), 0);
  io_uring_sqe_set_data(read, &watching_);
}

/// Hands over what is queued, waits until something is done, and takes all that is.
void Cooperative::wait() {
  if (reads_ == expected_reads_ && when_all_read) {
    io_uring_submit(&ring_);
    expected_reads_ = -1;
    when_all_read(reads_);
  }
  watch_helpers();
  io_uring_submit_and_wait(&ring_, 1);
  io_uring_cqe* done = nullptr;
  while (io_uring_peek_cqe(&ring_, &done) == 0) {
    auto& operation = *static_cast<Operation*>(io_uring_cqe_get_data(done));
    operation.result = done->res;
    io_uring_cqe_seen(&ring_, done);
    if (&operation == &watching_) {
      is_watching_ = false;
      for (const Operation* listed : helpers_.take_done()) ready_.push_back(listed->waiter);
      continue;
    }
    if (operation.what == Operation::What::kOpen && operation.result < 0) close(-1);
    ready_.push_back(operation.waiter);
  }
}

void Cooperative::close(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  --files_;
  if (unopened_.empty()) return;
  Operation& next = *unopened_.front();
  unopened_.pop_front();
  start_open(next);
}

void Cooperative::perform(Operation&) { std::abort(); }

}  // namespace vale
