// A library to be preloaded (LD_PRELOAD), in which system calls and allocations fail according to a plan.
//
// FBLE_FAULT_PLAN has rules, separated by ';':
//
//   CALL:FAULT:N       the Nth call fails, counted from 1 and from the start of the process
//   CALL:FAULT:N+      so do all that follow
//   CALL:FAULT:N%SEED  one call in N, chosen by the seed
//
// CALL: write, read, look (a read of what is in memory, which is a read, too), open, poll, watch (of a descriptor by
// epoll), accept, sleep, connect, mmap, or malloc, which stands for all ways to allocate, as read, write and poll do
// for theirs. FAULT: the name of an error, `short` for a read or write of one byte when the call asks for more, or
// SIGINT for that signal just before the call. A connect that is interrupted continues, as it does in Linux. All other
// calls are passed to the system. After a short read of a connection, epoll reports the rest as if it had come later:
// the system itself reads less than there is nowhere else. With FBLE_PROCESSOR_CLOCK the monotonic clock shows the
// processor time of the process, so that a busy machine changes no figure. The library uses no other one than libc and
// allocates nothing.
//
// Used by tests/robustness/faults_test.cc and large_sources_test.cc.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

extern "C" {
// The names of glibc's own allocator beside malloc and its like.
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

enum Call : uint8_t { kWrite, kRead, kLook, kOpen, kPoll, kWatch, kAccept, kSleep, kConnect, kMmap, kMalloc, kCalls };
constexpr const char* kCallNames[] = {"write",  "read",  "look",    "open", "poll",  "watch",
                                      "accept", "sleep", "connect", "mmap", "malloc"};

struct Fault {
  const char* name;
  int error;
};
constexpr int kShort = -1;
constexpr int kInterrupt = -2;
constexpr Fault kFaults[] = {
    {"EINTR", EINTR},   {"EAGAIN", EAGAIN},     {"ENOSPC", ENOSPC}, {"EIO", EIO},
    {"EMFILE", EMFILE}, {"ENFILE", ENFILE},     {"ENOMEM", ENOMEM}, {"ECONNREFUSED", ECONNREFUSED},
    {"short", kShort},  {"SIGINT", kInterrupt},
};

struct Rule {
  Call call;
  int error;
  uint64_t n;
  bool onwards;
  bool by_seed;
  uint64_t seed;
};
constexpr size_t kMostRules = 16;
Rule rules[kMostRules];
size_t rule_count = 0;
std::atomic<uint64_t> counts[kCalls];

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15;
  return x ^ (x >> 29);
}

int due_fault(Call call) {
  if (rule_count == 0) return 0;
  const uint64_t n = ++counts[call];
  for (size_t i = 0; i < rule_count; ++i) {
    const Rule& rule = rules[i];
    if (rule.call != call) continue;
    const bool due =
        rule.by_seed ? mix(rule.seed * 1'000'003 + n) % rule.n == 0 : n == rule.n || (rule.onwards && n > rule.n);
    if (due) return rule.error;
  }
  return 0;
}

/// Returns the fault of this call: 0, an error, or kShort.
int next_fault(Call call) {
  const int fault = due_fault(call);
  if (fault != kInterrupt) return fault;
  kill(getpid(), SIGINT);
  return 0;
}

/// Sets errno and returns true if the fault is an error: the call then returns -1.
bool fails(int fault) {
  if (fault <= 0) return false;
  errno = fault;
  return true;
}

bool matches(const char* text, size_t length, const char* name) {
  return std::strlen(name) == length && std::strncmp(text, name, length) == 0;
}

[[noreturn]] void malformed() {
  constexpr char kText[] = "fault_shim: malformed FBLE_FAULT_PLAN\n";
  syscall(SYS_write, STDERR_FILENO, kText, sizeof(kText) - 1);
  _exit(99);
}

__attribute__((constructor)) void read_plan() {
  const char* at = std::getenv("FBLE_FAULT_PLAN");
  size_t found = 0;
  while (at != nullptr && *at != '\0') {
    if (found == kMostRules) malformed();
    Rule& rule = rules[found++];
    size_t length = std::strcspn(at, ":");
    rule.call = kCalls;
    for (uint8_t call = 0; call < kCalls; ++call) {
      if (matches(at, length, kCallNames[call])) rule.call = static_cast<Call>(call);
    }
    if (at[length] != ':' || rule.call == kCalls) malformed();
    at += length + 1;
    length = std::strcspn(at, ":");
    rule.error = 0;
    for (const Fault& fault : kFaults) {
      if (matches(at, length, fault.name)) rule.error = fault.error;
    }
    if (at[length] != ':' || rule.error == 0) malformed();
    char* end = nullptr;
    rule.n = std::strtoull(at + length + 1, &end, 10);
    if (rule.n == 0) malformed();
    rule.onwards = *end == '+';
    rule.by_seed = *end == '%';
    if (rule.onwards) ++end;
    if (rule.by_seed) rule.seed = std::strtoull(end + 1, &end, 10);
    if (*end != ';' && *end != '\0') malformed();
    at = *end == ';' ? end + 1 : end;
  }
  rule_count = found;
}

/// What epoll watches connections for, by descriptor.
struct Watched {
  int epoll;
  epoll_event event;
};
constexpr int kMostWatched = 4096;
Watched watched[kMostWatched];

/// Has epoll report again what there is.
void report_again(int descriptor) {
  if (descriptor >= kMostWatched || watched[descriptor].epoll == 0) return;
  Watched& each = watched[descriptor];
  syscall(SYS_epoll_ctl, each.epoll, EPOLL_CTL_MOD, descriptor, &each.event);
}

int open_really(const char* name, int flags, va_list rest) {
  const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  if (fails(next_fault(kOpen))) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, name, flags, mode));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
  const int fault = next_fault(kWrite);
  if (fails(fault)) return -1;
  if (fault == kShort && size > 1) size = 1;
  return syscall(SYS_write, descriptor, bytes, size);
}

ssize_t read(int descriptor, void* bytes, size_t size) {
  const int fault = next_fault(kRead);
  if (fails(fault)) return -1;
  if (fault == kShort && size > 1) size = 1;
  return syscall(SYS_read, descriptor, bytes, size);
}

ssize_t send(int descriptor, const void* bytes, size_t size, int flags) {
  const int fault = next_fault(kWrite);
  if (fails(fault)) return -1;
  if (fault == kShort && size > 1) size = 1;
  return syscall(SYS_sendto, descriptor, bytes, size, flags, nullptr, 0);
}

ssize_t recv(int descriptor, void* bytes, size_t size, int flags) {
  const int fault = next_fault(kRead);
  if (fails(fault)) return -1;
  if (fault == kShort && size > 1) size = 1;
  const ssize_t count = syscall(SYS_recvfrom, descriptor, bytes, size, flags, nullptr, nullptr);
  if (fault == kShort && count == 1) report_again(descriptor);
  return count;
}

int epoll_ctl(int descriptor, int what, int watched_one, epoll_event* event) {
  if (what == EPOLL_CTL_ADD && fails(next_fault(kWatch))) return -1;
  if (what == EPOLL_CTL_ADD && watched_one < kMostWatched) watched[watched_one] = {descriptor, *event};
  return static_cast<int>(syscall(SYS_epoll_ctl, descriptor, what, watched_one, event));
}

ssize_t preadv2(int descriptor, const iovec* places, int count, off_t offset, int flags) {
  if (offset >= 0 && fails(next_fault(kLook))) return -1;
  const int fault = next_fault(kRead);
  if (fails(fault)) return -1;
  iovec first = places[0];
  if (fault == kShort && first.iov_len > 1) first.iov_len = 1;
  return syscall(SYS_preadv2, descriptor, fault == kShort ? &first : places, fault == kShort ? 1 : count, offset,
                 offset < 0 ? -1L : 0L, flags);
}

ssize_t pwritev2(int descriptor, const iovec* places, int count, off_t offset, int flags) {
  const int fault = next_fault(kWrite);
  if (fails(fault)) return -1;
  iovec first = places[0];
  if (fault == kShort && first.iov_len > 1) first.iov_len = 1;
  return syscall(SYS_pwritev2, descriptor, fault == kShort ? &first : places, fault == kShort ? 1 : count, offset,
                 offset < 0 ? -1L : 0L, flags);
}

ssize_t pread(int descriptor, void* bytes, size_t size, off_t offset) {
  const int fault = next_fault(kRead);
  if (fails(fault)) return -1;
  if (fault == kShort && size > 1) size = 1;
  return syscall(SYS_pread64, descriptor, bytes, size, offset);
}
ssize_t pread64(int descriptor, void* bytes, size_t size, off64_t offset) {
  return pread(descriptor, bytes, size, offset);
}

int epoll_wait(int descriptor, epoll_event* events, int most, int timeout) {
  if (fails(next_fault(kPoll))) return -1;
  return static_cast<int>(syscall(SYS_epoll_pwait, descriptor, events, most, timeout, nullptr, size_t{8}));
}

int ppoll(pollfd* entries, nfds_t count, const timespec* time, const sigset_t* signals) {
  if (fails(next_fault(kPoll))) return -1;
  timespec rest = time == nullptr ? timespec{} : *time;
  return static_cast<int>(syscall(SYS_ppoll, entries, count, time == nullptr ? nullptr : &rest, signals, size_t{8}));
}

int open(const char* name, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = open_really(name, flags, rest);
  va_end(rest);
  return result;
}

int open64(const char* name, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = open_really(name, flags, rest);
  va_end(rest);
  return result;
}

int poll(pollfd* entries, nfds_t count, int timeout) {
  if (fails(next_fault(kPoll))) return -1;
  return static_cast<int>(syscall(SYS_poll, entries, count, timeout));
}

int accept4(int descriptor, sockaddr* address, socklen_t* size, int flags) {
  if (fails(next_fault(kAccept))) return -1;
  return static_cast<int>(syscall(SYS_accept4, descriptor, address, size, flags));
}

int connect(int descriptor, const sockaddr* address, socklen_t size) {
  const int fault = next_fault(kConnect);
  if (fault == EINTR) {
    const int flags = fcntl(descriptor, F_GETFL);
    fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    syscall(SYS_connect, descriptor, address, size);
    fcntl(descriptor, F_SETFL, flags);
  }
  if (fails(fault)) return -1;
  return static_cast<int>(syscall(SYS_connect, descriptor, address, size));
}

int nanosleep(const timespec* time, timespec* rest) {
  if (fails(next_fault(kSleep))) return -1;
  return static_cast<int>(syscall(SYS_nanosleep, time, rest));
}

int clock_gettime(clockid_t clock, timespec* time) {
  static const bool is_processor_time = std::getenv("FBLE_PROCESSOR_CLOCK") != nullptr;
  if (clock == CLOCK_MONOTONIC && is_processor_time) clock = CLOCK_PROCESS_CPUTIME_ID;
  return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
}

void* mmap(void* address, size_t size, int protection, int flags, int descriptor, off_t offset) {
  if (fails(next_fault(kMmap))) return MAP_FAILED;
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, size, protection, flags, descriptor, offset));
}

void* malloc(size_t size) { return fails(next_fault(kMalloc)) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails(next_fault(kMalloc)) ? nullptr : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return fails(next_fault(kMalloc)) ? nullptr : __libc_realloc(memory, size); }
void* memalign(size_t alignment, size_t size) {
  return fails(next_fault(kMalloc)) ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* found = memalign(alignment, size);
  if (found == nullptr) return ENOMEM;
  *memory = found;
  return 0;
}

}  // extern "C"
