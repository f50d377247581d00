#include "tests/vale/helpers.h"

#include <sys/eventfd.h>

#include <thread>
#include <utility>

namespace vale {
namespace {

/// As many as the product has.
constexpr size_t kMostHelpers = 64;

}  // namespace

Helpers::Helpers() : descriptor_(eventfd(0, EFD_CLOEXEC)) {}

void Helpers::start(Operation& operation, void (*work)(Operation& operation)) {
  ++under_way_;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({&operation, work});
  }
  begun_.notify_one();
  if (count_ == kMostHelpers || count_ >= under_way_) return;
  ++count_;
  std::thread([this] { help(); }).detach();
}

std::vector<Operation*> Helpers::take_done() {
  const std::scoped_lock lock(mutex_);
  under_way_ -= done_.size();
  return std::exchange(done_, {});
}

void Helpers::help() {
  std::unique_lock lock(mutex_);
  while (true) {
    begun_.wait(lock, [&] { return !waiting_.empty(); });
    const Work next = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    next.work(*next.operation);
    lock.lock();
    done_.push_back(next.operation);
    eventfd_write(descriptor_, 1);
  }
}

}  // namespace vale
