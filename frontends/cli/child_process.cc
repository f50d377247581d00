// Tested by tests/unit/cli/child_process_test.cc.
#include "frontends/cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

namespace fble {
namespace {

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
  outcome.timed_out = !read_all(ends[0], std::chrono::steady_clock::now() + timeout, outcome.output);
  close(ends[0]);
  if (outcome.timed_out) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}

}  // namespace fble
