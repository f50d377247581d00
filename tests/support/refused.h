// Runs a part of a test where the system refuses some calls.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace fble {

/// The number of a system call (SYS_...), and the error with which it fails.
using Refusal = std::pair<long, int>;

/// Has the system refuse the calls of this thread from now on, and of the threads that it starts. Returns whether it
/// does.
inline bool refuse_calls(const std::vector<Refusal>& refusals) {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const auto& [number, error] : refusals) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/// Calls the function on a thread of its own, where the system refuses these calls. Returns whether it could.
template <typename Function>
[[nodiscard]] bool run_refused(const std::vector<Refusal>& refusals, Function&& function) {
  bool could = false;
  std::thread([&] {
    could = refuse_calls(refusals);
    if (could) function();
  }).join();
  return could;
}

}  // namespace fble
