// Tested by tests/unit/frontends/cli/child_process_test.cc.
#include "frontends/cli/testing/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

namespace fble {
namespace {

constexpr size_t kMaxOutputBytes = size_t{4} << 20;

/// Gives the child process its streams: no input, and both outputs in the pipe. Returns an errno if that fails. It may
/// call only async-signal-safe functions, since other threads may have held locks when the process was copied.
int take_streams(int output, pid_t parent) {
  // The kernel kills the child when its parent ends for any reason: no child is left running.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  if (getppid() != parent) _exit(1);  // it ended before the call above
  const int input = TEMP_FAILURE_RETRY(open("/dev/null", O_RDONLY));
  if (input < 0 || dup2(input, STDIN_FILENO) < 0) return errno;
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) return errno;
  if (input > STDERR_FILENO) close(input);
  return 0;
}

/// Does the child's half of `start`: becomes the command. Returns an errno if that fails.
int become(char* const* argv, int output, pid_t parent) {
  if (const int problem = take_streams(output, parent); problem != 0) return problem;
  execv(argv[0], argv);
  return errno;
}

/// Starts the command with both output streams in the pipe. Returns 0 or an errno.
int start(std::span<const std::string> words, int output, pid_t& child) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  // Through this pipe the child reports why it could not become the command; if it could, the pipe closes.
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  const pid_t parent = getpid();
  child = fork();
  if (child == 0) {
    const int problem = become(argv.data(), output, parent);
    _exit(TEMP_FAILURE_RETRY(write(report[1], &problem, sizeof(problem))) == sizeof(problem) ? 1 : 2);
  }
  int problem = child < 0 ? errno : 0;
  close(report[1]);
  if (child > 0) {
    const ssize_t count = TEMP_FAILURE_RETRY(read(report[0], &problem, sizeof(problem)));
    if (count <= 0) problem = 0;
    if (problem != 0) TEMP_FAILURE_RETRY(waitpid(child, nullptr, 0));
  }
  close(report[0]);
  return problem;
}

/// Reads the pipe to its end. Returns false if the deadline passes before that.
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

namespace {

/// Runs a child process that `begin(output, child)` starts, and watches it to its end.
template <typename Begin>
ChildOutcome watch(std::chrono::milliseconds timeout, Begin&& begin) {
  ChildOutcome outcome;
  int ends[2];
  pid_t child = 0;
  // Not inherited by other children, or the pipe would stay open as long as they run.
  int problem = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
  if (problem == 0) {
    problem = begin(ends[1], child);
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

}  // namespace

ChildOutcome run_child(std::span<const std::string> words, std::chrono::milliseconds timeout) {
  return watch(timeout, [&](int output, pid_t& child) { return start(words, output, child); });
}

ChildOutcome run_in_child(const std::function<int()>& body, std::chrono::milliseconds timeout) {
  return watch(timeout, [&](int output, pid_t& child) {
    const pid_t parent = getpid();
    child = fork();
    if (child == 0) _exit(take_streams(output, parent) == 0 ? body() : 1);
    return child < 0 ? errno : 0;
  });
}

}  // namespace fble
