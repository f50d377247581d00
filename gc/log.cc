#include "gc/log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "gc/base.h"
#include "gc/clock.h"
#include "gc/terminal.h"

namespace fble {
namespace {

/// Waits until the descriptor takes bytes, or has an error to report. Returns 0 or an errno value.
int wait_for_reader(int descriptor, const WritePatience& patience) {
  // Signals that repeat must not make the wait longer.
  constexpr uint64_t kMillisecond = 1'000'000;
  const uint64_t start = now_ns();
  for (;;) {
    pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
    int left = patience.milliseconds;
    if (left > 0)
      left = std::max(0, left - static_cast<int>(std::min<uint64_t>((now_ns() - start) / kMillisecond, INT_MAX)));
    const int ready = poll(&entry, 1, left);
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR && errno != EAGAIN) return errno;
    if (patience.give_up != nullptr && patience.give_up()) return EINTR;
  }
}

/// Writes all; with `must_not_block`, only what is taken without blocking at a time.
int write_to(int descriptor, std::string_view& bytes, const WritePatience& patience, bool must_not_block) {
  while (!bytes.empty()) {
    size_t size = bytes.size();
    if (must_not_block) {
      size = std::min(size, ready_bytes(descriptor));
      if (const int problem = wait_for_reader(descriptor, patience); problem != 0) return problem;
    }
    const ssize_t count = write(descriptor, bytes.data(), size);
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (count == 0) {
      return EIO;  // no progress, and no reason for it
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const int problem = wait_for_reader(descriptor, patience); problem != 0) return problem;
    } else if (errno != EINTR) {
      return errno;
    } else if (patience.give_up != nullptr && patience.give_up()) {
      return EINTR;
    }
  }
  return 0;
}

int write_new_file(const std::string& name, int flags, std::string_view bytes) {
  int descriptor;
  do {
    descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return errno;
  int problem = write_all(descriptor, bytes);
  // Network file systems report here what they could not store. The descriptor is closed in any case.
  if (close(descriptor) != 0 && errno != EINTR && problem == 0) problem = errno;
  return problem;
}

}  // namespace

int write_all(int descriptor, std::string_view& bytes, const WritePatience& patience) {
  const bool must_not_block = patience.milliseconds >= 0 && (fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0;
  const int again = must_not_block ? open_terminal_again(descriptor) : -1;
  if (again < 0) return write_to(descriptor, bytes, patience, must_not_block);
  const int problem = write_to(again, bytes, patience, false);
  close(again);
  return problem;
}

void log_text(std::string_view text) { write_all(STDERR_FILENO, text); }

int write_file(const std::string& name, std::string_view bytes) { return write_new_file(name, O_TRUNC, bytes); }

int append_to_file(const std::string& name, std::string_view bytes) { return write_new_file(name, O_APPEND, bytes); }

void bug(const char* file, int line, const char* what) {
  log_print("fble-jit: internal error at {}:{}: {}\n", file, line, what);
  std::abort();
}

}  // namespace fble
