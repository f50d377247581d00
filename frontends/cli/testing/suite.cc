// `fble-jit suite`: runs the annotated tests below a folder, each in a process of its own.
//
// A test is an .fble file with a line that holds "@@fble-test@@ KIND [LINE:COLUMN]";
// kKinds lists the kinds. "none" marks a module that tests use. A test whose
// annotation follows one of the kind "xfail" states today's behaviour, which is not
// the right one. Module paths start at the root: all words quoted.
//
// Deopt points (`# deopt-here!`) in a test are part of it: see test.cc.
//
// Tested by tests/unit/frontends/cli/suite_test.cc.
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "frontends/cli/cli.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/testing/child_process.h"
#include "frontends/std/native/file.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

struct Mode {
  const char* name;
  const char* flags;
  const char* doc;
};
constexpr Mode kModes[] = {
#define FBLE_MODE(name, flags, doc) {name, flags, doc},
#include "frontends/cli/modes.def"
#undef FBLE_MODE
};

/// A kind of test: what it runs, and the expected ending.
struct Kind {
  const char* name;
  const char* command;
  bool in_every_mode;
  Status status;
  const char* message;    ///< expected in the output as ":LINE:COLUMN: message"
  bool also_disassemble;  ///< which must succeed without running the module
};
constexpr Kind kKinds[] = {
    {"no-error", "test", true, Status::kOk, nullptr, true},
    {"compile-error", "test", true, Status::kCompileError, "error", false},
    {"compile-warning", "test", true, Status::kOk, "warning", false},
    {"runtime-error", "test", true, Status::kRuntimeError, "error", true},
    {"memory-constant", "mem-test", false, Status::kOk, nullptr, false},
    {"memory-growth", "mem-test --growth", false, Status::kOk, nullptr, false},
    {"compile-module", "check", false, Status::kOk, nullptr, true},
};

struct Test {
  std::string name;  ///< path below the root, without .fble
  std::string kind;
  std::string position;
};

struct Job {
  const Test* test;
  const Kind* kind;  ///< null when there is no such kind
  const Mode* mode;  ///< null for tests that run once only
  bool first;        ///< of the jobs of this test
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  size_t at = 0;
  constexpr const char* kSpaces = " \t\r\n";
  while ((at = text.find_first_not_of(kSpaces, at)) != std::string::npos) {
    const size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

/// Reads a file's annotation. Returns false if it has none, or if it cannot be read: then sets `problem`.
bool read_annotation(const fs::path& file, Test& test, std::error_code& problem) {
  constexpr std::string_view kTag = "@@fble-test@@";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) problem.assign(errno, std::generic_category());
  std::string line;
  while (std::getline(stream, line)) {
    const size_t at = line.find(kTag);
    if (at == std::string::npos) continue;
    const std::vector<std::string> words = words_of(line.substr(at + kTag.size()));
    if (!words.empty() && words[0].starts_with("xfail")) continue;
    test.kind = words.empty() ? "" : words[0];
    test.position = words.size() < 2 ? "" : words[1];
    return true;
  }
  return false;
}

/// Returns the module path, such as "/'a'/'b'%": every word is quoted, as a file name may hold any letters.
std::string module_path_of(const std::string& name) {
  std::string path = "/'";
  for (const char letter : name) {
    if (letter == '/') {
      path += "'/'";
    } else {
      path += letter == '\'' ? "''" : std::string(1, letter);
    }
  }
  return path + "'%";
}

class Suite {
 public:
  Suite(const Options& options, fs::path root) : options_(options), root_(std::move(root)) {}

  /// Finds the tests in name order. Returns false after a message.
  bool find() {
    std::error_code problem;
    std::error_code unreadable;
    const fs::path folder = options_.suite;
    fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, problem);
    for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
      std::error_code ignored;
      if (entry->path().extension() != ".fble" || !entry->is_regular_file(ignored)) continue;
      fs::path below_folder = entry->path().lexically_relative(folder);
      if (!is_chosen(below_folder.replace_extension().string())) continue;
      Test test;
      if (!read_annotation(entry->path(), test, unreadable)) {
        if (!unreadable) continue;
        print_error(fmt::format("cannot read file '{}': {}", entry->path().string(), unreadable.message()));
        return false;
      }
      fs::path below_root = fs::absolute(entry->path()).lexically_normal().lexically_relative(root_);
      test.name = below_root.replace_extension().string();
      if (test.kind == "none") {
        ++helpers_;
      } else {
        tests_.push_back(std::move(test));
      }
    }
    if (problem) {
      print_error(fmt::format("cannot read folder '{}': {}", options_.suite, problem.message()));
      return false;
    }
    std::ranges::sort(tests_, {}, &Test::name);
    return true;
  }

  void plan(const std::vector<const Mode*>& modes) {
    for (const Test& test : tests_) {
      const Kind* kind = std::ranges::find(kKinds, test.kind, &Kind::name);
      if (kind == std::end(kKinds)) kind = nullptr;
      if (kind == nullptr || !kind->in_every_mode) {
        jobs_.push_back({&test, kind, nullptr, true});
        continue;
      }
      for (const Mode* mode : modes) jobs_.push_back({&test, kind, mode, mode == modes.front()});
    }
  }

  /// Runs all jobs. Returns whether there was one and none failed.
  bool run() {
    std::atomic<size_t> next = 0;
    std::vector<std::thread> workers;
    const size_t count = options_.jobs != 0 ? options_.jobs : std::max(1u, std::thread::hardware_concurrency());
    const auto work = [&] {
      for (size_t job; (job = next++) < jobs_.size();) report(jobs_[job], judge(jobs_[job]));
    };
    try {
      for (size_t i = 0; i < std::min(count, jobs_.size()); ++i) workers.emplace_back(work);
    } catch (const std::system_error&) {
      // If the system cannot start all of the threads, those that run do the work.
    }
    if (workers.empty()) work();
    for (std::thread& worker : workers) worker.join();
    clear_progress();
    if (jobs_.empty()) print_output("no tests found below {}\n", options_.suite);
    print_output("{} tests and {} modules that they use\n", tests_.size(), helpers_);
    print_output("{} passed, {} failed\n", done_ - failed_, failed_);
    if (deopt_points_ != 0)
      print_output("{} deopt points, hit {} times in machine code\n", deopt_points_, deopt_point_hits_);
    return failed_ == 0 && !jobs_.empty();
  }

 private:
  bool is_chosen(const std::string& name) const {
    return options_.filters.empty() || std::ranges::any_of(options_.filters, [&](const std::string& filter) {
             return fnmatch(filter.c_str(), name.c_str(), 0) == 0;
           });
  }

  ChildOutcome run_self(const std::string& command, const char* flags, const Test& test) const {
    std::vector<std::string> words{"/proc/self/exe"};
    for (std::string& word : words_of(command + " " + flags)) words.push_back(std::move(word));
    words.insert(words.end(), {"-I", root_.string()});
    for (const std::string& root : options_.roots) words.insert(words.end(), {"-I", root});
    words.insert(words.end(), {"-m", module_path_of(test.name)});
    return run_child(words, std::chrono::seconds(options_.timeout_seconds));
  }

  /// Returns why the outcome is wrong; empty if it is right.
  static std::string compare(const ChildOutcome& outcome, int status, const std::string& message) {
    if (!outcome.started) return "cannot run: " + outcome.output;
    std::string why;
    if (outcome.timed_out) {
      why = "timed out";
    } else if (outcome.status < 0) {
      why = fmt::format("killed by signal {}", -outcome.status);
    } else if (outcome.status != status) {
      why = fmt::format("exit status {}, not {}", outcome.status, status);
    } else if (outcome.output.find(message) == std::string::npos) {
      why = fmt::format("no '{}' in the output", message);
    } else {
      return "";
    }
    // The first line that reports an error, or else the first line.
    size_t start = outcome.output.find("error: ");
    start = start == std::string::npos ? 0 : outcome.output.rfind('\n', start) + 1;
    const size_t end = std::min(outcome.output.find('\n', start), outcome.output.size());
    return why + ": " + (end == start ? "(no output)" : outcome.output.substr(start, end - start));
  }

  /// Counts the lines of `fble-jit test` about deopt points (frontends/cli/testing/deopt_points.h). That command fails
  /// itself if a deopt point was not hit.
  void count_deopt_points(const std::string& output) {
    constexpr std::string_view kDeoptPoint = ": deopt-here!";
    for (size_t at = 0; (at = output.find(kDeoptPoint, at)) != std::string::npos; at += kDeoptPoint.size()) {
      const std::vector<std::string> words =
          words_of(output.substr(at, std::min(output.find('\n', at), output.size()) - at));
      for (size_t i = 1; i + 1 < words.size(); ++i) {
        if (words[i] != "hits" || words[i + 1] != "in") continue;
        ++deopt_points_;
        deopt_point_hits_ += std::strtoull(words[i - 1].c_str(), nullptr, 10);
      }
    }
  }

  std::string judge(const Job& job) {
    if (job.kind == nullptr) return "unknown kind of test";
    std::string message;
    if (job.kind->message != nullptr) message = fmt::format(":{}: {}", job.test->position, job.kind->message);
    const char* flags = job.mode != nullptr ? job.mode->flags : "";
    const ChildOutcome outcome = run_self(job.kind->command, flags, *job.test);
    count_deopt_points(outcome.output);
    std::string why = compare(outcome, exit_status(job.kind->status, StatusSet::kEvaluation), message);
    if (why.empty() && job.first && job.kind->also_disassemble) {
      why = compare(run_self("disassemble", "", *job.test), 0, "");
      if (!why.empty()) why = "disassemble: " + why;
    }
    return why;
  }

  void report(const Job& job, const std::string& why) {
    const std::lock_guard lock(printing_);
    ++done_;
    if (!why.empty()) {
      ++failed_;
      clear_progress();
      print_output("FAIL {} [{}{}{}] ({}): {}\n", job.test->name, job.test->kind, job.test->position.empty() ? "" : " ",
                   job.test->position, job.mode != nullptr ? job.mode->name : "-", why);
      flush_standard_streams();
    }
    if (on_terminal_) {
      print_message("\r{} of {} done, {} failed", done_, jobs_.size(), failed_);
    }
  }

  void clear_progress() const {
    if (on_terminal_) print_message("\r\033[K");
  }

  const Options& options_;
  const fs::path root_;
  std::vector<Test> tests_;
  size_t helpers_ = 0;
  std::vector<Job> jobs_;
  std::mutex printing_;
  size_t done_ = 0;
  size_t failed_ = 0;
  std::atomic<uint64_t> deopt_points_ = 0;  ///< lines about them: one for each deopt point and mode
  std::atomic<uint64_t> deopt_point_hits_ = 0;
  const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
};

/// Finds the modes by name. Returns false after a message.
bool find_modes(const std::vector<std::string>& names, std::vector<const Mode*>& modes) {
  for (const std::string& name : names) {
    const Mode* mode = std::ranges::find(kModes, name, &Mode::name);
    if (mode == std::end(kModes)) {
      std::string known;
      for (const Mode& other : kModes) known += (known.empty() ? "" : ", ") + std::string(other.name);
      print_message("Error: unknown mode '{}'; there are: {}\n", name, known);
      return false;
    }
    modes.push_back(mode);
  }
  if (modes.empty()) modes.push_back(&kModes[0]);
  return true;
}

}  // namespace

CommandEnding run_suite(const Options& options) {
  std::vector<const Mode*> modes;
  if (!find_modes(options.modes, modes)) return Status::kUsageError;
  const fs::path given = options.suite_root.empty() ? options.suite : options.suite_root;
  std::error_code problem;
  fs::path root = fs::absolute(given / "", problem).lexically_normal().parent_path();
  const fs::path below = fs::absolute(fs::path(options.suite), problem).lexically_normal().lexically_relative(root);
  if (below.empty() || *below.begin() == "..") {
    print_error(fmt::format("the suite's folder {} is not below its root {}", options.suite, options.suite_root));
    return Status::kUsageError;
  }
  Suite suite(options, std::move(root));
  if (!suite.find()) return Status::kUsageError;
  suite.plan(modes);
  return suite.run() ? Status::kOk : Status::kFailed;
}

}  // namespace fble
