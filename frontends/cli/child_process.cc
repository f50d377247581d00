// Tested by tests/unit/cli/child_process_test.cc.
#include "frontends/cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

namespace fble {
namespace {

/// The children that run. Entries are reused and never freed, so that a signal handler can read them at any time.
struct ChildEntries {
  std::atomic<pid_t> ids[64] = {};  ///< 0: free
  std::atomic<ChildEntries*> next{nullptr};
};
ChildEntries running_children;

/// Enters a child into `running_children` until it is about to be reaped.
class RunningChild {
 public:
  explicit RunningChild(pid_t child) : entry_(enter(child)) {}
  ~RunningChild() { entry_.store(0); }
  RunningChild(const RunningChild&) = delete;
  RunningChild& operator=(const RunningChild&) = delete;

 private:
  static std::atomic<pid_t>& enter(pid_t child) {
    for (ChildEntries* entries = &running_children;; entries = entries->next.load()) {
      for (std::atomic<pid_t>& id : entries->ids) {
        pid_t free = 0;
        if (id.compare_exchange_strong(free, child)) return id;
      }
      if (entries->next.load() != nullptr) continue;
      ChildEntries* expected = nullptr;
      auto more = std::make_unique<ChildEntries>();
      if (entries->next.compare_exchange_strong(expected, more.get())) static_cast<void>(more.release());
    }
  }

  std::atomic<pid_t>& entry_;
};

constexpr size_t kMaxOutputBytes = size_t{4} << 20;

/// Starts the command with both output streams in the pipe. 0 or an errno.
int start(std::span<const std::string> words, int output, pid_t& child) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  const int problem = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return problem;
}

/// Reads the pipe to its end. False when the time is over before that.
bool read_all(int pipe, std::chrono::steady_clock::time_point deadline, std::string& output) {
  char block[1 << 14];
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{.fd = pipe, .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t count = read(pipe, block, sizeof(block));
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return true;
    if (count > 0 && output.size() < kMaxOutputBytes) output.append(block, static_cast<size_t>(count));
  }
}

}  // namespace

ChildOutcome run_child(std::span<const std::string> words, std::chrono::milliseconds timeout) {
  ChildOutcome outcome;
  int ends[2];
  pid_t child = 0;
  // Not inherited by other children, or the pipe would stay open as long as they run.
  int problem = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
  if (problem == 0) {
    problem = start(words, ends[1], child);
    close(ends[1]);
    if (problem != 0) close(ends[0]);
  }
  if (problem != 0) {
    outcome.output = std::strerror(problem);
    return outcome;
  }
  outcome.started = true;
  {
    const RunningChild running(child);
    outcome.timed_out = !read_all(ends[0], std::chrono::steady_clock::now() + timeout, outcome.output);
    close(ends[0]);
    if (outcome.timed_out) kill(child, SIGKILL);
    // The entry goes before the child is reaped: from then on its number may be that of another process.
    siginfo_t ended{};
    while (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {}
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}

void kill_children() {
  for (ChildEntries* entries = &running_children; entries != nullptr; entries = entries->next.load()) {
    for (const std::atomic<pid_t>& id : entries->ids) {
      if (const pid_t child = id.load(); child != 0) kill(child, SIGKILL);
    }
  }
}

}  // namespace fble
