// Tested by tests/unit/frontends/fble/parser_test.cc.
#include "frontends/fble/big_stack.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>

namespace fble {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kReserve = kMiB / 4;

/// The lowest address that recursion of this thread may reach; 0 = not yet asked.
thread_local uintptr_t stack_floor = 0;
thread_local bool on_big_stack = false;

uintptr_t find_stack_floor() {
  pthread_attr_t attributes;
  void* base = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 1;
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<uintptr_t>(base) + std::min(kReserve, size / 4);
}

/// Returns the memory, in bytes, of this machine or container, whichever is less.
size_t memory_bytes() {
  size_t bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/memory.max", "r")) {
    unsigned long long limit = 0;
    if (std::fscanf(file, "%llu", &limit) == 1 && limit > 0) bytes = std::min<size_t>(bytes, limit);
    std::fclose(file);
  }
  return bytes;
}

struct Job {
  const std::function<void()>* function;
  uintptr_t floor;
  std::exception_ptr thrown;
};

void* run_job(void* argument) {
  Job* job = static_cast<Job*>(argument);
  stack_floor = job->floor;
  on_big_stack = true;
  try {
    (*job->function)();
  } catch (...) {
    job->thrown = std::current_exception();
  }
  return nullptr;
}

}  // namespace

void run_on_big_stack(const std::function<void()>& function) {
  if (on_big_stack) {
    function();
    return;
  }
  // A reservation costs nothing until it is used, but if all of it were used,
  // the system would kill the process: recursion stops at a quarter of the
  // memory.
  const size_t usable = std::max(memory_bytes() / 4, 64 * kMiB);
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  size_t size = 1024 * kMiB;  // the sanitizer's shadow memory has a cost
#else
  size_t size = 64 * 1024 * kMiB;
#endif
#else
  size_t size = 64 * 1024 * kMiB;
#endif
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* memory = MAP_FAILED;
  for (; size >= kMiB; size /= 4) {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory != MAP_FAILED) break;
  }
  // The process's own stack is no way out: where memory is this short, it cannot grow, which ends the process.
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
  madvise(memory, size, MADV_NOHUGEPAGE);

  uintptr_t base = reinterpret_cast<uintptr_t>(memory);
  Job job{&function, base + std::max(kReserve, size > usable ? size - usable : 0), nullptr};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  bool started =
      pthread_attr_setstack(&attributes, memory, size) == 0 && pthread_create(&thread, &attributes, run_job, &job) == 0;
  pthread_attr_destroy(&attributes);
  if (started) pthread_join(thread, nullptr);
  munmap(memory, size);
  if (!started) {
    function();
  } else if (job.thrown) {
    std::rethrow_exception(job.thrown);
  }
}

void run_with_stack(size_t bytes, const std::function<void()>& function) {
  // The process's first stack grows to its limit; what main and its callees take of it is little.
  constexpr size_t kTaken = kMiB;
  rlimit limit{};
  const bool has_room = gettid() == getpid() && getrlimit(RLIMIT_STACK, &limit) == 0 && bytes < limit.rlim_cur &&
                        limit.rlim_cur - bytes > kTaken + kReserve;
  if (on_big_stack || !has_room) return run_on_big_stack(function);
  const uintptr_t outer_floor = stack_floor;
  stack_floor = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - bytes;
  try {
    function();
  } catch (...) {
    stack_floor = outer_floor;
    throw;
  }
  stack_floor = outer_floor;
}

bool stack_nearly_exhausted() {
  if (stack_floor == 0) stack_floor = find_stack_floor();
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < stack_floor;
}

}  // namespace fble
