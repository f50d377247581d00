// Runs one command and reports what it used.
//
//   launch REPORT OUTPUT SAMPLE_MS TIMEOUT_S COMMAND [ARG...]
//
// The command's standard output goes to the file OUTPUT. REPORT gets a JSON object:
// exit status or signal, seconds of user, system and wall time, peak memory in KiB,
// forced context switches, seconds from the start to the first byte of output, the
// processor time that was used until each line of output, and, when SAMPLE_MS is not 0,
// pairs of seconds and resident KiB.
//
// Python cannot do this: the kernel passes the peak of a process to the program
// that it executes, so each command that a large process starts looks large. This
// one is linked statically and small. It also gives all contestants the same
// stack: up to 4 GiB if the hard limit allows it.
//
// Used by tests/bench/run, which builds it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

static double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

[[noreturn]] static void fail(const char* what) {
  perror(what);
  exit(2);
}

/// A list of numbers, as JSON, that is appended to a buffer of its own.
struct List {
  char* text = nullptr;
  size_t size = 0;
  size_t capacity = 0;

  void append(const char* entry) {
    const size_t length = strlen(entry);
    if (size + length + 3 > capacity) {
      capacity = 2 * capacity + length + 4096;
      text = static_cast<char*>(realloc(text, capacity));
      if (text == nullptr) fail("realloc");
    }
    if (size != 0) text[size++] = ',';
    memcpy(text + size, entry, length + 1);
    size += length;
  }
  const char* get() const { return size == 0 ? "" : text; }
};

static long resident_kib(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[128];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return -1;
  text[length] = 0;
  long total;
  long resident;
  if (sscanf(text, "%ld %ld", &total, &resident) != 2) return -1;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char** argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: launch REPORT OUTPUT SAMPLE_MS TIMEOUT_S COMMAND [ARG...]\n");
    return 2;
  }
  const char* report_path = argv[1];
  const int output = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (output < 0) fail(argv[2]);
  const double sample = atof(argv[3]) / 1000;
  const double timeout = atof(argv[4]);
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");

  const double start = now();
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) == 0) {
      const rlim_t wanted = rlim_t{4} << 30;
      limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
      setrlimit(RLIMIT_STACK, &limit);
    }
    execvp(argv[5], argv + 5);
    perror(argv[5]);
    _exit(127);
  }
  close(ends[1]);

  // Unlike its files in /proc, the clock of another process is exact.
  clockid_t used;
  if (clock_getcpuclockid(pid, &used) != 0) fail("clock_getcpuclockid");
  List lines;
  List memory;
  double first_byte = -1;
  double next_sample = sample > 0 ? start : 1e300;
  bool killed = false;
  static char buffer[1 << 16];
  for (;;) {
    double wake = start + timeout;
    if (next_sample < wake) wake = next_sample;
    const double wait = wake - now();
    pollfd reader = {ends[0], POLLIN, 0};
    timespec span = {0, 0};
    if (wait > 0) {
      span.tv_sec = static_cast<time_t>(wait);
      span.tv_nsec = static_cast<long>((wait - static_cast<double>(span.tv_sec)) * 1e9);
    }
    const int ready = ppoll(&reader, 1, &span, nullptr);
    const double t = now();
    if (ready > 0) {
      const ssize_t length = read(ends[0], buffer, sizeof buffer);
      if (length <= 0) break;
      if (first_byte < 0) first_byte = t - start;
      timespec cpu = {0, 0};
      if (clock_gettime(used, &cpu) != 0) fail("clock_gettime");
      for (ssize_t i = 0; i < length; ++i) {
        if (buffer[i] != '\n') continue;
        char entry[32];
        snprintf(entry, sizeof entry, "%.6f",
                 static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9);
        lines.append(entry);
      }
      for (ssize_t done = 0; done < length;) {
        const ssize_t n = write(output, buffer + done, static_cast<size_t>(length - done));
        if (n <= 0) fail("write");
        done += n;
      }
    }
    if (t >= next_sample) {
      const long kib = resident_kib(pid);
      if (kib > 0) {
        char entry[48];
        snprintf(entry, sizeof entry, "[%.4f,%ld]", t - start, kib);
        memory.append(entry);
      }
      while (next_sample <= t) next_sample += sample;
    }
    if (t - start >= timeout && !killed) {
      kill(pid, SIGKILL);
      killed = true;
      break;
    }
  }

  int status = 0;
  rusage usage;
  if (wait4(pid, &status, 0, &usage) != pid) fail("wait4");
  const double wall = now() - start;
  FILE* report = fopen(report_path, "w");
  if (report == nullptr) fail(report_path);
  fprintf(report,
          "{\"status\":%d,\"signal\":%d,\"timeout\":%s,\"user\":%.6f,\"system\":%.6f,\"wall\":%.6f,"
          "\"peak_kib\":%ld,\"forced_switches\":%ld,\"first_output\":%.6f,\"line_cpu\":[%s],\"memory\":[%s]}\n",
          WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          killed ? "true" : "false", seconds(usage.ru_utime), seconds(usage.ru_stime), wall, usage.ru_maxrss,
          usage.ru_nivcsw, first_byte, lines.get(), memory.get());
  if (fclose(report) != 0) fail(report_path);
  return 0;
}
