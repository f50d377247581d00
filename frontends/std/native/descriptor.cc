#include "frontends/std/native/descriptor.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "frontends/std/native/file.h"
#include "frontends/std/native/waiting.h"
#include "gc/terminal.h"
#include "interp/scheduler.h"

namespace fble {
namespace {

/// Returns whether the system does not know how to do it without waiting.
bool is_unknown(int problem) { return problem == EOPNOTSUPP || problem == EINVAL || problem == ENOSYS; }

}  // namespace

OwnedDescriptor::~OwnedDescriptor() {
  if (number_ >= 0) ::close(number_);
}

SharedDescriptor::Kind SharedDescriptor::kind() {
  if (kind_ != Kind::kUnknown) return kind_;
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return kind_ = Kind::kInPlace;
  // Other programs may share the place in a file that is a standard stream.
  const bool is_stored = S_ISREG(status.st_mode) && descriptor > STDERR_FILENO;
  if (is_stored) size_ = status.st_size;
  const bool is_stream = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISCHR(status.st_mode);
  return kind_ = is_stored ? Kind::kStored : is_stream ? Kind::kStream : Kind::kInPlace;
}

/// Tries once whether the descriptor is a terminal that can be used by a number that never blocks.
bool SharedDescriptor::opens_again() {
  if (std::exchange(has_opened_again_, true)) return false;
  again_ = OwnedDescriptor(open_terminal_again(descriptor));
  return again_.is_open();
}

int SharedDescriptor::close() {
  const int number = std::exchange(descriptor, -1);
  Scheduler* scheduler = io_ == nullptr ? nullptr : io_->scheduler();
  // They learn that it is closed before the number can be another file's.
  if (scheduler != nullptr) wake_all(*scheduler);
  again_ = OwnedDescriptor();
  if (number <= STDERR_FILENO) return 0;
  const int problem = ::close(number) == 0 || errno == EINTR ? 0 : errno;
  if (scheduler != nullptr && !io_->descriptor_waiters.empty()) scheduler->wake(*io_->descriptor_waiters.first());
  return problem;
}

bool SharedDescriptor::is_ready(short events) const {
  pollfd entry{.fd = descriptor, .events = events, .revents = 0};
  return poll(&entry, 1, 0) > 0;
}

ssize_t SharedDescriptor::try_read(uint8_t* bytes, size_t size, int64_t offset) {
  if (kind() == Kind::kConnection) return try_receive(bytes, size);
  if (kind_ == Kind::kInPlace) return wait_in([&] { return read(descriptor, bytes, size); });
  const iovec place{.iov_base = bytes, .iov_len = size};
  const bool is_stored = kind_ == Kind::kStored;
  if (again_.is_open()) return wait_in([&] { return read(again_.number(), bytes, size); });
  const ssize_t count = wait_in([&] { return preadv2(descriptor, &place, 1, is_stored ? offset : -1, RWF_NOWAIT); });
  if (count >= 0 || !is_unknown(errno)) return count;
  if (is_stored) {
    errno = EAGAIN;
    return -1;
  }
  if (opens_again()) return try_read(bytes, size, offset);
  if (!is_ready(POLLIN)) {
    errno = EAGAIN;
    return -1;
  }
  return wait_in([&] { return read(descriptor, bytes, size); });
}

ssize_t SharedDescriptor::try_receive(uint8_t* bytes, size_t size) {
  if (!may_have_input()) {
    errno = EAGAIN;
    return -1;
  }
  const ssize_t count = wait_in([&] { return recv(descriptor, bytes, size, 0); });
  // Whatever comes later, or was there with an end behind it, is an event that is still to be taken.
  if (count < 0 ? errno == EAGAIN : count > 0 && static_cast<size_t>(count) < size) note_taken();
  return count;
}

ssize_t SharedDescriptor::try_write_some(std::string_view bytes) {
  if (kind() == Kind::kConnection) return send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (kind_ != Kind::kStream) return write(descriptor, bytes.data(), bytes.size());
  if (again_.is_open()) return write(again_.number(), bytes.data(), bytes.size());
  const iovec place{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  const ssize_t count = pwritev2(descriptor, &place, 1, -1, RWF_NOWAIT);
  if (count >= 0 || !is_unknown(errno)) return count;
  if (opens_again()) return try_write_some(bytes);
  if (!is_ready(POLLOUT)) {
    errno = EAGAIN;
    return -1;
  }
  return write(descriptor, bytes.data(), std::min(bytes.size(), ready_bytes(descriptor)));
}

int SharedDescriptor::try_write(std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t count = try_write_some(bytes);
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (count == 0) {
      return EIO;  // no progress, and no reason for it
    } else if (errno != EINTR || interrupt_requested()) {
      return errno == EWOULDBLOCK ? EAGAIN : errno;
    }
  }
  return 0;
}

void SharedDescriptor::ready(Scheduler& scheduler, bool readable, bool writable) {
  Watch::ready(scheduler, readable, writable);
  if (writable && output != nullptr) output->write_later();
}

}  // namespace fble
