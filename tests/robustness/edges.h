// Tools for the tests of broken streams, limits, signals and faults: processes in surroundings of any kind, a small
// program for each purpose, and the table of subcommands.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/command.h"

namespace fble {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The kinds of standard streams of a process.
enum class Stream : uint8_t {
  kFile,
  kFull,    ///< a device without space
  kClosed,  ///< nothing
  kGone,    ///< a pipe whose reader has gone
  kSlow,    ///< a pipe that does not block, and a slow reader
  kStuck,   ///< a pipe that blocks, and a reader that does not read
};

inline constexpr int kPipeBytes = 4096;
/// The time after which something never comes. Processes of a busy machine with sanitizers are slow.
#if __has_feature(address_sanitizer)
inline constexpr milliseconds kPatience{300'000};
#else
inline constexpr milliseconds kPatience{60'000};
#endif

/// Limits, signals and streams that a process has from its start.
struct Surroundings {
  Stream out = Stream::kFile;
  Stream err = Stream::kFile;
  std::vector<std::pair<int, rlim_t>> limits;  ///< RLIMIT_... and its value
  std::vector<std::string> environment;        ///< "NAME=VALUE"
  std::vector<int> ignored_signals;
  int in = -1;  ///< a descriptor for standard input, instead of nothing to read
};

/// Returns the processor time that the process has used, in seconds.
inline double processor_seconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Returns whether the process has used enough processor time to be in the middle of its work, if that begins after
/// `start_seconds` of it.
inline bool is_working(pid_t process, double start_seconds = 0) {
  return processor_seconds(process) >= start_seconds + 0.15;
}

/// Returns the processor time of all children that have ended.
inline double seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// A row of frontends/cli/modes.def.
struct Mode {
  std::string name;
  std::vector<std::string> flags;

  friend std::ostream& operator<<(std::ostream& stream, const Mode& mode) { return stream << mode.name; }
};

/// Returns the ways to run a program.
inline std::vector<Mode> all_modes() {
  std::vector<Mode> modes;
  const auto add = [&](const char* name, const char* flags) {
    std::istringstream words(flags);
    modes.push_back({name, {std::istream_iterator<std::string>(words), {}}});
  };
#define FBLE_MODE(name, flags, doc) add(name, flags);
#include "frontends/cli/modes.def"
#undef FBLE_MODE
  return modes;
}

/// Returns the mode's name for the test.
inline std::string mode_name(const testing::TestParamInfo<Mode>& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

inline void wait_until(const std::function<bool()>& condition) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (!condition()) {
    ASSERT_LT(Clock::now(), deadline) << "never comes";
    std::this_thread::sleep_for(milliseconds(2));
  }
}

class EdgesTest : public CommandTest {
 protected:
  EdgesTest() {
    std::signal(SIGPIPE, SIG_IGN);
    const std::string unit = "Unit@ = *();\n";
    write("Ok.fble", "# A module.\n" + unit + "# A value.\nUnit@ Value = Unit@();\n@(Value);\n");
    write("Malformed.fble", unit + "x;\n");
    write("Fails.fble", unit + "E@ = +(Unit@ a, Unit@ b);\nE@(a: Unit@()).b;\n");
    write("NeverHit.fble", unit + "(Unit@ x) {\n  # deopt-here!\n  x;\n}(Unit@());\n");
    write("Spin.fble", unit + "(Unit@) { Unit@; } Spin = (Unit@ x) { Spin(x); };\nSpin(Unit@());\n");
    write("Grows.fble",
          "L@ = +(P@ cons, Unit@ nil), P@ = *(Unit@ head, L@ tail), Unit@ = *();\n"
          "(L@) { L@; } Grow = (L@ l) { Grow(L@(cons: P@(Unit@(), l))); };\nGrow(L@(nil: Unit@()));\n");
    const std::string bits =
        "BitS@ = +(BitP@ cons, Unit@ nil), BitP@ = *(Bit@ msb, BitS@ tail),\n"
        "Bit@ = +(Unit@ 0, Unit@ 1), Unit@ = *();\n";
    write("Constant.fble", bits + "(BitS@ n) { n; };\n");
    write("MemFails.fble", bits + "(BitS@ n) { n.nil; };\n");
    write("MemSpin.fble", bits + "(BitS@) { Unit@; } F = (BitS@ n) { F(n); };\nF;\n");
    // Much to print: as bytecode, as documentation, as warnings, as names of files.
    std::string large = "# A module.\n" + unit;
    std::string exports;
    std::string uses;
    for (int i = 0; i < 300; ++i) {
      const std::string number = std::to_string(i);
      large += "# Number " + number + ".\nUnit@ Value" + number + " = Unit@();\n";
      exports += (i == 0 ? "" : ", ") + ("Value" + number);
      write("Many/Module" + number + ".fble", "*();\n");
      uses += "Unused" + number + " = /Many/Module" + number + "%;\n";
    }
    write("Large.fble", large + "@(" + exports + ");\n");
    write("Warns.fble", uses + "*();\n");
    write("suite/Pass.fble", "# @@fble-test@@ no-error\n*();\n");
    write("failing/Fail.fble", "# @@fble-test@@ compile-error 1:1\n*();\n");
    write("endless/Spin.fble", "# @@fble-test@@ no-error\n" + read("Spin.fble"));
    write_program("Hello.fble", "Unit@ _ := m.do(out(StringE|'hello\\n')); m.return(Int|0);");
    write_program("Seven.fble", "m.return(Int|7);");
    write_program("Most.fble", "m.return(Int|111);");
    write_program("Larger.fble", "m.return(Int|200);");
    write_program("Undefined.fble", "/Std/Undef%.Undef.undef<M@<Int@>>;");
    write_program("Lines.fble", R"(
      (Int@) { M@<Int@>; } Loop = (Int@ n) {
        /Std/Int/Eq%.Eq(n, Int|0).?(true: m.return(Int|0));
        Unit@ _ := m.do(out(StringE|'one line of many\n'));
        Loop(/Std/Int%.Decr(n));
      };
      Loop(Int|3000);)");
    write_program("Forever.fble", R"(
      (Int@) { M@<Int@>; } Loop = (Int@ n) { Loop(/Std/Int%.Incr(n)); };
      Unit@ _ := m.do(out(StringE|'begun\n'));
      Loop(Int|0);)");
    write_program("Gathers.fble",
                  "(List@<Int@>) { M@<Int@>; } Loop = (List@<Int@> l) { "
                  "Loop(/Std/List%.Items(Int|1, l)); }; Loop(/Std/List%.List<Int@>[]);");
  }

  /// Writes a program with this body, which may use m, io and out.
  void write_program(const std::string& name, const std::string& body) {
    write(name, R"(
StringE .= /Std/Char/Ascii/Stream%;
Int@ .= /Std/Int%;
Int .= /Std/Int/Lit%;
Io@ .= /Std/Io%;
Main@ .= /Std/Io/Cli%;
List@ .= /Std/List%;
Monad@ .= /Std/Monad%;
Out@ .= /Std/Stream/Out%;
Char@ .= /Std/Char%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> args) {
  Out@<Char@, M@> out := m.do(/Std/Io/File/Utf8%.Stdout(m, io));
  _ = @(args, out, StringE, Int@, Unit@);
)" + body + "\n};\nMain;\n");
  }

  /// A running process, with the descriptors to communicate with it.
  struct Process {
    pid_t id = -1;
    int out = -1;  ///< the reader's end of a pipe, if there is one
    int err = -1;
  };

  Process start(const std::vector<std::string>& words, const Surroundings& around = {},
                const std::string& command = FBLE_JIT_COMMAND) const {
    Process process;
    const int out = open_stream(around.out, ".out", process.out);
    const int err = open_stream(around.err, ".err", process.err);
    std::vector<char*> argv{const_cast<char*>(command.c_str())};
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    process.id = fork();
    if (process.id == 0) {
      if (chdir(folder().c_str()) != 0) _exit(127);
      unsetenv("FBLE_PACKAGE_PATH");
      unsetenv("FBLE_JIT_STD");
      setenv("XDG_CACHE_HOME", "/dev/null", 1);  // there is no cache
      for (const std::string& word : around.environment) putenv(const_cast<char*>(word.c_str()));
      std::signal(SIGPIPE, SIG_DFL);
      for (const int signal : around.ignored_signals) std::signal(signal, SIG_IGN);
      dup2(around.in >= 0 ? around.in : open("/dev/null", O_RDONLY), STDIN_FILENO);
      out < 0 ? close(STDOUT_FILENO) : dup2(out, STDOUT_FILENO);
      err < 0 ? close(STDERR_FILENO) : dup2(err, STDERR_FILENO);
      // The process gets only the descriptors that a shell would pass.
      for (int descriptor = 3; descriptor < 64; ++descriptor) close(descriptor);
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      for (const auto& [what, limit] : around.limits) {
        const rlimit both{limit, what == RLIMIT_CPU ? limit + 10 : limit};
        setrlimit(static_cast<__rlimit_resource>(what), &both);
      }
      execv(argv[0], argv.data());
      _exit(127);
    }
    if (out >= 0) close(out);
    if (err >= 0) close(err);
    return process;
  }

  /// Waits for the end of the process, which must come in time, and reads pipes slowly meanwhile.
  CommandResult finish(Process& process) const {
    const Clock::time_point deadline = Clock::now() + kPatience;
    CommandResult result;
    result.out = read_slowly(process.out, deadline);
    result.err = read_slowly(process.err, deadline);
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(process.id, &status, WNOHANG)) == 0 && Clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    if (ended == 0) {
      ADD_FAILURE() << "does not end";
      kill(process.id, SIGKILL);
      waitpid(process.id, &status, 0);
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (process.out < 0) result.out = read(".out");
    if (process.err < 0) result.err = read(".err");
    for (const int pipe : {process.out, process.err}) {
      if (pipe >= 0) close(pipe);
    }
    return result;
  }

  /// Waits until the process has ended, for `finish`, and returns the most memory that it was seen to use, in bytes.
  size_t watch_memory(const Process& process) const {
    size_t most = 0;
    wait_until([&] {
      std::ifstream file("/proc/" + std::to_string(process.id) + "/status");
      for (std::string word; file >> word;) {
        size_t kilobytes = 0;
        if (word == "VmHWM:" && file >> kilobytes) most = std::max(most, kilobytes << 10);
      }
      siginfo_t info{};
      waitid(P_PID, static_cast<id_t>(process.id), &info, WEXITED | WNOWAIT | WNOHANG);
      return info.si_pid != 0;
    });
    return most;
  }

  /// Writes sources whose text alone is 40 MB.
  void write_huge_sources() const {
    const std::string comment = "# " + std::string(size_t{40} << 20, 'x') + "\n";
    write("Huge.fble", "# A module.\n" + comment + "*();\n");
    write("huge/Huge.fble", comment + "# @@fble-test@@ no-error\n*();\n");
  }

  CommandResult run_in(const std::vector<std::string>& words, const Surroundings& around = {}) const {
    Process process = start(words, around);
    return finish(process);
  }

 private:
  /// Opens the stream and returns the process's end of it, or -1 for none. Stores the reader's end of a pipe, if there
  /// is one, in `reader`.
  int open_stream(Stream kind, const char* file, int& reader) const {
    const std::string path = folder() + "/" + file;
    const int plain = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (kind == Stream::kFile) return plain;
    close(plain);
    if (kind == Stream::kClosed) return -1;
    if (kind == Stream::kFull) return open("/dev/full", O_WRONLY | O_CLOEXEC);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
    if (kind == Stream::kSlow) fcntl(ends[1], F_SETFL, O_NONBLOCK);
    if (kind == Stream::kGone) {
      close(ends[0]);
    } else {
      reader = ends[0];
    }
    return ends[1];
  }

  static std::string read_slowly(int pipe, Clock::time_point deadline) {
    std::string text;
    if (pipe < 0) return text;
    std::this_thread::sleep_for(milliseconds(20));
    char piece[3000];
    while (Clock::now() < deadline) {
      const ssize_t count = ::read(pipe, piece, sizeof(piece));
      if (count == 0) break;
      if (count > 0) text.append(piece, static_cast<size_t>(count));
      std::this_thread::sleep_for(milliseconds(1));
    }
    return text;
  }
};

/// The columns of frontends/cli/statuses.def that the tests need.
struct Statuses {
  int usage_error;
  int other_error;
  int out_of_memory;
};
inline constexpr Statuses kProgram{116, 117, 118};
inline constexpr Statuses kEvaluation{4, 5, 6};
inline constexpr Statuses kTool{2, 5, 6};
inline constexpr int kInterrupted = 130;

/// A command, with words for each kind of test.
struct Subcommand {
  const char* name;  ///< empty for running a program
  Statuses statuses;
  std::vector<std::string> words;          ///< succeeds quickly
  bool has_output;                         ///< these words print something to standard output
  std::vector<std::string> long_words;     ///< prints more than a pipe holds; empty if it has no output
  std::vector<std::string> endless_words;  ///< computes without end; empty if the command cannot
};

inline const std::vector<Subcommand>& subcommands() {
  static const std::vector<Subcommand>& all = *new std::vector<Subcommand>{
      {"", kProgram, {"Hello.fble"}, true, {"Lines.fble"}, {"Forever.fble"}},
      {"test", kEvaluation, {"test", "Ok.fble"}, false, {}, {"test", "Spin.fble"}},
      {"mem-test", kEvaluation, {"mem-test", "Constant.fble"}, false, {}, {"mem-test", "MemSpin.fble"}},
      {"check", kTool, {"check", "Ok.fble"}, false, {}, {}},
      {"disassemble", kTool, {"disassemble", "Ok.fble"}, true, {"disassemble", "Large.fble"}, {}},
      {"deps", kTool, {"deps", "-t", "goal", "Ok.fble"}, true, {"deps", "-t", "goal", "Warns.fble"}, {}},
      {"doc", kTool, {"doc", "Ok.fble"}, true, {"doc", "Large.fble"}, {}},
      {"build", kTool, {"build", "-o", "built", "Hello.fble"}, false, {}, {}},
      {"suite", kTool, {"suite", "suite"}, true, {"suite", "--help"}, {"suite", "endless"}},
      {"bisect", kEvaluation, {"bisect", "--seeds", "1", "Hello.fble"}, true, {}, {"bisect", "Forever.fble"}},
  };
  return all;
}

/// Returns the command's words with options before the others.
inline std::vector<std::string> with_options(const Subcommand& sub, std::vector<std::string> words,
                                             const std::vector<std::string>& options) {
  words.insert(words.begin() + (*sub.name == '\0' ? 0 : 1), options.begin(), options.end());
  return words;
}

inline std::string words_text(const std::vector<std::string>& words) {
  std::string text = "fble-jit";
  for (const std::string& word : words) text += " " + word;
  return text;
}

}  // namespace fble
